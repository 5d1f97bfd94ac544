// What the reader of the configuration has to say to the administrator: where, what is wrong, what was expected, and
// the way out.

/// One finding about a configuration file.
package struct Diagnostic: Equatable, Sendable {
    package enum Severity: String, Comparable, Sendable {
        /// Worth knowing; does not count in the exit status.
        case note
        /// The daemon starts, but not as the administrator may think.
        case warning
        /// The daemon does not start.
        case error

        private var rank: Int {
            switch self {
            case .note: 0
            case .warning: 1
            case .error: 2
            }
        }

        package static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
    }

    package var severity: Severity
    package var excerpt: Excerpt
    /// What is wrong and what was expected, without a final stop.
    package var message: String
    /// The way out, if one can be named.
    package var help: String?

    package init(_ severity: Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil) {
        self.severity = severity
        self.excerpt = excerpt
        self.message = message
        self.help = help
    }

    package var location: SourceLocation { excerpt.location }

    /// `file:line:column: error: message`: what fits one line of a log.
    package var summary: String {
        let place =
            location.line == 0 ? location.file : "\(location.file):\(location.line):\(location.column)"
        return "\(place): \(severity.rawValue): \(message)"
    }

    /// The summary, the source line with a caret under the text that is meant, and the way out; every line ends in LF.
    package var rendered: String {
        var text = summary + "\n"
        if let line = excerpt.line { text += Diagnostic.quote(line, column: location.column, width: excerpt.width) }
        if let help { text += "help: \(help)\n" }
        return text
    }

    /// Longest part of a source line that is shown, in characters.
    private static let quoteWidthMax = 160

    /// The line and the caret's line. A long line is cut around the column; tabs stay, so that the caret stands right.
    private static func quote(_ line: String, column: Int, width: Int) -> String {
        var shown = Array(line)
        var caret = max(column - 1, 0)
        if shown.count > quoteWidthMax {
            let first = min(max(caret - quoteWidthMax / 2, 0), shown.count - quoteWidthMax)
            shown = Array(shown[first..<first + quoteWidthMax])
            caret -= first
        }
        let pad = shown.prefix(caret).map { $0 == "\t" ? "\t" : " " }.joined()
        let marks = min(max(width, 1), max(shown.count - caret, 1))
        return String(shown) + "\n" + pad + "^" + String(repeating: "~", count: marks - 1) + "\n"
    }
}

extension [Diagnostic] {
    /// Exit status of `heartbeat -n`: 0 clean, 1 warnings, 2 errors. Notes do not count.
    package var exitStatus: Int32 {
        switch map(\.severity).max() {
        case .error: 2
        case .warning: 1
        case .note, nil: 0
        }
    }

    /// Whether there is at least one error.
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// All of them as text, in their order.
    package var rendered: String { map(\.rendered).joined() }
}
