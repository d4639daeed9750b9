/// libpq's connection strings, as far as it takes to refuse nonsense and to hide secrets (libpq, section 34.1.1).
///
/// libpq itself has the last word when it connects: what is read here follows `conninfo_parse` and
/// `conninfo_uri_parse_options` of PostgreSQL, byte by byte as they do, and where the two could differ, more is
/// hidden rather than less.
enum ConnectionString {
    /// What stands where a secret was.
    static let mask = "***"

    /// The parameters whose values nobody needs to see.
    static let secrets: Set<String> = [
        "password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key",
    ]

    private typealias Bytes = ArraySlice<UInt8>

    private static let schemes = ["postgresql://", "postgres://"]

    /// Whether libpq takes it for a URI.
    static func isURI(_ text: String) -> Bool { schemes.contains { text.utf8.starts(with: $0.utf8) } }

    /// The string with every secret masked; what cannot be read is not shown at all.
    static func redacted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        for scheme in schemes where bytes.starts(with: scheme.utf8) {
            return scheme + redactedURI(bytes[scheme.utf8.count...])
        }
        guard case .success(let parameters) = parameters(text) else { return mask }
        var shown = bytes
        for parameter in parameters.reversed() where isSecret(parameter.name) {
            shown.replaceSubrange(parameter.range, with: mask.utf8)
        }
        return String(decoding: shown, as: UTF8.self)
    }

    /// A keyword of a connection string and where its value stands (in bytes, quotes included).
    struct Parameter {
        var name: String
        var range: Range<Int>
    }

    /// Why a connection string cannot be read; never quotes it.
    struct Malformed: Error {
        var message: String
    }

    /// Splits `keyword = value …`; values may be quoted with `'` and escaped with a backslash.
    static func parameters(_ text: String) -> Result<[Parameter], Malformed> {
        var found: [Parameter] = []
        var rest = Array(text.utf8)[...].drop(while: isSpace)
        while !rest.isEmpty {
            let name = rest.prefix { $0 != UInt8(ascii: "=") && !isSpace($0) }
            rest = rest[name.endIndex...].drop(while: isSpace)
            guard rest.popFirst() == UInt8(ascii: "=") else {
                return .failure(Malformed(message: "a keyword without \"=\" and a value"))
            }
            rest = rest.drop(while: isSpace)
            let start = rest.startIndex
            guard skipValue(&rest) else { return .failure(Malformed(message: "a quoted value without its end")) }
            found.append(Parameter(name: String(decoding: name, as: UTF8.self), range: start..<rest.startIndex))
            rest = rest.drop(while: isSpace)
        }
        return .success(found)
    }

    private static func skipValue(_ rest: inout Bytes) -> Bool {
        let quote = UInt8(ascii: "'")
        let isQuoted = rest.first == quote
        if isQuoted { rest.removeFirst() }
        while let byte = rest.first, isQuoted ? byte != quote : !isSpace(byte) {
            rest.removeFirst()
            if byte == UInt8(ascii: "\\"), !rest.isEmpty { rest.removeFirst() }
        }
        guard isQuoted else { return true }
        return rest.popFirst() == quote
    }

    /// `user:password@hosts/name?parameters`: the password ends at the last `@` that can belong to it.
    private static func redactedURI(_ body: Bytes) -> String {
        let authority = body.prefix { $0 != UInt8(ascii: "/") }
        // A raw slash in the password: libpq takes what precedes it for a host, and we must not print what follows.
        let front = authority.contains(UInt8(ascii: ":")) ? body.prefix { $0 != UInt8(ascii: "?") } : authority
        let at = UInt8(ascii: "@")
        guard let end = authority.lastIndex(of: at) ?? front.lastIndex(of: at) else { return redactedQuery(body) }
        let user = body[..<end].prefix { $0 != UInt8(ascii: ":") }
        let secret = user.endIndex < end ? ":" + mask : ""
        return String(decoding: user, as: UTF8.self) + secret + redactedQuery(body[end...])
    }

    private static func redactedQuery(_ text: Bytes) -> String {
        guard let start = text.firstIndex(of: UInt8(ascii: "?")) else { return String(decoding: text, as: UTF8.self) }
        let parameters = text[(start + 1)...].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        let shown = parameters.map { parameter -> String in
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")),
                isSecret(percentDecoded(parameter[..<equals]))
            else { return String(decoding: parameter, as: UTF8.self) }
            return String(decoding: parameter[...equals], as: UTF8.self) + mask
        }
        return String(decoding: text[...start], as: UTF8.self) + shown.joined(separator: "&")
    }

    private static func isSecret(_ name: String) -> Bool { secrets.contains(name.lowercased()) }

    /// libpq decodes keywords too, so `pass%77ord` is a password.
    private static func percentDecoded(_ text: Bytes) -> String {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// As isspace(3), on which libpq relies.
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

extension Settings {
    /// A libpq connection string with its secrets masked: `password`, `sslpassword` and the like, also in a URI.
    public static func redacted(connectionString: String) -> String {
        ConnectionString.redacted(connectionString)
    }
}
