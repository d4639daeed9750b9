/// Where a pickle reaches out of itself: imports, extensions, persistent objects.
extension PickleMachine {
    mutating func importName(
        _ module: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>, at start: Int64
    ) throws(ReadFailure) -> UInt32 {
        if Self.isPlausible(module), Self.isPlausible(name) { hasPlausibleImport = true }
        return try evidence.addImport(module: module, name: name, at: start)
    }

    /// Whether Python could import a name like this: letters, digits, underscores, dots, anything beyond ASCII.
    static func isPlausible(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, !(first >= 0x30 && first <= 0x39) else { return false }
        return name.allSatisfy {
            $0 >= 0x80 || $0 == 0x5F || $0 == 0x2E || ($0 >= 0x30 && $0 <= 0x39)
                || (($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A)
        }
    }

    mutating func pushStackGlobal(at start: Int64) throws(ReadFailure) {
        let name = try pop()
        let module = try pop()
        if let name = text(of: name), let module = text(of: module) {
            return try push(.global(try importName(module, name, at: start)))
        }
        for operand in [module, name] {
            switch operand {
            case _ where isPlainData(operand), .global, .storage:
                throw .malformed(what: "an import whose name is no string", offset: start)
            default: continue
            }
        }
        hasActed = true
        evidence.report(
            .dangerous, "computed_import", "It imports a name that it computes while it is loaded.", at: start)
        try push(.computed)
    }

    /// Whether no loader could call it, or take it for a name.
    func isPlainData(_ value: PickleValue) -> Bool {
        switch value {
        case .none, .bool, .int, .number, .bytes, .tuple, .longTuple, .list, .set, .dict, .dtype, .array, .torchMagic:
            true
        default: false
        }
    }

    /// An object that the loading program registered under a number: nobody can know which.
    mutating func pushExtension(_ width: Int64, at start: Int64) throws(ReadFailure) {
        try reader.skip(width, "an extension's number")
        evidence.report(.dangerous, "pickle_extension", "It loads an object from the extension registry.", at: start)
        try push(.computed)
    }

    mutating func pushBuffer(at start: Int64) throws(ReadFailure) {
        evidence.report(.unscannable, "pickle_buffer", "It needs a buffer that is not in the file.", at: start)
        try push(.computed)
    }

    /// PERSID: text, which no writer of models uses; loaders take ASCII only.
    mutating func pushTextPersistent(at start: Int64) throws(ReadFailure) {
        _ = try readLine()
        guard line.allSatisfy({ $0 < 0x80 }) else { throw .malformed(what: "a persistent id", offset: start) }
        reportPersistent(at: start)
        try push(.computed)
    }

    private func reportPersistent(at start: Int64) {
        evidence.report(
            .unscannable, "persistent_id",
            "It refers to an object outside of itself in a way that PyTorch's storages do not.", at: start)
    }

    /// BINPERSID: PyTorch's `('storage', type, key, location, elements[, view])`.
    mutating func pushPersistent(_ id: PickleValue, at start: Int64) throws(ReadFailure) {
        guard let parts = window.elements(of: id), parts.count == 5 || parts.count == 6, shows(parts[0], "storage"),
            case .global(let type) = parts[1], let key = text(of: parts[2]), text(of: parts[3]) != nil,
            case .int(let elements) = parts[4], elements >= 0
        else {
            reportPersistent(at: start)
            return try push(.computed)
        }
        let found = evidence.imports[Int(type)]
        guard found.module.hasPrefix("torch") else {
            reportPersistent(at: start)
            return try push(.computed)
        }
        if parts.count == 6, window.elements(of: parts[5])?.count != 3 {
            if case .none = parts[5] {} else { reportPersistent(at: start) }
        }
        let size = TorchLegacy.elementSizes[found.name]
        guard evidence.facts.storages.count < limits.archiveEntries else { throw .limit("too many storages") }
        evidence.facts.storages[String(decoding: key, as: UTF8.self)] = TorchStorage(
            elements: elements, elementSize: size)
        try push(.storage)
    }

    /// Whether a value is this very string.
    func shows(_ value: PickleValue, _ expected: String) -> Bool {
        text(of: value)?.elementsEqual(expected.utf8) ?? false
    }

    /// Facts that pickles carry in the states of objects.
    mutating func noteFact(_ key: PickleValue, _ value: PickleValue) {
        guard case .text(_, let count) = key, count == 16 || count == 8, let key = text(of: key),
            let value = text(of: value)
        else { return }
        if key.elementsEqual("_sklearn_version".utf8), evidence.facts.scikitLearnVersion == nil {
            evidence.facts.scikitLearnVersion = Text.shown(Array(value))
        }
        if key.elementsEqual("filename".utf8), evidence.facts.companions.count < 100 {
            evidence.facts.companions.append(Text.shown(Array(value)))
        }
    }
}
