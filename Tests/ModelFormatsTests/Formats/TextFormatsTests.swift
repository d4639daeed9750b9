import ModelFormats
import Testing

@Suite struct `XGBoost and LightGBM` {
    @Test func `the JSON document is described`() throws {
        let inspection = try #require(inspect(Array(Fixtures.xgboost.utf8)))
        #expect(inspection.safety == .noCode)
        #expect(inspection.fact("version") == #""3.2.0""#)
        #expect(inspection.fact("objective") == #""binary:logistic""#)
        #expect(inspection.fact("booster") == #""gbtree""#)
        #expect(inspection.fact("tree_count") == "2")
        #expect(inspection.fact("feature_names") == #"["a","b"]"#)
    }

    @Test func `a JSON document that stops or goes on is damaged`() {
        let text = Fixtures.xgboost
        for count in stride(from: 30, to: text.utf8.count, by: 17) {
            #expect(inspect(Array(text.utf8.prefix(count)))?.damage?.code == "truncated")
        }
        #expect(inspect(Array((text + "{}").utf8))?.damage?.code == "malformed")
    }

    @Test func `the UBJSON document is described`() throws {
        let inspection = try #require(inspect(Fixtures.xgboostUBJ()))
        #expect(inspection.fact("version") == #""3.2.0""#)
        #expect(inspection.fact("tree_count") == "2")
        #expect(inspection.fact("objective") == #""reg:squarederror""#)
    }

    @Test(arguments: [
        Array("[$i#L") + big(Int64(1) << 62), Array("[#L") + big(Int64(1) << 62), Array("[$D#L") + big(Int64.max),
        Array("[#L") + big(Int64.max),
    ]) func `counts that the file has no room for are truncations`(trees: [UInt8]) {
        #expect(inspect(Fixtures.xgboostUBJ(trees: trees))?.damage?.code == "truncated")
    }

    @Test(arguments: [
        Array("[$Z#L") + big(Int64(1) << 62), Array("[$[#U") + [2], Array("{$i#U") + [2], Array("[#L") + big(Int64(-1)),
        Array("[$ii") + [2], [UInt8](repeating: UInt8(ascii: "["), count: 100_000), Array("[x]"),
    ]) func `containers that hide their size or depth are malformed`(trees: [UInt8]) {
        #expect(inspect(Fixtures.xgboostUBJ(trees: trees))?.damage?.code == "malformed")
    }

    @Test func `the old binary format tells its names`() throws {
        let inspection = try #require(inspect(Fixtures.xgboostBinary()))
        #expect(inspection.fact("objective") == #""reg:linear""#)
        #expect(inspection.fact("booster") == #""gbtree""#)
        #expect(inspection.fact("num_feature") == "4")
        #expect(inspect(Fixtures.xgboostBinary(objectiveSize: .max))?.damage?.code == "truncated")
        #expect(inspect(Array("bs64AAAA"))?.safety == .unscannable)
    }

    @Test func `a LightGBM model tells its trees, which must end where their sizes say`() throws {
        let inspection = try #require(inspect(Array(Fixtures.lightgbm().utf8)))
        #expect(inspection.fact("tree_count") == "2")
        #expect(inspection.fact("feature_names") == #"["a","b","c"]"#)
        #expect(inspect(Array(Fixtures.lightgbm(sizes: "14 13").utf8))?.damage?.code == "malformed")
        #expect(inspect(Array(Fixtures.lightgbm(sizes: "14 x").utf8))?.damage?.code == "malformed")
        #expect(inspect(Array(Fixtures.lightgbm(sizes: "14 1400").utf8))?.damage?.code == "truncated")
        let large = "18446744073709551615 18446744073709551615"
        #expect(inspect(Array(Fixtures.lightgbm(sizes: large).utf8))?.damage?.code == "malformed")
        #expect(inspect(Array("tree\nversion=v4\nnum_cl"))?.damage?.code == "truncated")
    }
}

@Suite struct `PMML documents` {
    private func document(_ body: String) -> Inspection? { inspect(Array(body.utf8)) }

    @Test func `version, application and models are told`() throws {
        let inspection = try #require(document(Fixtures.pmml))
        #expect(inspection.fact("version") == #""4.4""#)
        #expect(inspection.fact("application") == #""tests""#)
        #expect(inspection.fact("models") == #"{"TreeModel":1}"#)
        #expect(inspection.fact("data_field_count") == "2")
        #expect(inspection.fact("function") == #""classification""#)
    }

    @Test(arguments: [
        "<?xml version='1.0'?><!DOCTYPE PMML [<!ENTITY a 'b'>]><PMML>&a;</PMML>",
        "<?xml version='1.0'?><!DOCTYPE PMML SYSTEM 'file:///etc/passwd'><PMML/>",
        "<PMML>&unknown;</PMML>", "<PMML a='&x;'/>", "<PMML>&#xD800;</PMML>", "<PMML>&#0;</PMML>",
        "<PMML><a></b></PMML>", "<PMML a='1' a='2'/>", "<PMML a=1/>", "<PMML a='<'/>", "<PMML a='1'b='2'/>",
        "<PMML><" + String(repeating: "x", count: 2000) + "/></PMML>", "<PMML>\u{0}</PMML>",
    ]) func `document types, entities and broken tags are malformed`(text: String) {
        #expect(document(text)?.damage?.code == "malformed")
    }

    @Test func `depth and attributes are bounded`() {
        #expect(document("<PMML>" + String(repeating: "<a>", count: 100_000))?.damage?.code == "malformed")
        let attributes = (0..<2000).map { " a\($0)='x'" }.joined()
        #expect(document("<PMML\(attributes)/>")?.damage?.code == "malformed")
    }

    @Test func `a document that stops is a truncation`() {
        for count in stride(from: 70, to: Fixtures.pmml.utf8.count - 1, by: 13) {
            #expect(inspect(Array(Fixtures.pmml.utf8.prefix(count)))?.damage?.code == "truncated")
        }
    }
}
