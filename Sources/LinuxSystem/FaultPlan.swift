import Glibc

extension FaultInjection {
    /// What happens in place of the call.
    public enum Effect: Sendable, Equatable {
        /// The call is not made and fails with this error number. EINTR is dealt with where every call is: it is made again.
        case fail(Int32)
        /// The process ends at once, as by SIGKILL.
        case kill
        /// The process ends by a signal of its own making, as a failed precondition would.
        case trap
        /// The thread never comes back.
        case hang
        /// A read or a write gets done by half; other calls are not hit.
        case short
    }

    /// Which call is hit.
    public struct Plan: Sendable {
        /// The kinds of call that are counted.
        public private(set) var calls: Set<SystemCall>
        /// Only calls about something whose name contains this, or with a `$` at its end ends with it, are counted; empty counts all.
        var subject = ""
        var ordinal: Int
        var forever: Bool
        var effect: Effect
        /// Whether counting begins when the program says that it is ready, ``FaultInjection/ready()``.
        var waitsForReady = false

        /// A plan that hits call number `ordinal` (from 1), and with `forever` all later ones too.
        public init(_ call: SystemCall, at ordinal: Int, forever: Bool = false, effect: Effect) {
            calls = [call]
            self.ordinal = ordinal
            self.forever = forever
            self.effect = effect
        }

        /// Reads a plan as the environment gives it: `CALL[@SUBJECT]:ORDINAL[+]:EFFECT[:ready]`.
        ///
        /// `CALL` is a call's name, or `changing` for all calls that change a file system, or `any`; `EFFECT` is an error number, `kill`,
        /// `trap`, `hang` or `short`.
        init?(_ text: String) {
            var parts = text.split(separator: ":").map(String.init)
            if parts.last == "ready" {
                waitsForReady = true
                parts.removeLast()
            }
            guard parts.count == 3, let effect = Effect(parts[2]) else { return nil }
            let target = parts[0].split(separator: "@", maxSplits: 1).map(String.init)
            guard let calls = target.first.flatMap(SystemCall.kinds) else { return nil }
            forever = parts[1].hasSuffix("+")
            guard let ordinal = Int(forever ? String(parts[1].dropLast()) : parts[1]) else { return nil }
            self.calls = calls
            self.ordinal = ordinal
            self.effect = effect
            if target.count > 1 { subject = target[1] }
        }

        /// Whether a call is one of those that are counted.
        func counts(_ call: SystemCall, _ subject: () -> String) -> Bool {
            guard calls.contains(call) else { return false }
            if self.subject.isEmpty { return true }
            return self.subject.hasSuffix("$")
                ? subject().hasSuffix(self.subject.dropLast()) : subject().contains(self.subject)
        }
    }
}

extension FaultInjection.Effect {
    init?(_ text: String) {
        switch text {
        case "kill": self = .kill
        case "trap": self = .trap
        case "hang": self = .hang
        case "short": self = .short
        default:
            guard let code = Int32(text) else { return nil }
            self = .fail(code)
        }
    }
}

extension SystemCall {
    /// The calls that change something on a disk.
    public static let changing: Set<SystemCall> = [
        .write, .fsync, .syncfs, .linkat, .renameat2, .unlinkat, .mkdirat, .symlinkat, .fchmod, .fchown, .fallocate,
        .ficlone, .futimens, .syncFileRange,
    ]

    fileprivate static func kinds(_ name: String) -> Set<SystemCall>? {
        switch name {
        case "changing": changing
        case "any": Set(allCases)
        default: SystemCall(rawValue: name).map { [$0] }
        }
    }
}
