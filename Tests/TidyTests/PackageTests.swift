import Testing

/// A target as Package.swift declares it.
private struct DeclaredTarget {
    let name: String
    /// Where its files are, relative to the project's folder.
    let folder: String
    let dependencies: [String]

    /// All targets, read from the text of Package.swift: what stands between one `name: "` and the next.
    static func all(in manifest: SourceFile) -> [DeclaredTarget] {
        let pieces = manifest.lines.joined(separator: " ").split(separator: "name: \"")
        return zip(pieces, pieces.dropFirst()).compactMap { before, piece in
            let opening = before.split(separator: " ").last ?? ""
            let kinds = [".target(", ".executableTarget(", ".testTarget(", ".systemLibrary("]
            guard kinds.contains(where: opening.hasSuffix) else { return nil }
            let name = String(piece.prefix { $0 != "\"" })
            let list = piece.split(separator: "dependencies: [", maxSplits: 1).dropFirst().first?.prefix { $0 != "]" }
            let path = piece.split(separator: "path: \"", maxSplits: 1).dropFirst().first?.prefix { $0 != "\"" }
            return DeclaredTarget(
                name: name,
                folder: path.map(String.init) ?? (opening == ".testTarget(" ? "Tests/" : "Sources/") + name,
                dependencies: (list ?? "").split { ", \"".contains($0) }.map(String.init))
        }
    }
}

extension SourceFile {
    /// The modules that it imports, in whatever way.
    fileprivate var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count, !line.hasPrefix(" "),
                words[..<index].allSatisfy({ $0.hasPrefix("@") || ["package", "public", "internal"].contains($0) })
            else { return nil }
            return String(words[index + 1])
        }
    }
}

@Suite("The package")
struct PackageTests {
    @Test("a target declares the targets that its files import, and no others")
    func dependencies() throws {
        let targets = DeclaredTarget.all(in: try #require(SourceTree.files.first { $0.path == "Package.swift" }))
        let names = targets.map(\.name)
        #expect(targets.count > 60)
        #expect(Set(names).count == names.count)
        var complaints: [String] = []
        for target in targets {
            let files = SourceTree.files.filter { $0.path.hasPrefix(target.folder + "/") }
            if files.isEmpty { complaints.append("\(target.name) has no files in \(target.folder)") }
            var imported: Set<String> = []
            for file in files where file.isSwift {
                for name in file.imports where names.contains(name) {
                    if imported.insert(name).inserted, !target.dependencies.contains(name) {
                        complaints.append("\(target.name) does not declare \(name), which \(file.path) imports")
                    }
                }
            }
            for name in target.dependencies where !imported.contains(name) {
                complaints.append("\(target.name) declares \(name), which none of its files imports")
            }
        }
        #expect(complaints == [])
    }
}
