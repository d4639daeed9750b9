import Glibc

/// A queue into a lane. Receiving takes everything that has gathered, which is what makes groups form by themselves: while one group is
/// being worked on, the next one gathers.
///
/// `@unchecked Sendable`: `newest`, `oldest` and `isClosed` are only touched with `mutex` held.
/// Bounds are the sender's business: what is in flight at all is limited where it is let in.
@safe public final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var newest: [Element] = []
    /// What was sent before all of those, in reverse: taking one of many from the end moves no other.
    private var oldest: [Element] = []
    private var isClosed = false

    /// An empty mailbox.
    public init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Adds an element and wakes a receiver. After ``close()`` it is dropped.
    public func send(_ element: Element) {
        locked {
            guard !isClosed else { return }
            newest.append(element)
            unsafe pthread_cond_signal(condition)
        }
    }

    /// Adds several elements at once.
    public func send(contentsOf new: [Element]) {
        guard !new.isEmpty else { return }
        locked {
            guard !isClosed else { return }
            newest += new
            unsafe pthread_cond_broadcast(condition)
        }
    }

    /// No more elements: receivers get what is left, then `nil`.
    public func close() {
        locked {
            isClosed = true
            unsafe pthread_cond_broadcast(condition)
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

    /// Waits on the condition; `false` when the deadline has passed.
    private func wait(until deadline: Monotonic?) -> Bool {
        guard let deadline else {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        // A negative time is EINVAL, which returns at once and without having let go of the mutex.
        let (seconds, rest) = max(0, deadline.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
        return unsafe pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }
}
