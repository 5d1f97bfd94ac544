import LinuxSystem
import Testing

@Suite("House rules")
struct HouseRuleTests {
    private static let pure = [
        "ClusterModel", "Messaging", "ClusterConfig", "ClusterCore", "Failovers", "Monitoring", "MonitorConfig",
        "Simulation", "Timeliness",
    ]

    private func complaints(_ files: [SourceFile], _ judge: (String) -> String?) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().compactMap { index, line in
                judge(line).map { "\(file.path):\(index + 1): \($0)" }
            }
        }
    }

    @Test("the tree is there to be judged")
    func tree() {
        #expect(SourceTree.sources.count > 100)
    }

    @Test("pure targets import nothing that touches the system, and hash nothing that they iterate over")
    func purity() {
        let files = SourceTree.sources.filter { HouseRuleTests.pure.contains($0.module) }
        let imports = complaints(files) { line in
            guard line.hasPrefix("import ") else { return nil }
            let name = String(line.dropFirst(7))
            return HouseRuleTests.pure.contains(name) ? nil : "imports \(name)"
        }
        #expect(imports == [])
        let deciding = ["ClusterModel", "ClusterCore", "Monitoring", "Simulation", "Timeliness"]
        let decisions = files.filter { deciding.contains($0.module) }
        let hashes = complaints(decisions) { line in
            ["Set<", "Dictionary", "[String: ", "[Int: ", "SystemRandomNumberGenerator", ".random()", ".shuffled()"]
                .first { line.contains($0) && !line.contains("//") }.map { "uses \($0)" }
        }
        #expect(hashes == [])
    }

    @Test("nothing of Foundation, nothing that traps on input, nothing left for later")
    func banned() {
        let words = ["import Foundation", "import Dispatch", "try!", " as! ", "fatalError(", "usleep(", "Thread.sleep"]
        #expect(complaints(SourceTree.sources) { line in words.first { line.contains($0) } } == [])
        let later = ["TO" + "DO", "FIX" + "ME"]
        #expect(complaints(SourceTree.files) { line in later.first { line.contains($0) } } == [])
        let ending = ["pki" + "ll ", "kill" + "all "]
        #expect(complaints(SourceTree.files) { line in ending.first { line.contains($0) } } == [])
    }

    @Test("lines have at most 120 columns, files at most 500 lines")
    func sizes() {
        let swift = SourceTree.files.filter(\.isSwift)
        #expect(complaints(swift) { $0.count > 120 ? "\($0.count) columns" : nil } == [])
        #expect(swift.filter { $0.lines.count > 500 }.map { "\($0.path): \($0.lines.count) lines" } == [])
    }

    @Test("every file says what its duty is, and every type and function of the package what it guarantees")
    func documented() {
        for file in SourceTree.sources {
            let first = file.lines.first ?? ""
            #expect(first.hasPrefix("//"), "\(file.path) begins without its duty")
            for (index, line) in file.lines.enumerated() {
                let text = line.drop { $0 == " " }
                let starts = ["package struct", "package enum", "package final class", "package protocol"]
                guard starts.contains(where: text.hasPrefix), index > 0 else { continue }
                var above = index - 1
                while above > 0, file.lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
                let documented = file.lines[above].drop { $0 == " " }.hasPrefix("///")
                #expect(documented, "\(file.path):\(index + 1): \(text) is not documented")
            }
        }
    }

    @Test("every rule of protocol.md is cited by a test, and tests cite no others")
    func rules() throws {
        let page = try #require(SourceTree.files.first { $0.path == "Resources/doc/protocol.md" })
        let rules = page.lines.compactMap { line in
            line.hasPrefix("**") ? line.dropFirst(2).prefix { $0.isLetter || $0.isNumber } : nil
        }.map(String.init)
        #expect(rules.count > 40)
        #expect(Set(rules).count == rules.count)
        var cited: Set<String> = []
        for line in SourceTree.files.filter({ $0.isSwift && $0.path.hasPrefix("Tests/") }).flatMap(\.lines) {
            // `@Test("W1, W2: ...`, or the same on a line of its own.
            guard let quote = line.firstIndex(of: "\""), line[..<quote].allSatisfy({ $0 == " " })
                || line[..<quote].hasSuffix("@Test("), let colon = line[quote...].firstIndex(of: ":")
            else { continue }
            let words = line[quote..<colon].dropFirst().split { $0 == "," || $0 == " " }
            cited.formUnion(words.map(String.init).filter { word in
                ["W", "R", "E", "D"].contains { word.hasPrefix($0) } && Int(word.dropFirst()) != nil
            })
        }
        let missing = Set(rules).subtracting(cited).sorted()
        #expect(missing == [], "no test cites them")
        #expect(cited.subtracting(rules).sorted() == [], "there are no such rules")
    }

    @Test("every program has a manual page")
    func manuals() {
        let pages = SourceTree.files.map(\.path).filter { $0.hasPrefix("Resources/man/") }
        for page in ["heartbeat.8", "hb.1", "hb_standby.1", "hb_takeover.1", "cl_status.1", "send_arp.8", "ha.cf.5",
            "haresources.5", "authkeys.5", "mon.8", "mon.cf.5"]
        {
            #expect(pages.contains("Resources/man/" + page), "\(page) is missing")
        }
    }
}
