internal import CYaml
internal import Vocabulary

/// The events of a YAML text, one by one, as libyaml reports them.
///
/// CYaml is the libyaml inside the Yams package. Yams itself is not asked: it composes recursively up to libyaml's
/// 1,000 levels, resolves aliases while it hashes keys (a few hundred bytes become hours) and knows what is forbidden
/// here only when the tree is built. Events are refused as they come, before anything grows.
///
/// The text must have passed `TextCheck` and `YAMLText.check`.
@safe struct YAMLEvents: ~Copyable {
    /// One event, reduced to what the JSON-shaped subset needs.
    struct Event {
        var kind: Kind
        var position: Position
        var hasAnchor = false
        var hasTag = false
    }

    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case mappingStart, mappingEnd, sequenceStart, sequenceEnd
        case alias
        /// A scalar's text and whether it stood there without quotes or a block indicator.
        case scalar(String, isPlain: Bool)
    }

    // Invariant, and what makes this type safe to use: both allocations live until `deinit`, the type cannot be copied,
    // and no pointer leaves it. libyaml keeps a pointer to the input.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// libyaml ends a last line that has no line break and puts what it misses there on a line that does not exist.
    private let end: Position

    init(_ bytes: [UInt8]) throws(Reason) {
        unsafe input = .allocate(capacity: max(bytes.count, 1))
        _ = unsafe input.initialize(from: bytes)
        end = Position(of: bytes.count, in: bytes)
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            throw Reason(.limit, "There is no memory left to read YAML.", at: .start, hint: "Try again later.")
        }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, UnsafePointer(input.baseAddress), bytes.count)
    }

    deinit {
        // Also right for a parser whose initialisation failed: everything in it is zero then.
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event; `streamEnd` is the last one and must not be followed by another call.
    mutating func next() throws(Reason) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe reduce(event)
    }

    @unsafe private func reduce(_ event: yaml_event_t) -> Event {
        let position = position(unsafe event.start_mark)
        let data = unsafe event.data
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, position: position)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, position: position)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, position: position)
        case YAML_ALIAS_EVENT: return Event(kind: .alias, position: position)
        case YAML_SEQUENCE_START_EVENT:
            return unsafe Event(
                kind: .sequenceStart, position: position, hasAnchor: data.sequence_start.anchor != nil,
                hasTag: data.sequence_start.tag != nil)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, position: position)
        case YAML_MAPPING_START_EVENT:
            return unsafe Event(
                kind: .mappingStart, position: position, hasAnchor: data.mapping_start.anchor != nil,
                hasTag: data.mapping_start.tag != nil)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, position: position)
        case YAML_SCALAR_EVENT:
            let bytes = unsafe UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length)
            let isPlain = unsafe data.scalar.style == YAML_PLAIN_SCALAR_STYLE
            return unsafe Event(
                kind: .scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain), position: position,
                hasAnchor: data.scalar.anchor != nil, hasTag: data.scalar.tag != nil)
        default: return Event(kind: .streamEnd, position: position)
        }
    }

    private func position(_ mark: yaml_mark_t) -> Position {
        min(Position(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1), end)
    }

    /// What libyaml has to say about a text that it cannot read.
    private func problem() -> Reason {
        let state = unsafe parser.pointee
        guard unsafe state.error != YAML_MEMORY_ERROR else {
            return Reason(.limit, "There is no memory left to read YAML.", at: .start, hint: "Try again later.")
        }
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "unreadable"
        let context = unsafe state.context.map { unsafe " \(String(cString: $0))" } ?? ""
        let position = position(unsafe state.problem_mark)
        return Reason(
            .syntax, "This is not YAML: \(problem)\(context).", at: position, hint: Self.hint(for: problem))
    }

    private static func hint(for problem: String) -> String? {
        switch problem {
        case "found character that cannot start any token":
            "Indent with spaces, not with tabs; quote text that begins with a special character."
        case "mapping values are not allowed in this context": "Quote text that contains \": \"; check the indentation."
        case "did not find expected key", "could not find expected ':'": "Check the indentation and the quotes."
        default: nil
        }
    }
}
