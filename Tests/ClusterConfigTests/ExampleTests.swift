// The examples in etc/ha.d and the man pages are the manual: they must be right, and they must be complete.
import ClusterModel
import Testing

@testable import ClusterConfig

/// The files of etc/ha.d.
enum ExampleFiles {
    static let names = ["ha.cf", "haresources", "authkeys"]
    static let texts = names.map { SourceTree.read("\(SourceTree.root)/etc/ha.d/\($0)") ?? [] }
    static let facts = SystemFacts(localNode: "alpha")

    static func read(haConfig: [UInt8] = texts[0], resources: [UInt8] = texts[1]) -> (Configuration?, [Diagnostic]) {
        ConfigurationReader.read(
            files: ConfigurationFiles(
                haConfig: ConfigurationFile(path: "ha.cf", bytes: haConfig),
                resources: ConfigurationFile(path: "haresources", bytes: resources),
                keys: ConfigurationFile(path: "authkeys", bytes: texts[2])), facts: facts)
    }

    /// The lines of a file that begin with a mark, without it.
    static func lines(_ file: Int, marked mark: String) -> [String] {
        String(decoding: texts[file], as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
    }
}

@Suite struct ExampleTests {
    @Test("the examples have no mistakes; only the key that everybody knows is warned of")
    func examplesParse() {
        let (configuration, diagnostics) = ExampleFiles.read()
        #expect(configuration != nil, "\(diagnostics.rendered)")
        let warnings = diagnostics.filter { $0.severity > .note }
        #expect(warnings.map(\.location.file) == ["authkeys"], "\(diagnostics.rendered)")
    }

    @Test("a directive behind # without a blank shows the default: it changes nothing")
    func defaultsAreTrue() throws {
        let defaults = ExampleFiles.lines(0, marked: "#").filter { $0.first?.isLetter ?? false }
        #expect(defaults.count > 20)
        var expected = try #require(ExampleFiles.read().0)
        for line in defaults {
            let (configuration, diagnostics) = ExampleFiles.read(haConfig: ExampleFiles.texts[0] + Array(line.utf8))
            var actual = try #require(configuration, "\(line): \(diagnostics.rendered)")
            actual.parameters = []
            expected.parameters = []
            #expect(actual == expected, "\(line) is not the default")
        }
    }

    @Test("lines behind `# e.g. ` have no mistakes")
    func linesParse() {
        for line in ExampleFiles.lines(0, marked: "# e.g. ") {
            let (configuration, diagnostics) = ExampleFiles.read(haConfig: ExampleFiles.texts[0] + Array(line.utf8))
            #expect(configuration != nil, "\(line): \(diagnostics.rendered)")
        }
        let groups = ExampleFiles.lines(1, marked: "# e.g. ")
        #expect(groups.count > 4)
        let all = ExampleFiles.texts[1] + Array(groups.joined(separator: "\n").utf8)
        let (configuration, diagnostics) = ExampleFiles.read(resources: all)
        #expect(configuration?.groups.count == groups.count + 1, "\(diagnostics.rendered)")
    }

    @Test("every directive occurs in the example and has an item in the man page")
    func directivesAreDocumented() throws {
        let example = String(decoding: ExampleFiles.texts[0], as: UTF8.self)
        let words = Set(example.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
        let page = try #require(SourceTree.text("\(SourceTree.root)/Resources/man/ha.cf.5"))
        let items = Set(
            page.split(separator: "\n").filter { $0.hasPrefix(".It Ic ") }
                .map { String($0.split(separator: " ")[2]) })
        for directive in HADirective.allCases {
            #expect(words.contains(directive.rawValue), "etc/ha.d/ha.cf does not name \(directive.rawValue)")
            #expect(items.contains(directive.rawValue), "ha.cf.5 has no item for \(directive.rawValue)")
        }
    }

    @Test("every directive is taken by the parser, with or without a value")
    func directivesAreApplied() {
        for directive in HADirective.allCases {
            for values in ["", " 1", " x y z"] {
                let files = CaseFile(haConfig: CaseFile.goodHAConfig + directive.rawValue + values + "\n")
                let (_, diagnostics) = ConfigurationReader.read(files: files.files, facts: files.facts)
                #expect(!diagnostics.contains { $0.message.contains("unknown directive") })
                if values.isEmpty { #expect(!diagnostics.isEmpty, "\(directive.rawValue) without a value passed") }
            }
        }
    }
}
