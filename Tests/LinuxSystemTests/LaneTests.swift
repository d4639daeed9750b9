import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing

@Suite struct `Lanes` {
    @Test func `a lane is a thread of its own, known by its name, that no signal interrupts`() async throws {
        let told = Mutex<(identity: pthread_t, name: String, blocked: String)?>(nil)
        let lane = Lane("survey") {
            let directory = try? Descriptor.openDirectory(path: "/proc/thread-self")
            func read(_ name: FileName) -> String {
                String(decoding: (try? directory?.open(name).readAll(limit: 10_000)) ?? [], as: UTF8.self)
            }
            let blocked = read("status").split(separator: "\n").first { $0.hasPrefix("SigBlk:") } ?? ""
            told.withLock { $0 = (pthread_self(), read("comm"), String(blocked)) }
        }
        await lane.finished()
        let answer = try #require(told.withLock { $0 })
        #expect(answer.identity != pthread_self())
        #expect(answer.name == "survey\n")
        let mask = UInt64(answer.blocked.dropFirst("SigBlk:\t".count), radix: 16) ?? 0
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGIO, SIGCHLD, SIGUSR1] {
            #expect(mask >> UInt64(signal - 1) & 1 == 1, "signal \(signal)")
        }
    }

    @Test func `everybody who waits for a lane is told, before and after its end`() async {
        let gate = Mailbox<Void>()
        let lane = Lane("gated") { _ = gate.receive() }
        await withTaskGroup { group in
            for _ in 0..<10 { group.addTask { await lane.finished() } }
            gate.send(())
        }
        await lane.finished()
    }

    @Test func `blocked lanes keep no task from running`() async {
        let gate = Mailbox<Void>()
        let lanes = (0..<50).map { number in Lane("blocked-\(number)") { _ = gate.receive() } }
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...100 { group.addTask { number } }
            return await group.reduce(0, +)
        }
        #expect(sum == 5050)
        gate.close()
        for lane in lanes { await lane.finished() }
    }
}

@Suite struct `Waiting for input` {
    @Test func `a bell is heard until it is answered, however often it was rung`() throws {
        let bell = try Doorbell()
        #expect(try waitForInput([bell.descriptor], timeout: .zero) == [false])
        bell.ring()
        bell.ring()
        #expect(try waitForInput([bell.descriptor], timeout: nil) == [true])
        bell.answer()
        #expect(try waitForInput([bell.descriptor], timeout: .zero) == [false])
        bell.answer()
    }

    @Test func `the answers are in the order of the questions`() throws {
        let bells = try (0..<5).map { _ in try Doorbell() }
        bells[1].ring()
        bells[4].ring()
        let answers = try waitForInput(bells.map(\.descriptor), timeout: .seconds(10))
        #expect(answers == [false, true, false, false, true])
    }

    @Test(arguments: [Duration.milliseconds(15), .microseconds(300), .zero, .seconds(-1)])
    func `the wait is as long as was asked, and not shorter`(timeout: Duration) throws {
        let bell = try Doorbell()
        let start = Monotonic.now
        #expect(try waitForInput([bell.descriptor], timeout: timeout) == [false])
        #expect(Monotonic.now - start >= timeout)
    }

    @Test func `a ring from another thread ends the wait`() async throws {
        let bell = try Doorbell()
        let lane = Lane("ringer") { bell.ring() }
        #expect(try waitForInput([bell.descriptor], timeout: nil) == [true])
        await lane.finished()
    }
}
