import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    @Test func `is active once its drop directory is watched, and not before`() async throws {
        let machine = try await Machine.fresh()
        // systemctl returns at READY=1; at that moment the kernel has the watch already, proc_pid_fdinfo(5).
        let watched = try await machine.run(
            """
            systemctl start ingotd
            # Descriptors come and go while they are listed.
            grep -hs ^inotify /proc/$(systemctl show ingotd --value -p MainPID)/fdinfo/* || true
            """)
        let inode = try await machine.run("printf 'ino:%x ' $(stat -c %i \(Machine.drop))")
        #expect(watched.contains(inode))
        #expect(try await machine.property("ActiveState") == "active")
        #expect(try await machine.property("Type") == "notify")
    }

    @Test(.requiresStrace)
    func `is not active as long as the kernel has no watch`() async throws {
        let machine = try await Machine.fresh()
        // -D: the daemon stays the main process, and strace is a grandchild of it.
        try await machine.edit(
            """
            [Service]
            SystemCallFilter=@debug @setuid
            ExecStart=
            ExecStart=/usr/bin/strace -D -f -o /dev/null -e inject=inotify_add_watch:delay_enter=1500000 \\
              /usr/bin/ingotd --config /etc/ingot/ingot.yaml
            """)
        try await machine.start()
        let began = try #require(Int(try await machine.property("ExecMainStartTimestampMonotonic")))
        let active = try #require(Int(try await machine.property("ActiveEnterTimestampMonotonic")))
        #expect(active - began > 1_500_000)
    }

    @Test func `runs as its own user with two capabilities`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        let process = try await machine.run("cat /proc/$(systemctl show ingotd --value -p MainPID)/status")
        let ingot = try await machine.run("id -u ingot")
        #expect(process.contains("Uid:\t\(ingot)\t\(ingot)\t\(ingot)\t\(ingot)"))
        // CAP_CHOWN is 0, CAP_LEASE 28: capabilities(7).
        for set in ["CapEff", "CapBnd", "CapAmb"] { #expect(process.contains("\(set):\t0000000010000001")) }
        #expect(process.contains("NoNewPrivs:\t1"))
        #expect(process.contains("Seccomp:\t2"))
    }

    @Test func `says in one line that all is well, and in status.json to everybody`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.status(contains: "database ok")
        try await machine.drop("line.pkl", model: "line", content: "one")
        let line = try await machine.status(contains: "1 registered")
        #expect(line == "1 drop, 0 pending, 1 registered, database ok")
        let json = try await machine.run("cat /run/ingot/status.json", as: "carol")
        #expect(json.contains(#""database":"ok""#))
        #expect(json.contains(#""status":"1 drop, 0 pending, 1 registered, database ok""#))
    }

    @Test func `starts without the database, stores what is dropped, and registers it when the database comes`()
        async throws
    {
        let machine = try await Machine.fresh()
        try await machine.run("systemctl stop postgresql")
        try await machine.start()
        try await machine.status(contains: "DEGRADED: database unreachable")
        for number in 1...3 {
            try await machine.drop("early\(number).pkl", model: "early", version: "\(number)", content: "e\(number)")
        }
        let line = try await machine.status(contains: "3 models stored and waiting")
        #expect(line.hasPrefix("DEGRADED: database unreachable for "))
        #expect(try await machine.run("find /srv/ingot/store/sha256 -type f -name '????????*' | wc -l") >= "3")
        #expect(try await machine.property("ActiveState") == "active")
        #expect(try await machine.records("database_unavailable").count == 1)
        // What an earlier run has stored counts as well.
        try await machine.run("systemctl restart ingotd")
        try await machine.status(contains: "3 models stored and waiting")

        try await machine.run("systemctl start postgresql")
        try await machine.registered(3)
        try await machine.status(contains: "3 registered, database ok")
        let back = try await machine.records("database_available").compactMap { $0["MESSAGE"] }
        #expect(back.contains { $0.hasPrefix("The database is back") })
        #expect(try await machine.run("ls -A \(Machine.drop)/.claims") == ".lock")
    }

    @Test func `waits for a drop directory that is missing, and never makes it`() async throws {
        let machine = try await Machine.fresh()
        try await machine.configure("drops:\n", "drops:\n  - path: /srv/ingot/later\n")
        try await machine.start()
        let line = try await machine.status(contains: "DEGRADED: drop /srv/ingot/later unavailable")
        #expect(line.contains("does not exist"))
        #expect(try await machine.container.attempt("test -e /srv/ingot/later").status == 1)
        // The other one works meanwhile.
        try await machine.drop("other.pkl", model: "other", content: "o")
        try await machine.registered(1)

        try await machine.run("install -d -m 3770 -o ingot -g ingot-producers /srv/ingot/later")
        try await machine.status(contains: "2 drops, 0 pending")
        try await machine.run(
            """
            cd /srv/ingot/later; umask 022
            echo late > late.pkl; echo '{"model_id": "late", "model_version": "1"}' > late.pkl.manifest.json
            """, as: "alice")
        try await machine.registered(2)
    }

    @Test func `ends with status 78 and stays down when the configuration is wrong`() async throws {
        let machine = try await Machine.fresh()
        try await machine.configure("rescan: 60s", "rescann: 60s")
        #expect(try await machine.container.attempt("systemctl start ingotd").status != 0)
        #expect(try await machine.property("ActiveState") == "failed")
        #expect(try await machine.property("ExecMainStatus") == "78")
        #expect(try await machine.property("NRestarts") == "0")
        let lines = try await machine.journal().compactMap { $0["MESSAGE"] }
        #expect(lines.contains { $0.contains("/etc/ingot/ingot.yaml:") && $0.contains("rescan") })
    }

    @Test func `refuses to share its store with a second one`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.run("install -d -m 3770 -o ingot -g ingot-producers /srv/ingot/second")
        try await machine.configure("path: /srv/ingot/drop", "path: /srv/ingot/second")
        let second = try await machine.container.attempt(
            "LD_LIBRARY_PATH=\(Machine.libraryDirectory) ingotd --config /etc/ingot/ingot.yaml", as: "ingot")
        #expect(second.status == 69)
        #expect(second.errors.contains("/srv/ingot/store"))
        #expect(second.errors.contains("another ingotd"))
        #expect(try await machine.property("ActiveState") == "active")
    }
}
