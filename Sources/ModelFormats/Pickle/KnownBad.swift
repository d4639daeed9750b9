/// Names that no model needs and that can run code, open files or connections, or load more pickles.
///
/// The list decides nothing that ``AllowList`` does not: what is on neither is `unknown-imports`, never `safe`. It only
/// says earlier and more plainly that a file is dangerous, so it needs no completeness.
enum KnownBad {
    /// Whether a name, as it is written or as Python 3 maps it, is on the list.
    static func contains(module: String, name: String) -> Bool {
        if isListed(module, name) { return true }
        let mapped = PythonTwoNames.map(module: module, name: name)
        return (mapped.module != module || mapped.name != name) && isListed(mapped.module, mapped.name)
    }

    /// Whether calling it loads another pickle.
    static func isLoader(module: String, name: String) -> Bool {
        loaderNames.contains(name) && loaderModules.contains(String(module.prefix { $0 != "." }))
    }

    private static func isListed(_ module: String, _ name: String) -> Bool {
        if names.contains("\(module) \(name)") { return true }
        var prefix = module[...]
        while true {
            if modules.contains(String(prefix)) { return true }
            guard let dot = prefix.lastIndex(of: ".") else { break }
            prefix = prefix[..<dot]
        }
        // `from package import module`: the name is itself a module.
        return modules.contains("\(module).\(name)")
    }

    private static let modules = Set(moduleTable.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init))

    private static let names: Set<String> = {
        var result: Set<String> = []
        for line in nameTable.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            for name in words.dropFirst() { result.insert("\(words[0]) \(name)") }
        }
        return result
    }()

    private static let loaderNames: Set<String> = ["load", "loads", "Unpickler", "_load", "_loads", "read_pickle"]
    private static let loaderModules: Set<String> = [
        "pickle", "_pickle", "cPickle", "joblib", "torch", "numpy", "marshal", "dill", "cloudpickle", "pandas",
        "shelve",
    ]

    /// Modules with everything below them: of Python's own all but those of plain values, then those of known attacks.
    private static let moduleTable = """
        _aix_support _asyncio _bootsubprocess _crypt _ctypes _curses _dbm _elementtree _frozen_importlib
        _frozen_importlib_external _gdbm _imp _interpchannels _interpqueues _interpreters _lsprof _msi
        _multiprocessing _osx_support _overlapped _pickle _posixshmem _posixsubprocess _pyio _scproxy _signal
        _sitebuiltins _socket _sqlite3 _ssl _symtable _thread _tkinter _winapi aifc aiohttp asynchat asyncio
        asyncore atexit audioop bdb cPickle cProfile cgi cgitb cloudpickle cmd code codeop commands compileall crypt
        ctypes curses dbm dill dis distutils doctest ensurepip faulthandler fcntl filecmp fileinput ftplib gc
        genericpath getpass grp hmac http httpx idlelib imaplib imp importlib inspect jsonpickle lib2to3 linecache
        mailbox mailcap marshal mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath os
        ossaudiodev paramiko pdb pexpect pickle pickletools pip pipes pkg_resources pkgutil platform popen2 poplib
        posix posixfile posixpath profile pstats pty pwd py_compile pyclbr pydoc pyexpat readline requests resource
        rlcompleter runpy select selectors setuptools shelve shlex shutil signal site smtpd smtplib socket
        socketserver spwd sqlite3 ssl subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib
        tempfile termios test thread timeit tkinter trace tty turtle turtledemo unittest urllib urllib2 venv
        webbrowser win32api winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport

        joblib.externals joblib.parallel joblib.memory joblib._multiprocessing_helpers joblib.test numpy.f2py
        numpy.testing numpy.distutils numpy.lib.npyio numpy.ctypeslib numpy._pytesttester numpy.lib._npyio_impl
        scipy._lib._testutils scipy.weave sklearn.datasets sklearn.externals._packaging torch.utils.bottleneck
        torch.utils.collect_env torch.utils.cpp_extension torch.utils.data.datapipes torch._dynamo torch._inductor
        torch.fx torch.hub torch.jit._script torch.jit.frontend torch.jit.unsupported_tensor_ops torch.library
        torch.distributed.rpc torch.distributed.run torch.distributed.launcher torch.distributed.elastic
        torch.distributed.benchmarks torch.multiprocessing torch.package torch.testing torch.cuda._memory_viz
        torch.utils._config_module torch.onnx torch._guards torch.utils.model_dump pandas.io pandas.eval
        pandas.core.computation mlflow tensorflow keras.utils keras.saving google.colab IPython ipykernel nltk.app
        nltk.downloader bottle flask django uvicorn twisted
        """

    /// Single names of modules that also hold harmless ones.
    private static let nameTable = """
        builtins: eval exec compile __import__ open input getattr setattr delattr globals locals vars breakpoint exit quit map
        builtins: filter __build_class__ execfile file reload __loader__ license help
        copyreg: add_extension remove_extension dispatch_table pickle
        operator: attrgetter itemgetter methodcaller call setitem delitem
        _operator: attrgetter itemgetter methodcaller call setitem delitem
        functools: reduce
        _functools: reduce
        itertools: starmap accumulate
        types: FunctionType CodeType LambdaType MethodType ModuleType
        io: open open_code FileIO
        _io: open open_code FileIO
        codecs: open
        logging: FileHandler
        logging.config: fileConfig dictConfig listen
        logging.handlers: RotatingFileHandler SocketHandler HTTPHandler SMTPHandler
        threading: Thread Timer
        gzip: open GzipFile
        bz2: open BZ2File
        lzma: open LZMAFile
        concurrent.futures: ProcessPoolExecutor ThreadPoolExecutor
        weakref: finalize
        time: sleep
        numpy: load loads loadtxt genfromtxt fromfile save savez memmap apply_along_axis vectorize fromfunction piecewise
        numpy.core._methods: _load
        numpy.core.multiarray: fromfile
        numpy._core.multiarray: fromfile
        numpy.lib: load
        numpy.lib.format: read_array open_memmap
        joblib: load dump Memory Parallel
        joblib.numpy_pickle: load dump NumpyUnpickler load_temporary_memmap
        joblib.numpy_pickle_compat: load_compatibility ZipNumpyUnpickler
        sklearn.utils: _joblib
        torch: load save compile hub jit
        torch.jit: load save script trace
        torch.serialization: load save _load _legacy_load _open_file
        torch.storage: _load
        pandas: read_pickle read_csv read_json read_html read_sql eval to_pickle
        """
}
