internal import Glibc

/// Waits until something is so, by looking again and again: at once every millisecond, and the longer it lasts the more rarely, because looking
/// takes the processor away from what is waited for.
///
/// - Parameters:
///   - limit: when to give up; only ever reached by a test that fails, so it is long enough for a machine that is busy with other tests.
///   - pause: the milliseconds between two looks, at least; more where looking is work.
/// - Returns: whether it came to be so.
public func eventually(
    within limit: Duration = .seconds(60), pause: Int = 1, _ condition: () throws -> Bool
) rethrows -> Bool {
    let start = ContinuousClock.now
    while ContinuousClock.now < start + limit {
        if try condition() { return true }
        _ = poll(nil, 0, Int32(breath(since: start, atLeast: pause)))
    }
    return try condition()
}

/// The same for a condition that has to be waited for itself; no thread is blocked.
public func eventually(
    within limit: Duration = .seconds(60), pause: Int = 1, _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let start = ContinuousClock.now
    while ContinuousClock.now < start + limit {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(breath(since: start, atLeast: pause)))
    }
    return try await condition()
}

/// The milliseconds to the next look: a tenth of what has been waited so far, and at most a tenth of a second.
private func breath(since start: ContinuousClock.Instant, atLeast pause: Int) -> Int {
    max(pause, min(100, Int((ContinuousClock.now - start) / .milliseconds(10))))
}
