import ServiceManager
import Synchronization
import Testing

/// A clock that stands still until it is told otherwise.
final class ManualClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)

    var now: UInt64 { nanoseconds.load(ordering: .relaxed) }

    func advance(_ seconds: UInt64) { nanoseconds.add(seconds * 1_000_000_000, ordering: .relaxed) }
}

@Suite struct `The stages of the pipeline` {
    let clock = ManualClock()
    let vitals: Vitals

    init() {
        let clock = clock
        vitals = Vitals { clock.now }
    }

    @Test func `an idle stage is well for ever`() {
        let stage = vitals.stage("hash")
        clock.advance(1_000_000)
        #expect(vitals.check().isEmpty)
        stage.working(bound: .seconds(10))
        stage.idle()
        clock.advance(1_000_000)
        #expect(vitals.check().isEmpty)
    }

    @Test func `a working stage is stalled once it is silent for longer than its bound`() {
        let (hash, commit) = (vitals.stage("hash"), vitals.stage("commit"))
        hash.working(bound: .seconds(10))
        commit.working(bound: .seconds(600))
        clock.advance(10)
        #expect(vitals.check().isEmpty)
        clock.advance(1)
        #expect(vitals.check() == [StalledStage(name: "hash", silence: .seconds(11), bound: .seconds(10))])
        hash.progress()
        #expect(vitals.check().isEmpty)
        clock.advance(590)
        #expect(vitals.check().map(\.name) == ["hash", "commit"])
    }

    @Test func `a new bound counts from its own beginning`() {
        let stage = vitals.stage("fsync")
        stage.working(bound: .seconds(600))
        clock.advance(500)
        stage.working(bound: .seconds(1))
        #expect(vitals.check().isEmpty)
        clock.advance(2)
        #expect(vitals.check().map(\.bound) == [.seconds(1)])
    }

    @Test func `workers of one name are watched one by one, and a stage that is gone no more`() {
        let busy = vitals.stage("worker")
        do {
            let stuck = vitals.stage("worker")
            stuck.working(bound: .seconds(1))
            busy.working(bound: .seconds(100))
            clock.advance(5)
            #expect(vitals.check().count == 1)
            stuck.idle()
        }
        _ = vitals.stage("another")
        #expect(vitals.check().isEmpty)
        clock.advance(200)
        #expect(vitals.check().map(\.name) == ["worker"])
        busy.idle()
    }
}

@Suite struct `Repeated messages` {
    let minute: UInt64 = 60_000_000_000

    @Test func `are written once and counted`() {
        var filter = RepeatFilter(interval: .seconds(60))
        #expect(filter.admit("db", now: 5) == .write(heldBefore: 0))
        #expect(filter.admit("db", now: 6) == .hold)
        #expect(filter.admit("disk", now: 6) == .write(heldBefore: 0))
        #expect(filter.admit("db", now: 5 + minute - 1) == .hold)
        #expect(filter.summaries(now: 5 + minute - 1).isEmpty)
        #expect(filter.admit("db", now: 5 + minute) == .write(heldBefore: 2))
        #expect(filter.admit("db", now: 6 + minute) == .hold)
        let summaries = filter.summaries(now: 5 + 2 * minute)
        #expect(summaries.map(\.key) == ["db"] && summaries.map(\.text) == ["repeated once"])
        #expect(filter.summaries(now: 9 * minute).isEmpty)
        #expect(filter.admit("db", now: 9 * minute) == .write(heldBefore: 0))
    }

    @Test func `take bounded memory, and none is forgotten`() {
        var filter = RepeatFilter(interval: .seconds(60), capacity: 2)
        for (time, key) in ["a", "a", "b", "c", "a"].enumerated() { _ = filter.admit(key, now: UInt64(time)) }
        #expect(filter.summaries(now: 5).map(\.key) == ["a"])
        #expect(filter.admit("c", now: 6) == .hold)
    }
}
