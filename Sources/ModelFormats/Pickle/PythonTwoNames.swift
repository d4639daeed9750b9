/// What Python 3 makes of Python 2's names in pickles below protocol 3: the facts of its `_compat_pickle` module.
enum PythonTwoNames {
    /// The module and name that are really imported.
    static func map(module: String, name: String) -> (module: String, name: String) {
        if let found = names["\(module)/\(name)"] {
            let parts = found.split(separator: "/")
            return (String(parts[0]), String(parts[1]))
        }
        if module == "exceptions" { return ("builtins", name) }
        return (modules[module] ?? module, name)
    }

    /// Whether no Python 3 has such a module, so that the name can only mean what it is mapped to.
    static func isGone(module: String) -> Bool { module == "__builtin__" || module == "copy_reg" }

    private static let modules = parse(moduleTable)
    private static let names = parse(nameTable)

    private static func parse(_ table: String) -> [String: String] {
        var result: [String: String] = [:]
        for word in table.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let parts = word.split(separator: "=")
            result[String(parts[0])] = String(parts[1])
        }
        return result
    }

    private static let moduleTable = """
        __builtin__=builtins copy_reg=copyreg Queue=queue SocketServer=socketserver ConfigParser=configparser
        repr=reprlib tkFileDialog=tkinter.filedialog tkSimpleDialog=tkinter.simpledialog
        tkColorChooser=tkinter.colorchooser tkCommonDialog=tkinter.commondialog Dialog=tkinter.dialog Tkdnd=tkinter.dnd
        tkFont=tkinter.font tkMessageBox=tkinter.messagebox ScrolledText=tkinter.scrolledtext
        Tkconstants=tkinter.constants Tix=tkinter.tix ttk=tkinter.ttk Tkinter=tkinter markupbase=_markupbase
        _winreg=winreg thread=_thread dummy_thread=_dummy_thread dbhash=dbm.bsd dumbdbm=dbm.dumb dbm=dbm.ndbm
        gdbm=dbm.gnu xmlrpclib=xmlrpc.client SimpleXMLRPCServer=xmlrpc.server httplib=http.client
        htmlentitydefs=html.entities HTMLParser=html.parser Cookie=http.cookies cookielib=http.cookiejar
        BaseHTTPServer=http.server test.test_support=test.support commands=subprocess urlparse=urllib.parse
        robotparser=urllib.robotparser urllib2=urllib.request anydbm=dbm _abcoll=collections.abc cPickle=pickle
        _elementtree=xml.etree.ElementTree FileDialog=tkinter.filedialog SimpleDialog=tkinter.simpledialog
        DocXMLRPCServer=xmlrpc.server SimpleHTTPServer=http.server CGIHTTPServer=http.server UserDict=collections
        UserList=collections UserString=collections whichdb=dbm StringIO=io cStringIO=io
        """

    private static let nameTable = """
        __builtin__/xrange=builtins/range __builtin__/reduce=functools/reduce __builtin__/intern=sys/intern
        __builtin__/unichr=builtins/chr __builtin__/unicode=builtins/str __builtin__/long=builtins/int
        itertools/izip=builtins/zip itertools/imap=builtins/map itertools/ifilter=builtins/filter
        itertools/ifilterfalse=itertools/filterfalse itertools/izip_longest=itertools/zip_longest
        UserDict/IterableUserDict=collections/UserDict UserList/UserList=collections/UserList
        UserString/UserString=collections/UserString whichdb/whichdb=dbm/whichdb _socket/fromfd=socket/fromfd
        _multiprocessing/Connection=multiprocessing.connection/Connection
        multiprocessing.process/Process=multiprocessing.context/Process
        multiprocessing.forking/Popen=multiprocessing.popen_fork/Popen
        urllib/ContentTooShortError=urllib.error/ContentTooShortError urllib/getproxies=urllib.request/getproxies
        urllib/pathname2url=urllib.request/pathname2url urllib/quote_plus=urllib.parse/quote_plus
        urllib/quote=urllib.parse/quote urllib/unquote_plus=urllib.parse/unquote_plus
        urllib/unquote=urllib.parse/unquote urllib/url2pathname=urllib.request/url2pathname
        urllib/urlcleanup=urllib.request/urlcleanup urllib/urlencode=urllib.parse/urlencode
        urllib/urlopen=urllib.request/urlopen urllib/urlretrieve=urllib.request/urlretrieve
        urllib2/HTTPError=urllib.error/HTTPError urllib2/URLError=urllib.error/URLError
        multiprocessing/AuthenticationError=multiprocessing.context/AuthenticationError
        multiprocessing/BufferTooShort=multiprocessing.context/BufferTooShort
        multiprocessing/ProcessError=multiprocessing.context/ProcessError
        multiprocessing/TimeoutError=multiprocessing.context/TimeoutError __builtin__/basestring=builtins/str
        exceptions/StandardError=builtins/Exception UserDict/UserDict=collections/UserDict
        socket/_socketobject=socket/SocketType
        """
}
