import Glibc

/// A queue into a lane. Receiving takes everything that has gathered, which is what makes groups form by themselves: while one group is
/// being worked on, the next one gathers.
///
/// Every receiver that waits has a condition of its own: with several on one, pthread_cond_signal(3) of glibc before 2.41 may wake none of
/// them (https://sourceware.org/bugzilla/show_bug.cgi?id=25847).
///
/// `@unchecked Sendable`: all that can change is only touched with `mutex` held.
/// Bounds are the sender's business: what is in flight at all is limited where it is let in.
@safe public final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var newest: [Element] = []
    /// What was sent before all of those, in reverse: taking one of many from the end moves no other.
    private var oldest: [Element] = []
    private var isClosed = false
    /// Those that wait and that nobody has woken.
    private var sleepers: [Sleeper] = []

    /// An empty mailbox.
    public init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Adds an element and wakes a receiver. After ``close()`` it is dropped.
    public func send(_ element: Element) {
        locked {
            guard !isClosed else { return }
            newest.append(element)
            wake(1)
        }
    }

    /// Adds several elements at once.
    public func send(contentsOf new: [Element]) {
        guard !new.isEmpty else { return }
        locked {
            guard !isClosed else { return }
            newest += new
            wake(new.count)
        }
    }

    /// No more elements: receivers get what is left, then `nil`.
    public func close() {
        locked {
            isClosed = true
            wake(.max)
        }
    }

    /// Waits for elements and takes those that are there, at most `limit`.
    ///
    /// - Parameters:
    ///   - limit: how many to take at most.
    ///   - deadline: when to give up waiting; `nil` waits for ever.
    /// - Returns: the elements, oldest first; empty after the deadline; `nil` when the mailbox is closed and empty.
    public func receive(limit: Int = .max, until deadline: Monotonic? = nil) -> [Element]? {
        locked {
            while newest.isEmpty && oldest.isEmpty {
                if isClosed { return nil }
                if let deadline, Monotonic.now >= deadline { return [] }
                guard wait(until: deadline) else { return [] }
            }
            if oldest.isEmpty && newest.count <= limit {
                defer { newest = [] }
                return newest
            }
            var received: [Element] = []
            while received.count < limit, let element = oldestElement() { received.append(element) }
            return received
        }
    }

    private func oldestElement() -> Element? {
        if oldest.isEmpty {
            oldest = newest.reversed()
            newest = []
        }
        return oldest.popLast()
    }

    /// How many elements are waiting.
    public var count: Int { locked { newest.count + oldest.count } }

    private func wake(_ count: Int) {
        for sleeper in sleepers.suffix(count) { sleeper.wake() }
        sleepers.removeLast(min(count, sleepers.count))
    }

    /// Lets go of the mutex until somebody wakes this receiver; `false` when the deadline has passed before.
    private func wait(until deadline: Monotonic?) -> Bool {
        let sleeper = Sleeper()
        sleepers.append(sleeper)
        let isInTime = unsafe sleeper.sleep(mutex, until: deadline)
        guard let place = sleepers.firstIndex(where: { $0 === sleeper }) else { return true }
        sleepers.remove(at: place)
        return isInTime
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }
}

/// One receiver while it waits.
@safe private final class Sleeper {
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
    }

    func wake() { unsafe pthread_cond_signal(condition) }

    /// Waits, perhaps for nothing; `false` when the deadline has passed.
    func sleep(_ mutex: UnsafeMutablePointer<pthread_mutex_t>, until deadline: Monotonic?) -> Bool {
        guard let deadline else {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        // A negative time is EINVAL, which returns at once and without having let go of the mutex.
        let (seconds, rest) = max(0, deadline.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
        return unsafe pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    }
}
