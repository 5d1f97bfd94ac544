// mon.cf as lines (specs/mon.md 3.1): comments gone, blanks at both ends stripped, continued lines joined; and for
// every byte of them the place in the file that it came from.
import ClusterConfig

/// One line as the grammar sees it.
struct ConfigLine {
    /// A line of the file that this one is made of.
    private struct Piece {
        var number: Int
        var text: [UInt8]
        /// Where the stripped text begins in `text`.
        var indent: Int
        /// Where it begins in `bytes`.
        var start: Int
    }

    let path: String
    private(set) var bytes: [UInt8] = []
    private var pieces: [Piece] = []

    /// Nothing but blanks: the end of a record.
    var isBlank: Bool { bytes.isEmpty }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Number of its first line in the file.
    var number: Int { pieces.first?.number ?? 0 }

    /// What a diagnostic shows for a range of `bytes`; the whole line where it is empty.
    func excerpt(_ range: Range<Int>? = nil) -> Excerpt {
        let range = range ?? 0..<bytes.count
        guard let piece = pieces.last(where: { $0.start <= range.lowerBound }) else { return Excerpt(file: path) }
        let offset = min(piece.indent + range.lowerBound - piece.start, piece.text.count)
        let end = min(max(offset, piece.indent + range.upperBound - piece.start), piece.text.count)
        let shown = ConfigLine.printable(piece.text[offset..<end])
        let column = ConfigLine.printable(piece.text[..<offset]).count + 1
        return Excerpt(
            location: SourceLocation(file: path, line: piece.number, column: column), text: shown,
            width: max(shown.count, 1), line: ConfigLine.printable(piece.text[...]))
    }

    /// The words, separated by blanks, with their places.
    var words: [ConfigWord] { words(from: 0) }

    /// The words from a byte on.
    func words(from start: Int) -> [ConfigWord] {
        var words: [ConfigWord] = []
        var begin: Int?
        for at in start...max(start, bytes.count) {
            let separates = at >= bytes.count || ConfigLine.isSpace(bytes[at])
            if separates, let first = begin {
                words.append(ConfigWord(text: String(decoding: bytes[first..<at], as: UTF8.self), range: first..<at))
                begin = nil
            } else if !separates, begin == nil {
                begin = at
            }
        }
        return words
    }

    /// Everything from a byte on, without blanks before it, and where it begins.
    func rest(from start: Int) -> ConfigWord {
        var begin = min(start, bytes.count)
        while begin < bytes.count, ConfigLine.isSpace(bytes[begin]) { begin += 1 }
        return ConfigWord(text: String(decoding: bytes[begin...], as: UTF8.self), range: begin..<bytes.count)
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

    /// Text that is safe on a terminal.
    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F...0x9F).contains(scalar.value)
            text.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
        }
        return text
    }

    // MARK: From a file

    private init(path: String) { self.path = path }

    /// Every line of a file in its order; blank ones too, comments not.
    static func lines(of bytes: [UInt8], path: String) -> [ConfigLine] {
        var lines: [ConfigLine] = []
        var open: ConfigLine?
        for (index, raw) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let text = Array(raw)
            let indent = text.firstIndex { !isSpace($0) } ?? text.count
            if indent < text.count, text[indent] == UInt8(ascii: "#") { continue }
            var end = text.count
            while end > indent, isSpace(text[end - 1]) { end -= 1 }
            let continues = end > indent && text[end - 1] == UInt8(ascii: "\\")
            if continues { end -= 1 }
            var line = open ?? ConfigLine(path: path)
            line.pieces.append(Piece(number: index + 1, text: text, indent: indent, start: line.bytes.count))
            line.bytes += text[indent..<end]
            open = continues ? line : nil
            if !continues { lines.append(line.stripped) }
        }
        if let open { lines.append(open.stripped) }
        return lines
    }

    /// Without the blanks that a backslash at the end leaves before it.
    private var stripped: ConfigLine {
        var line = self
        while let last = line.bytes.last, ConfigLine.isSpace(last) { line.bytes.removeLast() }
        return line
    }
}

/// A part of a line.
struct ConfigWord {
    var text: String
    /// In the line's bytes.
    var range: Range<Int>
}
