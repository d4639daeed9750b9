import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing

@Suite struct `Mailboxes` {
    @Test func `what gathers is received as one group, oldest first`() {
        let box = Mailbox<Int>()
        box.send(1)
        box.send(contentsOf: [2, 3, 4])
        box.send(contentsOf: [])
        #expect(box.count == 4)
        #expect(box.receive(limit: 3) == [1, 2, 3])
        #expect(box.receive() == [4])
        #expect(box.count == 0)
    }

    @Test(arguments: [Duration.milliseconds(20), .zero, .milliseconds(-20)])
    func `an empty mailbox answers after the deadline, and not before`(wait: Duration) {
        let box = Mailbox<Int>()
        let deadline = Monotonic.now + wait
        #expect(box.receive(until: deadline) == [])
        #expect(Monotonic.now >= deadline)
    }

    @Test func `a deadline before the clock's beginning has passed`() {
        let box = Mailbox<Int>()
        let answer = Mutex<[Int]?>(nil)
        _ = Lane("receiver") { answer.withLock { $0 = box.receive(until: Monotonic(nanoseconds: -1)) } }
        let isOver = eventually { answer.withLock { $0 } == [] }
        #expect(isOver)
        box.close()
    }

    @Test func `after closing, what is left is received and nothing more`() {
        let box = Mailbox<Int>()
        box.send(1)
        box.close()
        box.send(2)
        box.send(contentsOf: [3])
        #expect(box.receive() == [1])
        #expect(box.receive() == nil)
        #expect(box.receive(until: .now + .seconds(60)) == nil)
    }

    @Test func `closing wakes everybody who waits`() async {
        let box = Mailbox<Int>()
        let ended = Atomic<Int>(0)
        let lanes = (0..<4).map { number in
            Lane("waiter-\(number)") { if box.receive() == nil { ended.add(1, ordering: .relaxed) } }
        }
        box.close()
        for lane in lanes { await lane.finished() }
        #expect(ended.load(ordering: .relaxed) == 4)
    }

    @Test func `many senders and many receivers lose nothing and double nothing`() async {
        let box = Mailbox<[Int]>()
        let received = Mutex<[[Int]]>([])
        let receivers = (0..<3).map { number in
            Lane("receiver-\(number)") {
                while let some = box.receive(limit: number == 0 ? 1 : 100) { received.withLock { $0 += some } }
            }
        }
        let senders = (0..<8).map { sender in
            Lane("sender-\(sender)") {
                for number in 0..<1000 { box.send([sender, number]) }
                box.send(contentsOf: (1000..<1500).map { [sender, $0] })
            }
        }
        for lane in senders { await lane.finished() }
        box.close()
        for lane in receivers { await lane.finished() }
        let all = received.withLock { $0 }
        #expect(all.count == 8 * 1500)
        #expect(Set(all).count == 8 * 1500)
    }

    /// Several receivers that sleep, some with a deadline that is over at once, and two senders that wait for each element to be received.
    @Test func `no element is left lying while somebody sleeps`() async {
        let box = Mailbox<Int>()
        let received = Atomic<Int>(0)
        let receivers = (0..<4).map { number in
            Lane("receiver-\(number)") {
                var hasSome = false
                while let some = box.receive(limit: 1, until: hasSome ? .now : nil) {
                    hasSome = number % 2 == 0 && !some.isEmpty
                    received.add(some.count, ordering: .relaxed)
                }
            }
        }
        let sent = Atomic<Int>(0)
        let stuck = Atomic<Bool>(false)
        let senders = (0..<2).map { sender in
            Lane("sender-\(sender)") {
                for _ in 0..<20_000 where !stuck.load(ordering: .relaxed) {
                    box.send(sender)
                    let wanted = sent.add(1, ordering: .relaxed).newValue - 1
                    let end = Monotonic.now + .seconds(20)
                    while received.load(ordering: .relaxed) < wanted {
                        if Monotonic.now > end {
                            stuck.store(true, ordering: .relaxed)
                            break
                        }
                        sched_yield()
                    }
                }
            }
        }
        for lane in senders { await lane.finished() }
        let isStuck = stuck.load(ordering: .relaxed)
        #expect(!isStuck)
        box.close()
        for lane in receivers { await lane.finished() }
    }

    @Test func `one receiver gets each sender's letters in the order they were sent`() async {
        let box = Mailbox<(sender: Int, number: Int)>()
        let senders = (0..<4).map { sender in
            Lane("sender-\(sender)") { for number in 0..<2000 { box.send((sender, number)) } }
        }
        var last = [Int](repeating: -1, count: 4)
        var count = 0
        while count < 8000 {
            for letter in box.receive(limit: 64) ?? [] {
                #expect(letter.number == last[letter.sender] + 1)
                last[letter.sender] = letter.number
                count += 1
            }
        }
        for lane in senders { await lane.finished() }
    }
}
