import Glibc

/// What the process was started with.
enum Surroundings {
    /// The environment, environ(7); of a name that stands there twice the first counts.
    static let environment: [String: String] = {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let line = unsafe String(cString: text)
            if let equals = line.firstIndex(of: "=") {
                let name = String(line[..<equals])
                if variables[name] == nil { variables[name] = String(line[line.index(after: equals)...]) }
            }
            unsafe entry += 1
        }
        return variables
    }()
}

/// The program's version.
enum Version {
    static let text = "0.1.0"
}
