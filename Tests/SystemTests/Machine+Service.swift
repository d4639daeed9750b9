import Foundation
import TestKit
import Vocabulary

/// The service on the machine.
extension Machine {
    /// Runs a script as root, or as somebody else; throws when it fails.
    @discardableResult
    func run(_ script: String, as user: String? = nil, within limit: Duration = .seconds(60)) async throws -> String {
        try await container.run(script, as: user, within: limit)
    }

    /// Starts the service: returns when it has said that it is ready.
    func start() async throws {
        do {
            try await run("systemctl start ingotd")
        } catch {
            throw ContainerError(message: "ingotd does not start", console: await story())
        }
    }

    /// A property of the unit, systemctl(1) show.
    func property(_ name: String) async throws -> String {
        try await run("systemctl show ingotd --value --property \(name)")
    }

    /// Changes settings of the unit, as `systemctl edit ingotd` does.
    func edit(_ section: String) async throws {
        try container.write("\(section)\n", to: "/etc/systemd/system/ingotd.service.d/override.conf")
        try await run("systemctl daemon-reload")
    }

    /// Replaces text of the configuration.
    func configure(_ old: String, _ new: String) async throws {
        let path = "/etc/ingot/ingot.yaml"
        let text = try await run("cat \(path)")
        guard text.contains(old) else { throw ContainerError(message: "no \(old) in \(path)", console: text) }
        try container.write(text.replacingOccurrences(of: old, with: new) + "\n", to: path)
    }

    /// Waits; when it is in vain, the error tells what the service said.
    func until(
        _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
    ) async throws {
        guard try await !eventually(within: limit, condition) else { return }
        throw ContainerError(message: "not within \(limit): \(what())", console: await story())
    }

    /// Waits until the line that `systemctl status` shows has a text in it.
    ///
    /// - Returns: the line.
    @discardableResult
    func status(contains text: String) async throws -> String {
        var line = ""
        try await until("STATUS contains “\(text)”, but is “\(line)”") {
            line = try await property("StatusText")
            return line.contains(text)
        }
        return line
    }

    /// What systemd and the journal have to say, for an error.
    private func story() async -> String {
        let script = """
            systemctl status ingotd --no-pager --lines=0 || true
            find /srv/ingot | sort | head -40
            journalctl --since "$(cat /run/begun)" --unit ingotd --lines=40 --output=short-precise
            """
        return (try? await container.attempt(script))?.output ?? ""
    }
}

// MARK: The registry

extension Machine {
    /// The answer to a query, one line a row, `|` between columns.
    func query(_ sql: String) async throws -> String {
        let quoted = sql.replacingOccurrences(of: "'", with: #"'\''"#)
        return try await run("runuser -u postgres -- psql -XAtq -d ingot -c '\(quoted)'")
    }

    /// Waits until so many versions are registered.
    func registered(_ count: Int, within limit: Duration = .seconds(60)) async throws {
        var found = ""
        try await until("\(count) versions registered, but \(found)", within: limit) {
            // Before the daemon has made the schema there is no such table.
            found = (try? await query("select count(*) from registry.models")) ?? "no table"
            return found == "\(count)"
        }
    }
}

// MARK: The journal

extension Machine {
    /// The records that the service wrote in this test.
    ///
    /// - Parameter filter: `FIELD=value` …, journalctl(1).
    func journal(_ filter: String = "") async throws -> [[String: String]] {
        let lines = try await run(
            """
            journalctl --sync
            journalctl --unit ingotd --since "$(cat /run/begun)" --quiet --all --output=json \(filter)
            """)
        return try lines.split(separator: "\n").map { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return (record as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
        }
    }

    /// Waits for records of one kind.
    func records(_ event: String, count: Int = 1) async throws -> [[String: String]] {
        var found: [[String: String]] = []
        try await until("\(count) records of \(event)") {
            found = try await journal("INGOT_EVENT=\(event)")
            return found.count >= count
        }
        return found
    }
}

// MARK: Producers

extension Machine {
    static let drop = "/srv/ingot/drop"

    /// Drops a model the way producers do: cp, payload first.
    func drop(
        _ name: String, model: String, version: String = "1", content: String, as user: String = "alice"
    ) async throws {
        try await run(
            """
            work=$(mktemp -d); cd "$work"
            printf '%s' '\(content)' > '\(name)'
            printf '{"model_id": "\(model)", "model_version": "\(version)"}' > '\(name).manifest.json'
            cp '\(name)' \(Self.drop)/
            cp '\(name).manifest.json' \(Self.drop)/
            """, as: user)
    }

    /// A receipt, as a producer reads it; `nil` as long as there is none.
    func receipt(of name: String, as user: String = "alice") async throws -> [String: Any]? {
        let answer = try await container.attempt("cat '\(Self.drop)/receipts/\(name).json'", as: user)
        guard answer.status == 0 else { return nil }
        return try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    }

    /// Waits for a receipt with a status.
    func receipt(of name: String, status: String, as user: String = "alice") async throws -> [String: Any] {
        var found: [String: Any] = [:]
        try await until("the receipt of \(name) says \(status)") {
            found = try await receipt(of: name, as: user) ?? [:]
            return found["status"] as? String == status
        }
        return found
    }
}
