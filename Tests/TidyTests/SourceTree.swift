// The project's own files, as text.
import LinuxSystem

struct SourceFile {
    /// Relative to the project's folder.
    let path: String
    let lines: [String]

    var isSwift: Bool { path.hasSuffix(".swift") }
    var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }
}

enum SourceTree {
    static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Every text file below the folders that hold the project's own work.
    static let files: [SourceFile] = ["Sources", "Tests", "Resources", "etc", ".ci"].flatMap(files(in:))
        + ["README.md", "Makefile", "Package.swift"].compactMap(file)

    static var sources: [SourceFile] { files.filter { $0.isSwift && $0.path.hasPrefix("Sources/") } }

    private static func files(in folder: String) -> [SourceFile] {
        FileSystem.names(in: root + "/" + folder).sorted().flatMap { name -> [SourceFile] in
            let path = folder + "/" + name
            if name == "Fixtures" || name == "Cases" { return [] }
            if FileSystem.kind(of: root + "/" + path) == .directory { return files(in: path) }
            return [file(path)].compactMap { $0 }
        }
    }

    private static func file(_ path: String) -> SourceFile? {
        FileSystem.text(of: root + "/" + path, limit: 1 << 20).map {
            SourceFile(path: path, lines: $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }
}
