/// How much a manifest may ask for. Whatever is at the limit is accepted, one more is refused.
public enum Limits {
    /// The manifest's bytes.
    public static let sizeInBytes = 1 << 20
    /// Objects and arrays inside each other, the outermost included.
    public static let depth = 32
    /// Keys in all objects together.
    public static let keys = 10_000
    /// The UTF-8 bytes of one string or key, its escapes resolved.
    public static let stringSizeInBytes = 64 << 10
    /// The digits of one number when it is written out without an exponent.
    public static let numberDigits = 1_000
    /// The digits of all numbers together, written out: a row must not print a hundred times the manifest's size.
    public static let allNumberDigits = 4 << 20
    /// Reasons in one error.
    public static let reasons = 20
    /// Warnings of one manifest.
    public static let warnings = 20
}
