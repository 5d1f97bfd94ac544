// Broken files of all kinds: nothing may trap, and what is accepted must print and parse back.
import ClusterModel
import Testing

@testable import ClusterConfig

@Suite struct FuzzTests {
    @Test("mutated files never trap, and what is accepted parses back", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let originals = ExampleFiles.texts + [
            Array(CaseFile.goodHAConfig.utf8), Array(CaseFile.goodResources.utf8), Array(CaseFile.goodKeys.utf8),
        ]
        for _ in 0..<60 {
            var case_ = CaseFile()
            case_.facts = ExampleFiles.facts
            let base = Bool.random(using: &random) ? 0 : 3
            case_.files.haConfig.bytes = mutate(originals[base], &random)
            case_.files.resources.bytes = mutate(originals[base + 1], &random)
            case_.files.keys.bytes = mutate(originals[base + 2], &random)
            let (configuration, diagnostics) = ConfigurationReader.read(files: case_.files, facts: case_.facts)
            #expect((configuration == nil) == diagnostics.hasErrors)
            #expect(diagnostics.rendered.unicodeScalars.allSatisfy { $0 >= " " || $0 == "\n" || $0 == "\t" })
            for diagnostic in diagnostics {
                #expect(diagnostic.location.line >= 0 && diagnostic.location.column >= 0)
            }
            guard let configuration else { continue }
            case_.files.haConfig.bytes = Array(ConfigurationPrinter.haConfig(configuration).utf8)
            case_.files.resources.bytes = Array(ConfigurationPrinter.haresources(configuration).utf8)
            let (again, problems) = ConfigurationReader.read(files: case_.files, facts: case_.facts)
            #expect(again != nil, "seed \(seed): \(problems.rendered)")
        }
    }

    /// A few edits: bytes changed, removed, put in; lines doubled, joined, moved between files' words.
    private func mutate(_ original: [UInt8], _ random: inout RandomSource) -> [UInt8] {
        var bytes = original
        let hostile: [[UInt8]] = [
            [0], [0xFF], [0xC3], [13, 10], [0xEF, 0xBB, 0xBF], Array("\\\n".utf8), Array("::".utf8), Array("#".utf8),
            Array("\n99999999999999999999 ".utf8), Array("/".utf8), Array(",".utf8), Array("\t ".utf8),
            Array("é".utf8), [UInt8](repeating: 0x61, count: 6000), Array("1.2.3.4".utf8), Array("\nauth 1\n".utf8),
        ]
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0...4, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &random)))
            case 2: bytes.insert(contentsOf: hostile[Int.random(in: 0..<hostile.count, using: &random)], at: at)
            case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 80)], at: at)
            default: bytes.removeSubrange(at...)
            }
        }
        return bytes
    }
}
