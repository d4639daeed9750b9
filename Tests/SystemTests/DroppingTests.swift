import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    @Test func `takes what producers drop, whatever their umask and wherever they put it`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.run(
            """
            cd \(Machine.drop)
            manifest() { printf '{"model_id": "umask", "model_version": "%s"}' "$1"; }
            echo open > ~/open.pkl; manifest open > ~/open.json
            umask 022; cp ~/open.pkl open.pkl; cp ~/open.json open.pkl.manifest.json
            umask 077; cp ~/open.pkl private.pkl; manifest private > private.pkl.manifest.json
            made=$(mktemp -p . .XXXXXX); echo made > $made; mv $made made.pkl
            made=$(mktemp -p . .XXXXXX); manifest made > $made; mv $made made.pkl.manifest.json
            for mask in 077 022; do
                umask $mask; mkdir sub$mask
                echo $mask > sub$mask/m.pkl; manifest sub$mask > sub$mask/m.pkl.manifest.json
            done
            """, as: "alice")
        try await machine.registered(5)
        #expect(try await machine.query("select distinct submitted_by, proof from registry.models") == "alice|lease")
        for name in ["open.pkl", "private.pkl", "made.pkl", "sub077/m.pkl", "sub022/m.pkl"] {
            let receipt = try await machine.receipt(of: name, status: "registered")
            #expect(receipt["model_id"] as? String == "umask")
        }
        // Everything has left the drop directory.
        let left = try await machine.run(
            "find \(Machine.drop) -type f -not -path '*/receipts/*' -not -path '*/.claims/.lock'")
        #expect(left == "")
    }

    @Test func `lets readers read blobs, nobody else, and nobody write`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("blob.pkl", model: "blob", content: "the content")
        try await machine.registered(1)
        let row = try await machine.query("select sha256, file_path from registry.models").split(separator: "|")
        let (digest, path) = (row[0], row[1])
        #expect(path.hasSuffix("/sha256/\(digest.prefix(2))/\(digest).pkl"))
        #expect(try await machine.run("stat -c '%a %U:%G' \(path)") == "440 ingot:ingot-readers")
        #expect(try await machine.run("sha256sum < \(path)", as: "bob") == "\(digest)  -")
        for user in ["alice", "carol"] {
            #expect(try await machine.container.attempt("cat \(path)", as: user).status == 1)
        }
        #expect(try await machine.container.attempt("echo x >> \(path)", as: "bob").status == 1)
        #expect(try await machine.container.attempt("rm -f \(path)", as: "bob").status == 1)
    }

    @Test func `gives a rejected model back to its producer, who repairs and drops it again by mv`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.run(
            """
            cd \(Machine.drop)
            echo wrong > wrong.pkl; chmod 600 wrong.pkl
            echo '{"model_id": "wrong", "model_version": }' > wrong.pkl.manifest.json
            """, as: "alice")
        let receipt = try await machine.receipt(of: "wrong.pkl", status: "rejected")
        #expect(receipt["line"] as? Int == 1)
        let place = try #require(receipt["rejected_path"] as? String)
        #expect(try await machine.run("stat -c '%a %U' \(place)/wrong.pkl", as: "alice") == "600 alice")
        #expect(try await machine.run("cat \(place)/reason.json", as: "alice").contains("column"))

        try await machine.run(
            """
            cd '\(place)'
            echo '{"model_id": "wrong", "model_version": "1"}' > wrong.pkl.manifest.json
            mv wrong.pkl wrong.pkl.manifest.json \(Machine.drop)/
            """, as: "alice")
        try await machine.registered(1)
        _ = try await machine.receipt(of: "wrong.pkl", status: "registered")
        let outcomes = try await machine.query("select outcome from registry.submissions order by 1")
        #expect(outcomes == "registered\nrejected")
    }

    @Test func `gives a model that was locked down already back as it was`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("first.pkl", model: "taken", content: "first")
        try await machine.registered(1)
        // The conflict shows when the blob is in the store already and its file is the daemon's.
        try await machine.run(
            """
            cd \(Machine.drop)
            echo second > second.pkl; chmod 640 second.pkl
            echo '{"model_id": "taken", "model_version": "1"}' > second.pkl.manifest.json
            """, as: "alice")
        let receipt = try await machine.receipt(of: "second.pkl", status: "rejected")
        #expect(receipt["code"] as? String == "version_conflict")
        let place = try #require(receipt["rejected_path"] as? String)
        #expect(try await machine.run("stat -c '%a %U' \(place)/second.pkl", as: "alice") == "640 alice")
        try await machine.run("mv \(place)/* ~/ && echo changed >> ~/second.pkl", as: "alice")
        #expect(try await machine.query("select count(*) from registry.models") == "1")
    }
}
