public import Vocabulary

extension JSON {
    /// Reads a JSON text with the strictness and the limits of a manifest.
    ///
    /// - Throws: `Reason` with line and column.
    public static func parse(_ bytes: [UInt8]) throws(Reason) -> JSON {
        try TextCheck.check(bytes)
        return try JSONReader.read(bytes).json
    }
}
