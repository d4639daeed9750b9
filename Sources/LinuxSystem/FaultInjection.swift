import Glibc
import Synchronization

/// Makes the N-th system call of a kind fail, so that a test can walk through every one of them.
///
/// Debug builds only: in a release build the check is not compiled, see ``attempt(_:_:_:)``. A plan comes from a test, or from the
/// environment of a whole process: `INGOT_FAULT=fsync:3:5` fails the third fsync with errno 5, `fsync:3+:5` every one from
/// the third on, `changing:2:kill:ready` ends the process in place of the second call after its start that changes anything,
/// `pread@/bad.pkl$:1+:trap` crashes it wherever a bad.pkl is read. Each hit of such a plan is told on stderr.
public enum FaultInjection {
    /// One system call as it was asked for.
    public struct Call: Sendable, Hashable {
        /// Which.
        public let call: SystemCall
        /// What it was about, as an error would say.
        public let subject: String
    }

    /// What one thread asked the system for, and how often a plan hit.
    public struct Trace: Sendable {
        /// The calls in their order, those that were made to fail included.
        public fileprivate(set) var calls: [Call] = []
        /// How often the plan hit.
        public fileprivate(set) var hits = 0
    }

    /// A plan at work.
    private struct Counter {
        var plan: Plan?
        var seen = 0
        var hits = 0
        var isReady = false

        init(_ plan: Plan?) { self.plan = plan }

        /// - Parameter isPortion: whether it is asked how much of a call is to be done, not whether at all.
        mutating func effect(on call: SystemCall, _ subject: () -> String, isPortion: Bool) -> Effect? {
            guard let plan, isPortion == (plan.effect == .short), isReady || !plan.waitsForReady,
                plan.counts(call, subject)
            else { return nil }
            seen += 1
            guard seen == plan.ordinal || (plan.forever && seen > plan.ordinal) else { return nil }
            hits += 1
            return plan.effect
        }
    }

    private struct State {
        var process: Counter
        var threads: [pthread_t: (counter: Counter, trace: Trace)] = [:]
    }

    private static let environmentPlan = planFromEnvironment()
    private static let state = Mutex(State(process: Counter(environmentPlan)))

    /// Whether this build can make calls fail at all.
    public static var isAvailable: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }

    /// Puts a plan in force for the whole process, from now on; `nil` ends it. Counting starts again at zero.
    public static func arm(_ plan: Plan?) {
        state.withLock { $0.process = Counter(plan) }
    }

    /// The program has started: plans for what comes after that begin to count.
    public static func ready() {
        #if DEBUG
            state.withLock { $0.process.isReady = true }
        #endif
    }

    /// How long a stage may be silent, where a test is more impatient than the daemon: `INGOT_PATIENCE` in milliseconds.
    public static var patience: Duration? {
        #if DEBUG
            return unsafe getenv("INGOT_PATIENCE").flatMap { unsafe Int(String(cString: $0)) }.map { .milliseconds($0) }
        #else
            return nil
        #endif
    }

    /// How many submissions are under way at most, where a test wants fewer than the daemon: `INGOT_WINDOW`.
    public static var window: Int? {
        #if DEBUG
            return unsafe getenv("INGOT_WINDOW").flatMap { unsafe Int(String(cString: $0)) }
        #else
            return nil
        #endif
    }

    /// How often the process's plan has hit.
    public static var hits: Int { state.withLock { $0.process.hits } }

    /// Records the calls that this thread makes in `body`, with a plan for them alone: tests that run beside are not hit.
    public static func trace<Value>(
        _ plan: Plan? = nil, _ body: () throws -> Value
    ) -> (result: Result<Value, any Error>, trace: Trace) {
        let thread = pthread_self()
        state.withLock { $0.threads[thread] = (Counter(plan), Trace()) }
        let result = Result(catching: body)
        let entry = state.withLock { $0.threads.removeValue(forKey: thread) }
        var trace = entry?.trace ?? Trace()
        trace.hits = entry?.counter.hits ?? 0
        return (result, trace)
    }

    /// What is to happen in place of this call, or to how much of it.
    private static func effect(on call: SystemCall, _ subject: () -> String, isPortion: Bool = false) -> Effect? {
        let thread = pthread_self()
        let (isTraced, effect, isTold) = state.withLock { state in
            let own = state.threads[thread]?.counter.effect(on: call, subject, isPortion: isPortion)
            let shared = own == nil ? state.process.effect(on: call, subject, isPortion: isPortion) : nil
            return (state.threads[thread] != nil && !isPortion, own ?? shared, shared != nil && environmentPlan != nil)
        }
        if isTraced {
            let made = Call(call: call, subject: subject())
            state.withLock { $0.threads[thread]?.trace.calls.append(made) }
        }
        if isTold, let effect { tell("fault: \(call.rawValue) \(subject()): \(effect)\n") }
        return effect
    }

    /// The error number to fail with, when this call is to fail.
    static func code(for call: SystemCall, _ subject: () -> String) -> Int32? {
        switch effect(on: call, subject) {
        case nil, .short: return nil
        case .fail(let code): return code
        case .kill:
            _ = kill(getpid(), SIGKILL)
            return EINTR
        case .trap: fatalError("a planned fault")
        case .hang:
            while true { pause() }
        }
    }

    /// How much of a read or a write is to be done.
    static func portion(of count: Int, _ call: SystemCall, _ subject: @autoclosure () -> String) -> Int {
        #if DEBUG
            if count > 1, effect(on: call, subject, isPortion: true) == .short { return count / 2 }
        #endif
        return count
    }

    // Past the layer whose calls are counted.
    private static func tell(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(2, bytes, bytes.count)
    }

    private static func planFromEnvironment() -> Plan? {
        guard let text = unsafe getenv("INGOT_FAULT") else { return nil }
        return unsafe Plan(String(cString: text))
    }
}

/// Makes one system call: again after EINTR, and failing on a test's demand.
///
/// - Parameters:
///   - call: its name, for the error and for fault injection.
///   - subject: what it is about, only evaluated for an error.
///   - body: the bare call; a negative result means that errno(3) is set.
/// - Returns: what the call returned, never negative.
/// - Throws: ``SystemError`` with the call's error number.
@inline(__always)
func attempt<Number: SignedInteger>(
    _ call: SystemCall, _ subject: @autoclosure () -> String, _ body: () -> Number
) throws(SystemError) -> Number {
    #if DEBUG
        if let code = FaultInjection.code(for: call, subject), code != EINTR {
            throw SystemError(call, subject(), code: code)
        }
    #endif
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw SystemError(call, subject(), code: code) }
    }
}
