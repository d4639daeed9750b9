import Glibc

/// Where a Python is that has the model libraries; `nil` where there is none.
enum ModelLibraries {
    static let python: String? = {
        guard let path = unsafe getenv("INGOT_MODEL_LIBRARIES_PYTHON") else { return nil }
        return unsafe String(validatingCString: path)
    }()
}
