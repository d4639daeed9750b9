internal import Glibc

/// Waits until something is so, by looking again and again.
///
/// - Parameters:
///   - limit: when to give up; only ever reached by a test that fails.
///   - pause: the milliseconds between two looks; more where looking is work and the wait is long.
/// - Returns: whether it came to be so.
public func eventually(
    within limit: Duration = .seconds(20), pause: Int32 = 1, _ condition: () throws -> Bool
) rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try condition() { return true }
        // A breath, so that whoever is waited for gets the processor.
        _ = poll(nil, 0, pause)
    }
    return try condition()
}

/// The same for a condition that has to be waited for itself; no thread is blocked.
public func eventually(
    within limit: Duration = .seconds(20), pause: Int32 = 1, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(pause))
    }
    return try await condition()
}
