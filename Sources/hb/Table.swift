// Columns that line up, with colour where a person looks at them.
import Admin
import CLinux

/// What a reader is to feel at a glance.
enum Style {
    case plain, heading, good, attention, bad

    /// The parameter of the terminal's "select graphic rendition".
    fileprivate var code: String? {
        switch self {
        case .plain: nil
        case .heading: "1"
        case .good: "32"
        case .attention: "33"
        case .bad: "31"
        }
    }
}

/// Puts styles into text, or leaves them out.
struct Painter {
    let isColoured: Bool

    /// For standard output: colour only for a person, and not against their wish (no-color.org).
    static var ofOutput: Painter {
        let refusal = getenv("NO_COLOR").map { String(cString: $0) } ?? ""
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return Painter(isColoured: refusal.isEmpty && terminal != "dumb" && Terminal.isTerminal(STDOUT_FILENO))
    }

    /// A text without control characters, in a style.
    func paint(_ text: String, _ style: Style) -> String {
        let text = Terminal.printableWord(text)
        guard isColoured, let code = style.code, !text.isEmpty else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

/// Rows of cells below a heading.
struct Table {
    struct Cell {
        var text: String
        var style = Style.plain
    }

    private var rows: [[Cell]]

    init(_ headings: [String]) { rows = [headings.map { Cell(text: $0, style: .heading) }] }

    mutating func add(_ cells: [Cell]) { rows.append(cells) }

    /// Every line ends in LF; the last column is not padded. Empty without rows.
    func text(_ painter: Painter) -> String {
        guard rows.count > 1 else { return "" }
        var widths = [Int](repeating: 0, count: rows[0].count)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.text.count) }
        }
        return rows.map { row in
            let last = row.lastIndex { !$0.text.isEmpty } ?? 0
            return row[...last].enumerated().map { column, cell in
                let pad = column == last ? 0 : widths[column] - cell.text.count + 2
                return painter.paint(cell.text, cell.style) + String(repeating: " ", count: pad)
            }.joined() + "\n"
        }.joined()
    }
}
