import Glibc
import Testing

@Suite struct `The systemd unit` {
    /// 1.5 is what two capabilities and a database in a private network leave; see the unit for each of them.
    @Test(.enabled(if: hasSystemdAnalyze(), "systemd-analyze is not installed"))
    func `is no more exposed than it has to be`() {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let command =
            "systemd-analyze security --offline=true --threshold=15 /\(root)/systemd/ingotd.service >/dev/null"
        let status = unsafe system(command)
        #expect(status == 0)
    }

    @Test func `keeps what the daemon cannot do without`() throws {
        let lines = try contents(of: "systemd/ingotd.service").split(separator: "\n")
        for line in [
            "Type=notify", "OOMPolicy=continue", "LogRateLimitIntervalSec=0", "RestartPreventExitStatus=64 78",
            "AmbientCapabilities=CAP_LEASE CAP_CHOWN", "StartLimitIntervalSec=0",
        ] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        #expect(lines.count { $0.hasPrefix("ReadWritePaths=") } == 1)
        #expect(!lines.contains { $0.hasPrefix("PrivateUsers=yes") || $0.hasPrefix("DynamicUser=yes") })
    }
}

/// Whether the unit can be judged here.
func hasSystemdAnalyze() -> Bool { unsafe access("/usr/bin/systemd-analyze", X_OK) == 0 }
