/// Where a pickle makes its loader call something.
extension PickleMachine {
    /// REDUCE: `function(*arguments)`.
    mutating func reduce(at start: Int64) throws(ReadFailure) {
        let arguments = try pop()
        let function = try pop()
        try push(try call(function, window.elements(of: arguments), at: start))
    }

    /// INST: the class is named by the opcode, the arguments are the slice.
    mutating func callInstance(at start: Int64) throws(ReadFailure) {
        let index = try readGlobal(at: start)
        let first = try popMark()
        let arguments = Array(stack[first...].prefix(PickleWindow.longestTuple))
        stack.removeLast(stack.count - first)
        try push(try call(.global(index), arguments, at: start))
    }

    /// OBJ: the class is the slice's first value.
    mutating func callObject(at start: Int64) throws(ReadFailure) {
        let first = try popMark()
        guard first < stack.count else { throw underflow }
        let function = stack[first]
        let arguments = Array(stack[(first + 1)...].prefix(PickleWindow.longestTuple))
        stack.removeLast(stack.count - first)
        try push(try call(function, arguments, at: start))
    }

    /// - Parameter arguments: `nil` when they are not known.
    private mutating func call(
        _ function: PickleValue, _ arguments: [PickleValue]?, at start: Int64
    ) throws(ReadFailure) -> PickleValue {
        if isPlainData(function) { throw .malformed(what: "a call of a value that cannot be called", offset: start) }
        hasActed = true
        guard case .global(let index) = function else {
            evidence.report(
                .dangerous, "computed_call", "It calls something that it did not import by name.", at: start)
            return .computed
        }
        evidence.note(.call, of: index)
        let found = evidence.imports[Int(index)]
        if KnownBad.isLoader(module: found.module, name: found.name) {
            evidence.report(
                .dangerous, "nested_loader", "It loads another pickle by \(evidence.shown(index)).", at: start)
            if let literal = arguments?.first { _ = try scanLiteral(literal) }
        }
        guard let entry = evidence.known[Int(index)].entry, entry.uses.contains(.call) else { return .instance(index) }
        if try !holds(entry.rule, arguments, at: start) {
            evidence.doubt(index, "is called with arguments that nobody vouches for", at: start)
        }
        noteTensor(found, arguments)
        return try result(of: index, entry.rule, arguments)
    }

    /// NEWOBJ and NEWOBJ_EX: `class.__new__(class, *arguments)`.
    mutating func createInstance(hasKeywords: Bool, at start: Int64) throws(ReadFailure) {
        if hasKeywords { _ = try pop() }
        _ = try pop()
        let type = try pop()
        if isPlainData(type) { throw .malformed(what: "an instance of a value that is no class", offset: start) }
        hasActed = true
        guard case .global(let index) = type else {
            evidence.report(
                .dangerous, "computed_call", "It creates an instance of something that it did not import by name.",
                at: start)
            return try push(.computed)
        }
        evidence.note(.new, of: index)
        try push(.instance(index))
    }

    /// BUILD: a state for an instance; for anything that was imported it would change the module's own class or
    /// function.
    mutating func build(at start: Int64) throws(ReadFailure) {
        let state = try pop()
        switch try top() {
        case .global(let index):
            evidence.report(.dangerous, "altered_import", "It changes \(evidence.shown(index)) itself.", at: start)
        case .instance(let index):
            evidence.note(.build, of: index)
            guard evidence.known[Int(index)].isWrapper else {
                checkState(state, of: index, at: start)
                break
            }
            if reading == .joblib { try skipArray(state, at: start) } else { hasPassedArray = true }
        case .dtype(let index): setState(state, ofType: index, at: start)
        case .array, .computed: hasActed = true
        // Python's own unpickler lets an empty state pass for anything, so the pickle may go on.
        default: evidence.report(.unscannable, "odd_state", "It sets the state of a value that has none.", at: start)
        }
    }

    /// `append`, `__setitem__`, `add` of something that is no plain container.
    func alter(_ target: PickleValue, _ verb: String) {
        switch target {
        case .global(let index):
            evidence.report(
                .dangerous, "altered_import", "It \(verb) \(evidence.shown(index)) itself.", at: reader.offset)
        case .instance, .array, .computed, .dict, .list, .set, .bytes: break
        // C's unpickler lets nothing be added to anything, so the pickle may go on.
        default:
            evidence.report(.unscannable, "odd_change", "It \(verb) a value that cannot be changed.", at: reader.offset)
        }
    }

    // MARK: States

    /// A key that makes something else of the instance whose state it is in: `__class__`, `__array_interface__`, and what only shows when it
    /// is loaded, such as the result of a call.
    func isSpecialKey(_ key: PickleValue) -> Bool {
        switch key {
        case .instance, .computed: return true
        default: break
        }
        guard let text = text(of: key), text.count > 4 else { return false }
        return text.starts(with: "__".utf8) && text.reversed().starts(with: "__".utf8)
    }

    /// What BUILD does with a state when the class has no `__setstate__`: a dictionary becomes attributes, and of a pair the second is
    /// set attribute by attribute.
    private func checkState(_ state: PickleValue, of index: UInt32, at start: Int64) {
        checkAttributes(state, of: index, at: start)
        guard case .tuple(_, let count) = state, count == 2 else { return }
        guard let parts = window.elements(of: state) else {
            return evidence.report(
                .unscannable, "odd_state", "It sets a state of \(evidence.shown(index)) that was made far away.",
                at: start)
        }
        for part in parts { checkAttributes(part, of: index, at: start) }
        if case .dict(let id) = parts[1], !window.isEmpty(id) {
            evidence.doubt(index, "gets attributes that its class may compute", at: start)
        }
    }

    private func checkAttributes(_ value: PickleValue, of index: UInt32, at start: Int64) {
        switch value {
        case .dict(let id) where window.isSpecial(id):
            evidence.report(
                .dangerous, "special_attribute",
                "It sets an attribute of \(evidence.shown(index)) that makes something else of it.", at: start)
        case .instance(let other) where Self.mappings.contains(evidence.imports[Int(other)].name):
            evidence.report(
                .unscannable, "odd_state",
                "It sets the attributes of \(evidence.shown(index)) from a \(evidence.shown(other)).", at: start)
        default: break
        }
    }

    private static let mappings: Set<String> = [
        "dict", "OrderedDict", "defaultdict", "Counter", "Bunch", "DeprecationDict",
    ]

    // MARK: Rules

    private mutating func holds(
        _ rule: ArgumentRule, _ arguments: [PickleValue]?, at start: Int64
    ) throws(ReadFailure) -> Bool {
        if rule == .any { return true }
        guard let arguments else { return false }
        switch rule {
        case .any: return true
        case .plain: return arguments.allSatisfy { !isCallable($0) }
        case .latin1:
            return arguments.count == 2 && isText(arguments[0])
                && (shows(arguments[1], "latin1") || shows(arguments[1], "latin-1"))
        case .reconstructor:
            guard arguments.count == 3, isCreatable(arguments[0]) else { return false }
            if shows(global: arguments[1], "object"), case .none = arguments[2] { return true }
            return ["dict", "list", "tuple", "set", "frozenset", "int", "float", "str"].contains {
                shows(global: arguments[1], $0)
            }
                && !isCallable(arguments[2])
        case .type:
            return arguments.first.map(isCreatable) ?? false && arguments.dropFirst().allSatisfy { !isCallable($0) }
        case .factory:
            return arguments.isEmpty || isFactory(arguments[0]) && arguments.dropFirst().allSatisfy { !isCallable($0) }
        case .arrayType: return arguments.first.map { isArrayType($0) } ?? false
        case .dtype: return arguments.first.map { isType($0) } ?? false
        case .scalar:
            // Bytes of a type with objects would be taken for pointers.
            guard case .dtype(let index)? = arguments.first else { return false }
            return dtypes[Int(index)].hasObjects == false
        case .generator: return arguments.allSatisfy(isGenerator)
        case .nestedPickle:
            guard arguments.count == 1 else { return false }
            return try scanLiteral(arguments[0])
        case .tensorFunction: return arguments.first.map(isTensorFunction) ?? false
        }
    }

    private func isCallable(_ value: PickleValue) -> Bool {
        switch value {
        case .global, .computed: true
        default: false
        }
    }

    private func isText(_ value: PickleValue) -> Bool {
        switch value {
        case .text, .longLiteral, .bytes: true
        default: false
        }
    }

    private func imported(_ value: PickleValue) -> (found: Import, entry: AllowList.Entry?)? {
        guard case .global(let index) = value else { return nil }
        return (evidence.imports[Int(index)], evidence.known[Int(index)].entry)
    }

    /// Whether a value is this built-in type.
    private func shows(global value: PickleValue, _ name: String) -> Bool {
        guard let (found, _) = imported(value) else { return false }
        return ["builtins", "__builtin__"].contains(found.module) && found.name == name
    }

    /// A class that the list lets be created. Creating it is noted as a use of its own.
    private func isCreatable(_ value: PickleValue) -> Bool {
        guard case .global(let index) = value, let entry = evidence.known[Int(index)].entry else { return false }
        evidence.note(.new, of: index)
        return entry.uses.contains(.new)
    }

    private func isFactory(_ value: PickleValue) -> Bool {
        if case .none = value { return true }
        guard let (found, entry) = imported(value), entry?.uses.contains(.call) == true else { return false }
        return ["builtins", "__builtin__", "collections"].contains(found.module) && !found.name.hasPrefix("_")
    }

    private func isArrayType(_ value: PickleValue) -> Bool {
        guard let (found, entry) = imported(value) else { return false }
        return entry != nil && ["ndarray", "matrix", "MaskedArray", "memmap"].contains(found.name)
    }

    private func isType(_ value: PickleValue) -> Bool {
        if case .dtype = value { return true }
        guard let (found, entry) = imported(value) else { return isText(value) }
        return entry != nil && found.module == "numpy" && entry?.uses.isEmpty == true
    }

    private func isGenerator(_ value: PickleValue) -> Bool {
        switch value {
        case .text, .tuple, .int, .none: return true
        case .instance(let index): return evidence.imports[Int(index)].module.hasPrefix("numpy.random.")
        case .global:
            guard let (found, entry) = imported(value) else { return false }
            return entry != nil && found.module.hasPrefix("numpy.random.")
        default: return false
        }
    }

    private func isTensorFunction(_ value: PickleValue) -> Bool {
        guard case .global(let index) = value else { return false }
        evidence.note(.call, of: index)
        let found = evidence.imports[Int(index)]
        return evidence.known[Int(index)].entry != nil && found.module == "torch._utils"
            && found.name.hasPrefix("_rebuild_")
    }

    // MARK: Results

    private mutating func result(
        of index: UInt32, _ rule: ArgumentRule, _ arguments: [PickleValue]?
    ) throws(ReadFailure) -> PickleValue {
        if rule == .reconstructor, let first = arguments?.first, case .global(let type) = first {
            return .instance(type)
        }
        guard rule == .dtype, evidence.imports[Int(index)].name == "dtype" else { return .instance(index) }
        guard dtypes.count < Self.mostTypes else {
            throw .limit("a pickle with more than \(Self.mostTypes) types of elements")
        }
        evidence.note(.build, of: index)
        dtypes.append(NumpyType(arguments?.first.flatMap(text(of:))))
        return .dtype(UInt32(dtypes.count - 1))
    }

    private static let mostTypes = 65_536

    private func noteTensor(_ found: Import, _ arguments: [PickleValue]?) {
        guard found.module == "torch._utils",
            ["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"].contains(found.name),
            let arguments, arguments.count > 2, let sizes = window.elements(of: arguments[2])
        else { return }
        evidence.facts.tensors += 1
        var count: Int64 = 1
        for size in sizes {
            guard case .int(let size) = size, size >= 0 else { return }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            if overflow { return }
            count = product
        }
        evidence.facts.parameters &+= count
    }

    /// Walks a pickle that stands in a literal.
    ///
    /// - Returns: whether it is there, complete and, so far, safe.
    private mutating func scanLiteral(_ literal: PickleValue) throws(ReadFailure) -> Bool {
        guard case .bytes(let at, let count) = literal else { return false }
        guard depth < limits.nestedPickles else { throw .limit("pickles inside pickles, \(depth) deep") }
        let before = evidence.safety
        let inner = PickleScanner(
            PartOfBytes(of: source, from: at, sizeInBytes: Int64(count)), evidence: evidence, depth: depth + 1)
        inner.walk()
        return evidence.safety == before
    }
}
