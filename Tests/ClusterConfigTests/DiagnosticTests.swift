// What the checker says, compared to the letter. REWRITE=1 in the environment writes the expected files anew.
import ClusterConfig
import Glibc
import Testing

@Suite struct DiagnosticTests {
    static let names = SourceTree.names(in: SourceTree.cases, suffix: ".in")

    @Test("every case gives exactly the diagnostics that its file holds", arguments: names)
    func caseFile(name: String) throws {
        let input = try #require(SourceTree.text("\(SourceTree.cases)/\(name).in"))
        let outcome = CaseFile(parsing: input).outcome
        let expected = "\(SourceTree.cases)/\(name).diag"
        if getenv("REWRITE") != nil { SourceTree.write(outcome, to: expected) }
        #expect(outcome == SourceTree.text(expected), "\(name)")
    }

    @Test("there are cases, and no expectation without one")
    func casesAreComplete() {
        #expect(DiagnosticTests.names.count > 20)
        #expect(SourceTree.names(in: SourceTree.cases, suffix: ".diag") == DiagnosticTests.names)
    }

    @Test("a long line is quoted around the column")
    func longLine() {
        let line = String(repeating: "x", count: 500)
        let excerpt = Excerpt(
            location: SourceLocation(file: "f", line: 1, column: 300), text: "xx", width: 2, line: line)
        let lines = Diagnostic(.error, excerpt, "m").rendered.split(separator: "\n")
        #expect(lines[1].count == 160)
        #expect(lines[2] == String(repeating: " ", count: 80) + "^~")
    }

    @Test("exit status: notes do not count, errors outweigh warnings")
    func exitStatus() {
        let excerpt = Excerpt(file: "f")
        let note = Diagnostic(.note, excerpt, "n")
        let warning = Diagnostic(.warning, excerpt, "w")
        let error = Diagnostic(.error, excerpt, "e")
        #expect([Diagnostic]().exitStatus == 0)
        #expect([note].exitStatus == 0)
        #expect([note, warning].exitStatus == 1)
        #expect([warning, error, note].exitStatus == 2)
    }

    @Test("no diagnostic shows a key, whatever is wrong with its line")
    func keysStaySecret() {
        let secret = "hunter2-hunter2"
        let lines = [
            "\(secret)", "1 \(secret)", "1 sha256 a \(secret)", "x \(secret)", "16 sha1 \(secret)", "auth \(secret)",
            "1 sah1 \(secret)", "1 crc \(secret)", "ahth \(secret)", "1 sha1 \(secret)\n1 md5 \(secret)",
            "1 md5 \(secret)\u{0}",
        ]
        for line in lines {
            let outcome = CaseFile(keys: "auth 1\n\(line)\n").outcome
            #expect(!outcome.contains("hunter2"), "\(line): \(outcome)")
        }
    }
}
