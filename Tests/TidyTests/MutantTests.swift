import Testing

@Suite("Mutants")
struct MutantTests {
    @Test("every mutant's old text occurs exactly once in the sources, and its new text is another")
    func applies() throws {
        let mutants = SourceTree.files.filter { $0.path.hasPrefix("Tests/Mutants/") && $0.path.hasSuffix(".mutant") }
        #expect(mutants.count >= 10)
        for mutant in mutants {
            let path = mutant.lines.dropFirst().first ?? ""
            let file = try #require(SourceTree.sources.first { $0.path == path }, "\(mutant.path) names \(path)")
            let old = part(mutant, "--- old", "--- new")
            #expect(!old.isEmpty && old != part(mutant, "--- new", "--- end"), "\(mutant.path)")
            let pieces = occurrences(of: Array(old.utf8), in: Array(file.lines.joined(separator: "\n").utf8))
            #expect(pieces == 1, "\(mutant.path): \(pieces) times in \(path)")
        }
    }

    private func part(_ mutant: SourceFile, _ from: String, _ to: String) -> String {
        mutant.lines.drop { $0 != from }.dropFirst().prefix { $0 != to }.joined(separator: "\n")
    }

    private func occurrences(of wanted: [UInt8], in text: [UInt8]) -> Int {
        guard !wanted.isEmpty, text.count >= wanted.count else { return 0 }
        return (0...text.count - wanted.count).count { start in
            text[start] == wanted[0] && text[start..<start + wanted.count].elementsEqual(wanted)
        }
    }
}
