internal import CLibpq

/// Where the server's notices go: to a closure, or nowhere. Never to stderr, which is libpq's habit.
final class NoticeHandler {
    private let take: (@Sendable (String) -> Void)?

    init(_ take: (@Sendable (String) -> Void)?) {
        self.take = take
    }

    /// Makes a connection tell this object. The object has to live as long as the connection.
    func attach(to handle: OpaquePointer) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe PQsetNoticeProcessor(handle, receiveNotice, context)
    }

    fileprivate func receive(_ message: String) {
        take?(message)
    }
}

/// libpq's callback, in whatever thread drives the connection.
private nonisolated func receiveNotice(_ context: UnsafeMutableRawPointer?, _ message: UnsafePointer<CChar>?) {
    guard let context = unsafe context, let message = unsafe message else { return }
    let handler = unsafe Unmanaged<NoticeHandler>.fromOpaque(context).takeUnretainedValue()
    handler.receive(oneLine(unsafe String(cString: message)))
}
