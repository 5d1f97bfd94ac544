// A configuration file as lines and words. Works on bytes, because a key or a comment need not be UTF-8; whatever the
// bytes are, there is a line number and a column for them.

/// A file's bytes, cut into lines.
struct SourceText: Sendable {
    let path: String
    /// Without line ends (LF, CRLF) and without a byte order mark.
    let lines: [ArraySlice<UInt8>]

    /// Longest line, in bytes, as in heartbeat 3.0.6 (specs/heartbeat.md 1.5).
    static let lineLengthMax = 5119
    /// Largest file, in bytes; what is longer is no configuration.
    static let sizeMax = 1 << 20

    init(path: String, bytes: [UInt8]) {
        self.path = path
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        self.lines = lines.map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
    }
}

/// One line as the grammar sees it: a line of the file, or several joined by a backslash at the end.
struct LogicalLine: Sendable {
    /// A line of the file that this one is made of, and where it begins in `bytes`.
    struct Piece: Sendable {
        var number: Int
        var bytes: ArraySlice<UInt8>
        var start: Int
    }

    let path: String
    private(set) var pieces: [Piece]
    private(set) var bytes: [UInt8]
    /// Words that must never be shown: keys, passwords.
    var masked: [Word] = []

    init(path: String, number: Int, bytes: ArraySlice<UInt8>) {
        self.path = path
        self.pieces = [Piece(number: number, bytes: bytes, start: 0)]
        self.bytes = Array(bytes)
    }

    /// Number of the line's first line in the file, from 1.
    var number: Int { pieces.first?.number ?? 0 }

    /// Removes the backslash at the end and puts the next line of the file behind.
    mutating func join(number: Int, bytes next: ArraySlice<UInt8>) {
        bytes.removeLast()
        pieces.append(Piece(number: number, bytes: next, start: bytes.count))
        bytes += next
    }

    /// Where the comment begins, or the end of the line.
    var commentStart: Int { bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.count }

    /// The words before an offset, separated by blanks, tabs and whatever else `isSeparator` names.
    func words(before end: Int, isSeparator: (UInt8) -> Bool) -> [Word] {
        var words: [Word] = []
        var start: Int?
        for offset in 0...end {
            let separates = offset == end || isBlank(bytes[offset]) || isSeparator(bytes[offset])
            if separates, let begin = start {
                words.append(Word(bytes: bytes[begin..<offset]))
                start = nil
            } else if !separates, start == nil {
                start = offset
            }
        }
        return words
    }

    /// What a diagnostic shows for a word.
    func excerpt(_ word: Word) -> Excerpt { excerpt(word.bytes.startIndex..<word.bytes.endIndex) }

    /// What a diagnostic shows for a range of `bytes`.
    func excerpt(_ range: Range<Int>) -> Excerpt {
        let piece = pieces.last { $0.start <= range.lowerBound } ?? pieces[0]
        var shown = Array(piece.bytes)
        for word in masked {
            for offset in word.bytes.indices where offset >= piece.start && offset - piece.start < shown.count {
                shown[offset - piece.start] = UInt8(ascii: "*")
            }
        }
        let begin = min(range.lowerBound - piece.start, shown.count)
        let end = min(range.upperBound - piece.start, shown.count)
        let text = printable(shown[begin..<end])
        let column = printable(shown[..<begin]).count + 1
        return Excerpt(
            location: SourceLocation(file: path, line: piece.number, column: column), text: text, width: text.count,
            line: printable(shown[...]))
    }
}

/// Bytes of a logical line between two separators. The indices of `bytes` are those of the line.
struct Word: Equatable, Sendable {
    let bytes: ArraySlice<UInt8>

    /// As text; what is not UTF-8 or cannot be shown is replaced.
    var text: String { printable(bytes) }

    /// Whether `text` is exactly what the file says.
    var isClean: Bool { Array(text.utf8) == Array(bytes) }

    /// A part of the word, by its offsets in the word.
    func range(_ part: Range<Int>) -> Range<Int> {
        bytes.startIndex + part.lowerBound..<bytes.startIndex + part.upperBound
    }
}

func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

/// Text that is safe on a terminal: control characters and broken UTF-8 become U+FFFD, tabs stay.
private func printable(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        let isControl = scalar.value < 0x20 && scalar != "\t" || (0x7F...0x9F).contains(scalar.value)
        text.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return text
}

extension String {
    /// Lower case as heartbeat 3.0.6 makes it: ASCII letters only.
    var asciiLowercased: String {
        String(decoding: utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
