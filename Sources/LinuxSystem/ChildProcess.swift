internal import Glibc
internal import Synchronization
public import Vocabulary

/// A program that we started, posix_spawn(3).
///
/// Invariants:
/// 1. One thread of its own starts the child, waits for it and reaps it. The kernel ties PR_SET_PDEATHSIG to the *thread*
///    that made a child; from a pool's thread the child would be killed as soon as the pool lets that thread go.
/// 2. The child is reaped under the lock that `signal` takes, so that a signal never reaches a process that has inherited
///    the number.
/// 3. The child starts with no signal blocked or ignored. It gets its three streams, and no other descriptor as long as
///    all of ours are O_CLOEXEC, which they are.
///
/// An object that goes leaves its child running.
public final class ChildProcess: Sendable {
    /// Where one of the three streams leads.
    public enum Stream: Sendable {
        /// The stream of this program.
        case inherited
        /// `/dev/null`.
        case null
        /// A file, made with mode 0600 if it is missing; written at its end.
        case file(String)
        /// An open descriptor, which stays the caller's.
        case descriptor(Int32)
    }

    /// What to start, and how.
    public struct Command: Sendable {
        /// The program's absolute path.
        public var executable: String
        /// Its arguments, without the program's own name.
        public var arguments: [String]
        /// Its environment; this program's for `nil`.
        public var environment: [String: String]?
        /// Standard input.
        public var input = Stream.null
        /// Standard output.
        public var output = Stream.inherited
        /// Standard error.
        public var errors = Stream.inherited
        /// Whether it gets a process group of its own, so that Ctrl-C in the terminal does not reach it.
        public var hasOwnGroup = false

        /// What to start.
        public init(_ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
        }
    }

    /// How a program ended.
    public enum Ending: Hashable, Sendable {
        /// It returned this from main().
        case exited(Int32)
        /// This signal ended it.
        case killed(Int32)
    }

    /// The child's number.
    public let processID: Int32
    private let watch: ChildWatch

    private init(processID: Int32, watch: ChildWatch) {
        self.processID = processID
        self.watch = watch
    }

    /// Starts a program.
    ///
    /// - Throws: when it cannot be executed, posix_spawn(3), or no thread or descriptor is to be had.
    public static func start(_ command: Command) throws(ChildProcessError) -> ChildProcess {
        let watch = try ChildWatch(command)
        let processID = try watch.start()
        return ChildProcess(processID: processID, watch: watch)
    }

    /// How the child ended; `nil` while it runs.
    public var ending: Ending? { watch.ending }

    /// Sends a signal to the child, kill(2); to one that has ended nothing happens.
    public func signal(_ number: Int32) { watch.signal(number) }

    /// Waits until the child has ended.
    ///
    /// - Parameter deadline: when to stop waiting.
    /// - Returns: how it ended; `nil` when it still runs.
    public func wait(until deadline: ContinuousClock.Instant) -> Ending? {
        watch.wait(until: deadline)
        return watch.ending
    }
}

/// Why a program was not started.
public struct ChildProcessError: Error, Sendable, CustomStringConvertible {
    /// The error's number, errno(3).
    public let errno: Int32
    /// What failed, such as `posix_spawn`.
    public let operation: String
    /// The program.
    public let executable: String

    init(errno: Int32, operation: String, executable: String) {
        self.errno = errno
        self.operation = operation
        self.executable = executable
    }

    /// One line for a person.
    public var description: String {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "\(operation) of \(escaped(executable)): \(reason)"
    }

    /// Whose turn it is: no memory, processes or descriptors left passes by itself, the rest does not.
    public var scope: ErrorScope {
        [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(errno) ? .transient : .operatorSetup
    }
}

/// What the child's thread and its users share.
private final class ChildWatch: Sendable {
    private enum State {
        case starting
        case failed(errno: Int32)
        case running(pid_t)
        case ended(pid_t, ChildProcess.Ending)
    }

    private let command: ChildProcess.Command
    private let state = Mutex(State.starting)
    /// Socket pairs that carry nothing: the thread closes its end when the child has started, and when it has ended.
    private let started: (ours: Int32, threads: Int32)
    private let ended: (ours: Int32, threads: Int32)

    init(_ command: ChildProcess.Command) throws(ChildProcessError) {
        self.command = command
        started = try Self.pair(for: command)
        do {
            ended = try Self.pair(for: command)
        } catch {
            Glibc.close(started.ours)
            Glibc.close(started.threads)
            throw error
        }
    }

    deinit {
        Glibc.close(started.ours)
        Glibc.close(ended.ours)
    }

    var ending: ChildProcess.Ending? {
        state.withLock { if case .ended(_, let ending) = $0 { ending } else { nil } }
    }

    func signal(_ number: Int32) {
        state.withLock { if case .running(let child) = $0 { _ = kill(child, number) } }
    }

    func wait(until deadline: ContinuousClock.Instant) {
        Self.waitForEnd(of: ended.ours, until: deadline)
    }

    /// Starts the thread, and by it the child.
    func start() throws(ChildProcessError) -> pid_t {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let failure = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<ChildWatch>.fromOpaque(context).takeRetainedValue().run()
                }
                return nil
            }, context.toOpaque())
        guard failure == 0 else {
            unsafe context.release()
            Glibc.close(started.threads)
            Glibc.close(ended.threads)
            throw ChildProcessError(errno: failure, operation: "pthread_create", executable: command.executable)
        }
        pthread_detach(thread)
        Self.waitForEnd(of: started.ours, until: nil)
        switch state.withLock({ $0 }) {
        case .running(let child), .ended(let child, _): return child
        case .failed(let errno):
            throw ChildProcessError(errno: errno, operation: "posix_spawn", executable: command.executable)
        case .starting: preconditionFailure("the thread announced a start that it did not make")
        }
    }

    /// The thread's whole life.
    private func run() {
        defer { Glibc.close(ended.threads) }
        var child = pid_t()
        let failure = spawn(command, &child)
        state.withLock { $0 = failure == 0 ? .running(child) : .failed(errno: failure) }
        Glibc.close(started.threads)
        guard failure == 0 else { return }
        // WNOWAIT leaves it a zombie: its number stays taken until it is reaped under the lock (invariant 2).
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        state.withLock { state in
            var status: Int32 = 0
            while unsafe waitpid(child, &status, 0) == -1, errno == EINTR {}
            let killer = status & 0x7F
            state = .ended(child, killer == 0 ? .exited(status >> 8 & 0xFF) : .killed(killer))
        }
    }

    private static func pair(for command: ChildProcess.Command) throws(ChildProcessError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ChildProcessError(errno: errno, operation: "socketpair", executable: command.executable)
        }
        return (ends[0], ends[1])
    }

    /// Waits until the other end of a pair is closed, poll(2).
    private static func waitForEnd(of descriptor: Int32, until deadline: ContinuousClock.Instant?) {
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let left = deadline - ContinuousClock.now
                guard left > .zero else { return }
                milliseconds = left > .seconds(86_400) ? 86_400_000 : Int32(left / .milliseconds(1)) + 1
            }
            if unsafe Glibc.poll(&request, 1, milliseconds) > 0 { return }
        }
    }
}

/// Starts a program, posix_spawn(3).
///
/// - Returns: 0, or the error's number.
private func spawn(_ command: ChildProcess.Command, _ child: inout pid_t) -> Int32 {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe redirect(0, to: command.input, &actions)
    unsafe redirect(1, to: command.output, &actions)
    unsafe redirect(2, to: command.errors, &actions)

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigfillset(&signals)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    if command.hasOwnGroup { flags |= POSIX_SPAWN_SETPGROUP }
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

    return unsafe withCStrings([command.executable] + command.arguments) { arguments in
        guard let environment = command.environment else {
            return unsafe posix_spawn(&child, command.executable, &actions, &attributes, arguments, environ)
        }
        return unsafe withCStrings(environment.map { "\($0.key)=\($0.value)" }) { variables in
            unsafe posix_spawn(&child, command.executable, &actions, &attributes, arguments, variables)
        }
    }
}

/// Calls something with strings as C wants them: an array of pointers that ends with a null pointer.
private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    let copies = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    unsafe copies.initialize(repeating: nil)
    for (index, string) in strings.enumerated() { unsafe copies[index] = strdup(string) }
    defer {
        for index in strings.indices { unsafe free(copies[index]) }
        unsafe copies.deallocate()
    }
    // Never empty: the null pointer at its end is always there.
    guard let base = copies.baseAddress else { preconditionFailure("an allocation without an address") }
    return unsafe body(base)
}

private func redirect(
    _ descriptor: Int32, to stream: ChildProcess.Stream, _ actions: inout posix_spawn_file_actions_t
) {
    switch stream {
    case .inherited:
        // Onto itself: that takes away O_CLOEXEC.
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor)
    case .null: unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    case .file(let path):
        let flags = descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path, flags, 0o600)
    case .descriptor(let open): unsafe posix_spawn_file_actions_adddup2(&actions, open, descriptor)
    }
}
