import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    /// The attacks of `Tests/FaultTests/hostile.py`, against the service as it is installed: its own user, two capabilities, its sandbox.
    @Test(.requiresStrace) func `gives a hostile producer nothing, and everybody else their turn`() async throws {
        let machine = try await Machine.fresh()
        try await machine.configure("producers: trusted ", "producers: hostile ")
        try await machine.configure("max_payload: 1TiB", "max_payload: 1MiB")
        let attack = "\(Machine.project)/Tests/FaultTests/hostile.py"
        try machine.container.install(attack, as: "/run/hostile.py")
        try machine.container.write(Self.honestProducer, to: "/run/honest.py")
        try await machine.run(
            """
            id mallory >/dev/null 2>&1 || useradd --create-home --groups ingot-producers mallory
            mkdir -p /srv/foreign; chmod 755 /srv/foreign; cd /srv/foreign
            head -c 5000 /dev/urandom > secret.bin; head -c 5000 /dev/urandom > public.bin
            chown alice secret.bin; chmod 600 secret.bin; chmod 644 public.bin
            sha256sum secret.bin public.bin > /run/foreign.before; stat -c '%n %a %U %s %Y %Z' * >> /run/foreign.before
            """)
        try await machine.start()
        // All calls that name a file: what a descriptor leads to is shown behind it.
        try await machine.run(
            """
            calls=openat,open,openat2,linkat,link,rename,renameat,renameat2,unlinkat,mkdirat,fchmodat,fchownat
            systemd-run --unit=watcher strace -f -y -qq -o /run/trace -e trace=$calls -p $(systemctl show -P MainPID ingotd)
            systemd-run --unit=mallory --uid=mallory --gid=mallory --property=SupplementaryGroups=ingot-producers \\
                python3 /run/hostile.py \(Machine.drop) /srv/foreign 8 3 20000
            """)
        let told = try await machine.run("python3 /run/honest.py \(Machine.drop) 8", as: "alice", within: .seconds(120))
        let honest = try #require(Int(told.split(separator: " ").first ?? ""))
        #expect(honest > 0, "\(told)")
        try await machine.run("systemctl stop watcher mallory || true; systemctl reset-failed")
        #expect(try await machine.property("NRestarts") == "0")
        #expect(try await machine.property("ActiveState") == "active")
        let rows = try await machine.query(
            "select count(*), count(distinct sha256) from registry.models where model_id = 'honest'")
        #expect(rows == "\(honest)|\(honest)")
        let digests = try await machine.run("cut -c 1-64 /run/foreign.before | head -2").split(separator: "\n")
        for digest in digests {
            #expect(try await machine.query("select count(*) from registry.blobs where sha256 = '\(digest)'") == "0")
        }
        try await machine.run(
            """
            cd /srv/foreign
            { sha256sum secret.bin public.bin; stat -c '%n %a %U %s %Y %Z' *; } | cmp - /run/foreign.before
            """)
        #expect(try await machine.run("grep -c '<' /run/trace | awk '{ print ($1 > 500) }'") == "1")
        #expect(try await machine.run("grep -cF '</srv/foreign' /run/trace || true") == "0")
    }

    /// Drops one small model after the other, each when the one before has its receipt; prints how many and how long the slowest took.
    private static let honestProducer = """
        import json, os, sys, time
        drop, seconds = sys.argv[1], float(sys.argv[2])
        end, times = time.monotonic() + seconds, []
        while time.monotonic() < end:
            name = f"honest{len(times)}.bin"
            begin = time.monotonic()
            with open(f"{drop}/{name}", "wb") as file:
                file.write(os.urandom(1000))
            with open(f"{drop}/{name}.manifest.json", "w") as file:
                json.dump({"model_id": "honest", "model_version": str(len(times))}, file)
            while True:
                try:
                    with open(f"{drop}/receipts/{name}.json") as file:
                        if json.load(file)["status"] == "registered":
                            break
                except FileNotFoundError:
                    pass
                if time.monotonic() > begin + 60:
                    sys.exit(f"{name} has no row after a minute")
                time.sleep(0.005)
            times.append(time.monotonic() - begin)
        print(len(times), f"{max(times):.3f}")

        """
}
