/// Which operators a graph may have without anybody asking further, and which reach out of it.
enum TensorFlowOperations {
    /// What a dangerous operator does; `nil` for every other one.
    static func danger(of name: String) -> String? {
        if let danger = dangers[name] { return danger }
        return dangerousPrefixes.first { name.hasPrefix($0.key) }?.value
    }

    /// Whether an operator that reads or writes files is what every SavedModel has for its own variables.
    static func isCheckpointing(_ name: String, node: String) -> Bool {
        guard ["SaveV2", "RestoreV2", "MergeV2Checkpoints"].contains(name) else { return false }
        let last = node.split(separator: "/").last ?? ""
        let base = last.prefix { $0 != "_" }
        return node.hasPrefix("save") || ["SaveV2", "RestoreV2", "MergeV2Checkpoints"].contains(String(base))
    }

    private static let dangers = [
        "ReadFile": "reads any file", "WriteFile": "writes any file", "MatchingFiles": "lists files",
        "MatchingFilesDataset": "lists files", "PyFunc": "calls Python", "EagerPyFunc": "calls Python",
        "PyFuncStateless": "calls Python", "PyCall": "calls Python", "LoadAndRemapMatrix": "reads any file",
        "Save": "writes any file", "SaveSlices": "writes any file", "SaveV2": "writes any file",
        "Restore": "reads any file", "RestoreSlice": "reads any file", "RestoreV2": "reads any file",
        "MergeV2Checkpoints": "moves and deletes files", "SaveDataset": "writes any file",
        "SaveDatasetV2": "writes any file", "LoadDataset": "reads any file", "TextLineDataset": "reads any file",
        "TFRecordDataset": "reads any file", "TFRecordDatasetV2": "reads any file",
        "FixedLengthRecordDataset": "reads any file", "FixedLengthRecordDatasetV2": "reads any file",
        "TextLineReader": "reads any file", "TextLineReaderV2": "reads any file", "WholeFileReader": "reads any file",
        "WholeFileReaderV2": "reads any file", "TFRecordReader": "reads any file", "TFRecordReaderV2": "reads any file",
        "FixedLengthRecordReader": "reads any file", "FixedLengthRecordReaderV2": "reads any file",
        "SqlDataset": "reads any database", "CSVDataset": "reads any file", "CSVDatasetV2": "reads any file",
        "PrintV2": "can write to any file", "DebugIdentity": "sends tensors anywhere",
        "DebugIdentityV2": "sends tensors anywhere", "DumpDebugInfo": "writes any file",
        "SnapshotDataset": "writes any file", "SnapshotDatasetV2": "writes any file", "RpcCall": "calls other hosts",
        "RpcClient": "calls other hosts", "RpcServer": "serves other hosts", "CloseSummaryWriter": "writes any file",
        "CreateSummaryFileWriter": "writes any file", "CreateSummaryDbWriter": "writes any file",
        "ImmutableConst": "maps any file into memory",
    ]

    /// Families of operators with versions at their ends.
    private static let dangerousPrefixes = [
        "LookupTableImport": "fills a table from elsewhere", "InitializeTableFromTextFile": "reads any file",
        "InitializeTableFromDataset": "fills a table from elsewhere", "CacheDataset": "writes any file",
        "DataService": "calls other hosts",
    ]

    /// Operators of TensorFlow itself that only compute, or keep state within the session.
    static let known = Set(names.split { $0 == " " || $0 == "\n" }.map(String.init))
}
