/// Looks inside a file by every reading that a loader could choose, and joins what they find.
public enum Inspector {
    /// Grows whenever the same bytes may be judged otherwise than before; kept with each blob.
    public static let version = 1

    /// Inspects the bytes of a file. Never throws and never fails: what cannot be read is a finding, and not `safe`.
    public static func inspect(_ source: any ByteSource, limits: InspectionLimits = .init()) -> Inspection {
        let header = HeaderFormats.inspect(source)
        guard let python = PythonContent.inspect(source, limits: limits) else {
            return header ?? Inspection(format: .unknown, safety: .noCode)
        }
        guard var joined = header else { return python }
        // A file that is two things at once is as bad as the worse of them.
        joined.safety = max(joined.safety, python.safety)
        joined.findings += python.findings
        joined.imports += python.imports
        joined.damage = joined.damage ?? python.damage
        return joined
    }
}
