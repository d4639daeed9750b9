import DropWatch
import LinuxSystem
import Settings
import Synchronization
import Vocabulary

/// What the other stages tell the surveyor.
enum SurveyorMessage: Sendable {
    /// These submissions are over: removed, or parked on disk.
    case finished([SubmissionID])
    /// This claim is to be taken up again after a pause.
    case retry(Claim, Waiting)
    /// The database is back, or may be: take up every claim that is not under way.
    case resumeClaims
    /// These submissions were found in the registry, or not.
    case outcomes([SubmissionID: Outcome], asked: [SubmissionID])
    /// A new, valid configuration.
    case reload(Settings)
    /// List everything.
    case rescan
    /// Claim no more, and end.
    case stop
}

/// The surveyor's letter box: the surveyor sleeps on descriptors, so letters ring a bell.
final class Inbox: Sendable {
    let bell: Doorbell
    private let letters = Mutex<[SurveyorMessage]>([])

    init() throws(SystemError) { bell = try Doorbell() }

    func send(_ message: SurveyorMessage) {
        letters.withLock { $0.append(message) }
        bell.ring()
    }

    func takeAll() -> [SurveyorMessage] {
        bell.answer()
        return letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }
}
