// Words as a shell splits them, without its expansions: of monitor and alert lines, and of clients' requests.

/// Splits lines into words.
package enum ShellWords {
    /// Words are separated by blanks and tabs. Single quotes keep all between them; in double quotes and outside, a
    /// backslash stands for the byte behind it. A quote without its end stands for itself: mon gives no words at all
    /// then, and a comment with an apostrophe would be lost.
    package static func split<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [[UInt8]] {
        let line = Array(bytes)
        var words: [[UInt8]] = []
        var word: [UInt8]?
        var at = 0
        while at < line.count {
            let byte = line[at]
            at += 1
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                if let done = word { words.append(done) }
                word = nil
            case UInt8(ascii: "\\"):
                word = (word ?? []) + [at < line.count ? line[at] : byte]
                at += 1
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let end = closing(byte, in: line, from: at) else {
                    word = (word ?? []) + [byte]
                    continue
                }
                word = (word ?? []) + content(line[at..<end], isSingle: byte == UInt8(ascii: "'"))
                at = end + 1
            default: word = (word ?? []) + [byte]
            }
        }
        if let done = word { words.append(done) }
        return words
    }

    /// The same for text.
    package static func split(_ text: String) -> [String] {
        split(text.utf8).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Where the quote ends: at its next one without a backslash before it.
    private static func closing(_ quote: UInt8, in line: [UInt8], from start: Int) -> Int? {
        var at = start
        while at < line.count {
            if line[at] == quote { return at }
            at += line[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    private static func content(_ bytes: ArraySlice<UInt8>, isSingle: Bool) -> [UInt8] {
        if isSingle { return Array(bytes) }
        var text: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            if byte == UInt8(ascii: "\\") && !isEscaped {
                isEscaped = true
            } else {
                text.append(byte)
                isEscaped = false
            }
        }
        return text
    }
}
