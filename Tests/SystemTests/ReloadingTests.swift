import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    @Test func `puts a good configuration in force without a restart`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        let process = try await machine.property("MainPID")
        try await machine.run("install -d -m 3770 -o ingot -g ingot-producers /srv/ingot/second")
        try await machine.configure("drops:\n", "drops:\n  - path: /srv/ingot/second\n")
        try await machine.configure("log_level: info", "log_level: notice")
        try await machine.run("systemctl reload ingotd")
        #expect(try await machine.records("reloaded").count == 1)
        try await machine.status(contains: "2 drops, 0 pending, 0 registered, database ok")
        try await machine.run(
            """
            cd /srv/ingot/second; umask 022
            echo s > s.pkl; echo '{"model_id": "s", "model_version": "1"}' > s.pkl.manifest.json
            """, as: "alice")
        try await machine.registered(1)
        try await machine.status(contains: "2 drops, 0 pending, 1 registered, database ok")
        // Told at level info, which is not wanted any more.
        #expect(try await machine.journal("INGOT_EVENT=registered").isEmpty)
        #expect(try await machine.property("MainPID") == process)
        #expect(try await machine.property("ActiveState") == "active")
    }

    @Test func `keeps the old configuration when the new one is wrong, and says so until it is repaired`() async throws
    {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.configure("rescan: 60s", "rescann: 60s")
        let number = try await machine.run("grep -n ^rescann /etc/ingot/ingot.yaml | cut -d: -f1")
        try await machine.run("systemctl reload ingotd")
        let place = "/etc/ingot/ingot.yaml:\(number):1: rescann"
        let record = try #require(try await machine.records("reload_failed").first)
        #expect(record["MESSAGE"]?.contains(place) == true)
        #expect(record["PRIORITY"] == "3")
        try await machine.status(contains: "the old configuration stays in force: \(place)")
        #expect(try await machine.property("ActiveState") == "active")
        try await machine.drop("still.pkl", model: "still", content: "s")
        try await machine.registered(1)
        try await machine.status(contains: place)

        try await machine.configure("rescann: 60s", "rescan: 60s")
        try await machine.run("systemctl reload ingotd")
        try await machine.status(contains: "1 drop, 0 pending, 1 registered, database ok")
    }

    @Test func `says that a change of the store takes a restart`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.configure("store: /srv/ingot/store", "store: /srv/ingot/other")
        try await machine.run("systemctl reload ingotd")
        let record = try #require(try await machine.records("reload_failed").first)
        #expect(record["MESSAGE"]?.contains("restart") == true)
        #expect(try await machine.container.attempt("test -e /srv/ingot/other").status == 1)
    }
}
