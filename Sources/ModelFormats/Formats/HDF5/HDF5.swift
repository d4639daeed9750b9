internal import Vocabulary

/// HDF5, and Keras models in it: those have their configuration as JSON in the root group's attributes.
enum HDF5: HeaderFormat {
    static let format = ModelFormat.hdf5

    /// The signature stands at the start, or behind a user block of 512 bytes or a multiple by a power of two.
    static func recognises(_ head: Head) -> Bool { superblock(in: head.bytes) != nil }

    private static func superblock(in bytes: [UInt8]) -> Int? {
        [0, 512, 1024, 2048].first { $0 < bytes.count && bytes[$0...].starts(with: HDF5File.signature) }
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        guard let start = superblock(in: try Head(of: source).bytes) else { return }
        let file = try HDF5File(source, superblockAt: Int64(start))
        report.set("superblock_version", file.superblockVersion)
        try noteAttributes(file, in: &report)
        var tree = HDF5Tree(file)
        defer { note(tree, in: &report) }
        try tree.walk()
    }

    private static func note(_ tree: HDF5Tree, in report: inout HeaderReport) {
        report.set("root_members", .list(tree.rootNames.map { .text($0) }))
        report.set("group_count", tree.groupCount)
        report.set("tensor_count", tree.datasetCount)
        report.set("parameter_count", tree.elements.value)
        for finding in tree.findings { report.find(finding) }
    }

    private static func noteAttributes(_ file: HDF5File, in report: inout HeaderReport) throws(ReadFailure) {
        let root = try HDF5Object(file, at: file.root)
        for message in root.messages(HDF5Object.MessageType.attribute) {
            try note(attributeIn: message, file, in: &report)
        }
        for message in root.messages(HDF5Object.MessageType.attributeInformation) {
            let flags = try file.pages.byte(at: message.data.start + 1, "attributes")
            let heap = message.data.start + 2 + (flags & 1 != 0 ? 2 : 0)
            for data in try file.denseObjects(at: heap, identifierOffset: 0) {
                let message = HDF5Object.Message(type: HDF5Object.MessageType.attribute, isShared: false, data: data)
                try note(attributeIn: message, file, in: &report)
            }
        }
    }

    private static func note(
        attributeIn message: HDF5Object.Message, _ file: HDF5File, in report: inout HeaderReport
    ) throws(ReadFailure) {
        if let attribute = try HDF5Attribute(file, message) { return try note(attribute, file, in: &report) }
        report.find(
            .unscannable, "hdf5_shared_attribute", "An attribute of a shared type is not read.", at: message.data.start)
    }

    private static let kerasAttributes: Set = [
        "keras_version", "backend", "layer_names", "model_config", "training_config",
    ]

    private static func note(
        _ attribute: HDF5Attribute, _ file: HDF5File, in report: inout HeaderReport
    ) throws(ReadFailure) {
        guard kerasAttributes.contains(attribute.name) else { return }
        report.format = .kerasHDF5
        report.couldCarryCode()
        let strings = try attribute.strings(file)
        switch attribute.name {
        case "keras_version", "backend":
            if let string = strings.first { report.set(attribute.name, try HDF5Attribute.text(file, string)) }
        case "layer_names": report.set("layer_name_count", attribute.stringCount)
        default:
            guard let string = strings.first else { return }
            let json = ByteReader(file.source, from: string.start, to: try end(of: string, file))
            try KerasConfiguration.read(json, into: &report)
        }
    }

    /// The end of a string without the zeros that fill it up.
    private static func end(of string: HDF5Extent, _ file: HDF5File) throws(ReadFailure) -> Int64 {
        var end = string.end
        while end > string.start, try file.pages.byte(at: end - 1, "a string") == 0 { end -= 1 }
        return end
    }
}
