import Glibc
import Synchronization

/// Makes the N-th system call of a kind fail, so that a test can walk through every one of them.
///
/// Debug builds only: in a release build the check is not compiled, see ``attempt(_:_:_:)``. A plan comes from a test, or from the
/// environment of a whole process: `INGOT_FAULT=fsync:3:5` fails the third fsync with errno 5, `fsync:3+:5` every one from
/// the third on, `renameat2:2:kill` ends the process at once in place of the call.
public enum FaultInjection {
    /// What happens in place of the call.
    public enum Effect: Sendable, Equatable {
        /// The call is not made and fails with this error number.
        case fail(Int32)
        /// The process ends at once, as by SIGKILL.
        case kill
    }

    /// Which call of which kind is hit.
    public struct Plan: Sendable {
        /// Which kind of call is hit.
        public private(set) var call: SystemCall
        var ordinal: Int
        var forever: Bool
        var effect: Effect

        /// A plan that hits call number `ordinal` (from 1), and with `forever` all later ones too.
        public init(_ call: SystemCall, at ordinal: Int, forever: Bool = false, effect: Effect) {
            self.call = call
            self.ordinal = ordinal
            self.forever = forever
            self.effect = effect
        }

        init?(_ text: String) {
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count == 3, let call = SystemCall(rawValue: parts[0]) else { return nil }
            let forever = parts[1].hasSuffix("+")
            guard let ordinal = Int(forever ? String(parts[1].dropLast()) : parts[1]) else { return nil }
            guard let effect = parts[2] == "kill" ? Effect.kill : Int32(parts[2]).map(Effect.fail) else { return nil }
            self.init(call, at: ordinal, forever: forever, effect: effect)
        }
    }

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

        init(_ plan: Plan?) { self.plan = plan }

        mutating func effect(on call: SystemCall) -> Effect? {
            guard let plan, plan.call == call else { return nil }
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

    private static let state = Mutex(State(process: Counter(planFromEnvironment())))

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

    /// The error number to fail with, when this call is to fail.
    static func code(for call: SystemCall, _ subject: () -> String) -> Int32? {
        let thread = pthread_self()
        let (isTraced, effect) = state.withLock { state in
            let own = state.threads[thread]?.counter.effect(on: call)
            return (state.threads[thread] != nil, own ?? state.process.effect(on: call))
        }
        if isTraced {
            let made = Call(call: call, subject: subject())
            state.withLock { $0.threads[thread]?.trace.calls.append(made) }
        }
        switch effect {
        case nil: return nil
        case .fail(let code): return code
        case .kill:
            _ = kill(getpid(), SIGKILL)
            return EINTR
        }
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
        if let code = FaultInjection.code(for: call, subject) { throw SystemError(call, subject(), code: code) }
    #endif
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw SystemError(call, subject(), code: code) }
    }
}
