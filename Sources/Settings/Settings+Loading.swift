internal import LinuxSystem

extension Settings {
    /// The configuration that the daemon takes when nothing names another.
    public static let usualFile = "/etc/ingot/ingot.yaml"

    /// Which file is meant: the one that is named, else what `INGOT_CONFIG` says, else ``usualFile``.
    public static func file(named name: String?, environment: [String: String]) -> String {
        name ?? environment["INGOT_CONFIG"] ?? usualFile
    }

    /// Reads and checks a configuration file; see ``parse(_:file:environment:)``.
    public static func load(_ file: String, environment: [String: String]) throws(SettingsError) -> Settings {
        let limit = 1 << 20
        let bytes: [UInt8]
        do {
            bytes = try Descriptor.openFile(path: file).readAll(limit: limit)
        } catch {
            throw .unreadable(file, SystemError.text(error.code))
        }
        guard bytes.count <= limit else { throw .unreadable(file, "It has more than \(limit) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .unreadable(file, "It is not UTF-8") }
        return try parse(text, file: file, environment: environment)
    }
}

extension SettingsError {
    fileprivate static func unreadable(_ file: String, _ why: String) -> SettingsError {
        SettingsError(problems: [SettingsProblem(file: file, message: "cannot be read: \(why)")])
    }
}
