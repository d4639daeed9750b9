import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    @Test func `has a unit without faults, and little that it could do harm with`() async throws {
        let machine = try await Machine.fresh()
        let check = try await machine.run("systemd-analyze verify --man=no ingotd.service 2>&1")
        #expect(check == "")
        for example in ["", "local", "public"] {
            try await machine.run(
                """
                mkdir -p /etc/systemd/system/ingotd.service.d; rm -f /etc/systemd/system/ingotd.service.d/*
                example=/usr/share/doc/ingot/examples/ingotd-\(example)-database.conf
                [ ! -e $example ] || cp $example /etc/systemd/system/ingotd.service.d/
                systemctl daemon-reload
                systemd-analyze verify --man=no ingotd.service
                systemd-analyze security --threshold=15 ingotd.service
                """)
        }
    }

    @Test func `works with no network but the socket of the local database`() async throws {
        let machine = try await Machine.fresh()
        try await machine.edit(
            machine.run("cat /usr/share/doc/ingot/examples/ingotd-local-database.conf"))
        try await machine.start()
        try await machine.drop("local.pkl", model: "local", content: "l")
        try await machine.registered(1)
    }

    @Test func `looks inside files in processes that can do nothing else`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("evil.pkl", model: "evil", content: "cposix\nsystem\n(S\"true\"\ntR.")
        try await machine.registered(1)
        let found = try await machine.query("select safety, module, name from registry.models, registry.imports")
        #expect(found == "dangerous|posix|system")
        let warnings = try await machine.run("journalctl -u ingotd -p warning --quiet --output cat")
        #expect(!warnings.contains("inspector"), "\(warnings)")
        let workers = try await machine.run(
            """
            for process in $(pgrep -u ingot -f inspect-worker); do
                awk '/^(Uid|CapEff|CapPrm|NoNewPrivs|Seccomp|Threads):/ { printf "%s%s ", $1, $2 }' \
                    /proc/$process/status
                echo "fds:$(ls /proc/$process/fd | wc -l)"
            done | sort | uniq -c
            """)
        let user = try await machine.run("id -u ingot")
        let none = "0000000000000000"
        #expect(
            workers.split(separator: "\n").map { $0.split(separator: " ").dropFirst().joined(separator: " ") } == [
                "Uid:\(user) Threads:1 CapPrm:\(none) CapEff:\(none) NoNewPrivs:1 Seccomp:2 fds:3"
            ], "\(workers)")
    }

    @Test func `takes the password of the database from a credential`() async throws {
        let machine = try await Machine.fresh()
        try await machine.run(
            """
            runuser -u postgres -- psql -Xqc "alter role ingot password 'a secret'"
            echo '127.0.0.1:5432:ingot:ingot:a secret' > /etc/ingot/pgpass; chmod 600 /etc/ingot/pgpass
            """)
        try await machine.configure("postgresql:///ingot", "postgresql://ingot@127.0.0.1/ingot")
        try await machine.edit(
            """
            [Service]
            LoadCredential=pgpass:/etc/ingot/pgpass
            Environment=PGPASSFILE=%d/pgpass
            """)
        try await machine.start()
        try await machine.status(contains: "database ok")
    }

    /// With addresses of this kind on the loopback device, whose packets are filtered like any others.
    @Test func `reaches private networks only, until a drop-in opens it`() async throws {
        let machine = try await Machine.fresh()
        try await machine.run(
            """
            ip addr replace 10.9.9.9/32 dev lo; ip addr replace 203.0.113.7/32 dev lo
            cat > /run/reach <<'END'
            exec timeout 2 bash -c ": </dev/tcp/$1/5432"
            END
            runuser -u postgres -- psql -Xqc "alter system set listen_addresses = '*'"
            systemctl restart postgresql
            { echo '[Service]'; echo Type=oneshot; echo 'ExecStart=/bin/bash /run/reach %I'
              grep ^IPAddress /usr/lib/systemd/system/ingotd.service; } > /run/systemd/system/reach@.service
            systemctl daemon-reload
            systemctl start reach@127.0.0.1
            systemctl start reach@10.9.9.9
            """)
        #expect(try await machine.container.attempt("systemctl start reach@203.0.113.7").status != 0)
        #expect(try await machine.run("systemctl show reach@203.0.113.7 --value -p ExecMainStatus") == "124")
        try await machine.run(
            """
            mkdir -p /run/systemd/system/reach@.service.d
            cp /usr/share/doc/ingot/examples/ingotd-public-database.conf /run/systemd/system/reach@.service.d/
            systemctl daemon-reload
            systemctl start reach@203.0.113.7
            """)
    }
}
