// haresources as the scripts of heartbeat 3.0.6 read it: logical lines of words, whatever the words are
// (specs/heartbeat.md 5.1, 5.2).
import CLinux
import ClusterModel
import LinuxSystem

/// The lines of a haresources file.
struct ResourceLines {
    struct Line: Equatable {
        /// Lower case.
        let node: String
        let resources: [String]

        /// As scripts see it: words with one blank behind each.
        var text: String { ([node] + resources).map { $0 + " " }.joined() }
        /// What the line's group is called.
        var key: String { resources.first ?? "" }
    }

    let lines: [Line]

    private static let sizeMax = 1 << 21

    init(path: String) { self.init(text: FileSystem.text(of: path, limit: ResourceLines.sizeMax) ?? "") }

    init(text: String) {
        var lines: [Line] = []
        var joined = ""
        for physical in text.split(separator: "\n", omittingEmptySubsequences: false) {
            joined += physical.prefix { $0 != "#" }
            if joined.hasSuffix("\\") {
                joined.removeLast()
                continue
            }
            let words = joined.split { $0 == " " || $0 == "\t" }.map(String.init)
            if let node = words.first {
                lines.append(Line(node: node.lowercased(), resources: Array(words.dropFirst())))
            }
            joined = ""
        }
        self.lines = lines
    }

    /// The lines whose node is what an extended regular expression says, as a whole, without regard to case; nil where
    /// it is none. The corresponding C function is `regcomp`.
    func ofNode(matching expression: String) -> [Line]? {
        var compiled = regex_t()
        guard regcomp(&compiled, "^\(expression) ", REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0 else { return nil }
        defer { regfree(&compiled) }
        return lines.filter { regexec(&compiled, $0.text, 0, nil, 0) == 0 }
    }

    /// The first line that has a resource.
    func line(with resource: String) -> Line? { lines.first { $0.resources.contains(resource) } }
}
