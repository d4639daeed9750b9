import LinuxSystem
import LocalPostgres
import Manifest
import TestKit
import Testing
import Vocabulary

/// The server dies, in every way that it can, while submissions come in.
@Suite(.requiresPostgres) struct `PostgreSQL dies` {
    @Test func `by SIGKILL, at once, and in good order, under load`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.throwawayCluster(named: "dying")
            try cluster.createDatabase("ingot")
            let daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
            try daemon.start()
            var all: [Submission] = []
            let modes: [PrivateCluster.StopMode] = [.kill, .immediate, .fast]
            for round in 0..<(Depth.isLong ? 30 : 3) {
                let mode = modes[round % 3]
                daemon.disconnect()
                let load = (0..<20).flatMap { Workload.round(round * 100 + $0) }
                let half = load.count / 2
                try daemon.drop(Array(load[..<half]))
                // In the middle of whatever is going on once some rows are there.
                let isUnderWay = try eventually { try daemon.count("registry.submissions") > all.count + 5 }
                #expect(isUnderWay, "\(daemon.log.suffix(2000))")
                daemon.disconnect()
                try cluster.stop(mode)
                try daemon.drop(Array(load[half...]))
                all += load
                daemon.expectDegraded("No such file", "refused", "closed", "terminat", "shutting down")
                // The daemon dies as well, now and then.
                if mode == .immediate {
                    daemon.kill()
                    try cluster.start()
                    try daemon.expectWhole(all, "\(mode)")
                    try daemon.launch()
                } else {
                    try cluster.start()
                }
                try daemon.expectSettled(all, "\(mode)")
                Figures.add("deaths of PostgreSQL under load")
            }
            try cluster.stop(.immediate)
        }
    }

    /// A crash of one of its processes makes the server end all others and recover, which takes it a moment in which it lets nobody in.
    @Test func `in part, and recovers`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.throwawayCluster(named: "crashing")
            try cluster.createDatabase("ingot")
            let daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
            try daemon.start()
            daemon.expectDatabase()
            var all: [Submission] = []
            for round in 0..<(Depth.isLong ? 20 : 3) {
                let load = Workload.round(round)
                try daemon.drop(load)
                for process in try daemon.backends() { try Tool.run("kill", ["-KILL", "\(process)"]) }
                daemon.disconnect()
                daemon.expectAnswers(load, "round \(round)")
                all += load
            }
            _ = eventually { (try? daemon.count("registry.models")) != nil }
            try daemon.expectSettled(all, "crashes")
            try cluster.stop(.immediate)
        }
    }

    /// The tables cannot grow any more, in the middle of recording.
    @Test(.requiresRoot) func `not, but its disk is full`() async throws {
        try await onOwnThread {
            let scratch = try Scratch()
            let disk = try MountPoint(over: scratch.makeDirectory("disk").path, sizeInMiB: 160)
            defer { withExtendedLifetime(disk) {} }
            let cluster = try PostgresFixture.throwawayCluster(named: "full", below: "\(scratch.path)/disk")
            try cluster.createDatabase("ingot")
            let daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
            try daemon.start()
            daemon.expectDatabase()
            try cluster.run("CHECKPOINT")
            let place = try Descriptor.openDirectory(path: "\(scratch.path)/disk")
            try fill(place)
            try daemon.drop(Workload.submissions)
            daemon.expectDegraded("No space left on device")
            try daemon.expectParked(Workload.submissions)
            try expectStillDegraded(daemon, cluster)
            try place.unlink("ballast")
            try daemon.expectSettled(Workload.submissions, "room again")
            daemon.expectDatabase()
            try cluster.stop(.immediate)
        }
    }

    /// A server that lets the daemon in, but takes no rows, is no database that works: nobody ever reads that it is.
    private func expectStillDegraded(_ daemon: Daemon, _ cluster: PrivateCluster) throws {
        func failures() throws -> Int {
            try Int(cluster.run("SELECT xact_rollback FROM pg_stat_database WHERE datname = 'ingot'")) ?? 0
        }
        let before = try failures()
        var words: Set<String> = []
        let hasTried = try eventually(pause: 5) {
            if let word = daemon.status?["status"]?.text.prefix(9) { words.insert(String(word)) }
            return try failures() >= before + 3
        }
        #expect(hasTried && words == ["\"DEGRADED"], "\(words)\n\(daemon.log.suffix(3000))")
    }

    private func fill(_ place: Descriptor) throws {
        let ballast = try place.open("ballast", [.writeOnly, .create])
        for count in [1 << 20, 1 << 16, 1 << 12, 1] {
            let block = [UInt8](repeating: 1, count: count)
            while (try? ballast.write(block)) != nil {}
        }
    }
}
