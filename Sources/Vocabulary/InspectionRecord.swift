/// What a look into a file found, as its row and the row of its blob hold it.
public struct InspectionRecord: Sendable {
    /// What kind of file it is, in one word.
    public var format: String
    /// Facts from the file's header, a JSON object.
    public var formatDetails: String
    /// How dangerous the file is to load, in one word.
    public var safety: String
    /// What was found in the file, a JSON array.
    public var safetyFindings: String
    /// The names that pickles in it import, a JSON array of objects.
    public var imports: String
    /// The version of the code that looked.
    public var scannerVersion: Int
    /// The version of the list of harmless names that it went by.
    public var allowListVersion: Int

    /// What a look into a file found.
    public init(
        format: String, formatDetails: String = "{}", safety: String, safetyFindings: String = "[]",
        imports: String = "[]", scannerVersion: Int, allowListVersion: Int
    ) {
        self.format = format
        self.formatDetails = formatDetails
        self.safety = safety
        self.safetyFindings = safetyFindings
        self.imports = imports
        self.scannerVersion = scannerVersion
        self.allowListVersion = allowListVersion
    }
}
