import Glibc
import LinuxSystem
import Testing

@Suite struct `A child process` {
    private var soon: ContinuousClock.Instant { ContinuousClock.now + .seconds(30) }

    @Test func `it gets its arguments and environment, and what it prints is kept`() throws {
        let command = ChildProcess.Command(
            "/bin/sh", ["-c", "printf '%s' \"$1-$WORD\"; echo bad >&2; exit 3", "sh", "a b"],
            environment: ["WORD": "x'y"])
        let completion = try ChildProcess.run(command, deadline: soon)
        #expect(completion.ending == .exited(3) && !completion.isSuccess)
        #expect(completion.output == Array("a b-x'y".utf8))
        #expect(completion.errors == Array("bad\n".utf8))
    }

    @Test func `one that does not end in time is killed`() throws {
        let completion = try ChildProcess.run(
            ChildProcess.Command("/bin/sleep", ["1000"]), deadline: ContinuousClock.now + .milliseconds(50))
        #expect(completion.ending == nil)
    }

    @Test func `a signal ends it, and one after its end reaches nobody`() throws {
        let child = try ChildProcess.start(ChildProcess.Command("/bin/sleep", ["1000"]))
        #expect(child.ending == nil)
        child.signal(SIGTERM)
        #expect(child.wait(until: soon) == .killed(SIGTERM))
        child.signal(SIGTERM)
        #expect(child.ending == .killed(SIGTERM))
    }

    @Test func `a program that is not there is an error at once`() {
        let error = #expect(throws: ChildProcessError.self) {
            try ChildProcess.start(ChildProcess.Command("/nowhere/program"))
        }
        #expect(error?.errno == ENOENT)
        #expect(error.map { "\($0)".contains("/nowhere/program") } == true)
    }

    @Test func `more output than a pipe holds is no trouble`() throws {
        let completion = try ChildProcess.run(
            ChildProcess.Command("/usr/bin/head", ["-c", "1000000", "/dev/zero"]), deadline: soon)
        #expect(completion.output.count == 1_000_000)
    }
}
