import CLinux
import Glibc
import Synchronization

/// A thread of its own for work that blocks.
///
/// On Linux, Swift's cooperative pool and libdispatch's global queues share one set of threads, about one for each processor: one blocking
/// call there holds up everything else. Whatever waits for a disk, a database or an event runs on a lane.
public final class Lane: Sendable {
    private struct State {
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// The thread's name, as `ps -L` and a debugger show it (at most 15 bytes).
    public let name: String
    private let body: @Sendable () -> Void
    private let state = Mutex(State())

    /// Starts a thread that runs `body` once.
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
        start()
    }

    /// Waits, without blocking a thread, until the lane's work has returned.
    public func finished() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isOver { continuation.resume() }
        }
    }

    private func start() {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, 1 << 20)
        var thread = pthread_t()
        let lane = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(&thread, &attributes, runLane, lane)
        unsafe pthread_attr_destroy(&attributes)
        precondition(code == 0, "no thread for \(name): \(SystemError.text(code))")
    }

    fileprivate func run() {
        unsafe ingot_name_thread(name)
        // Signals belong to the main thread's handling; a lane is never interrupted by one.
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
        body()
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

// A free function: a closure given to pthread_create from isolated code would be isolated too, and trap on the new thread.
private func runLane(_ lane: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let lane = unsafe lane { unsafe Unmanaged<Lane>.fromOpaque(lane).takeRetainedValue().run() }
    return nil
}
