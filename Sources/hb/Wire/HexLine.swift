// A line of hexadecimal digits, as `hb wire --hex` takes it.

/// What a line of text holds.
enum HexLine {
    /// Nothing: empty, or a comment.
    case empty
    /// A message, and what stood before it.
    case message(label: String, bytes: [UInt8])
    case wrong(String)

    /// Blank lines and those that begin with `#` are empty. Behind the last tab stand hexadecimal digits, blanks may
    /// stand between bytes; what stands before the last tab is a label. The header of an ICMP echo before a message is
    /// passed over.
    init(_ line: [UInt8]) {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == 13 }
        guard let first = line.firstIndex(where: { !isBlank($0) }), line[first] != UInt8(ascii: "#") else {
            self = .empty
            return
        }
        let end = (line.lastIndex { !isBlank($0) } ?? first) + 1
        let text = line[first..<end]
        let tab = text.lastIndex(of: UInt8(ascii: "\t"))
        let digits = tab.map { text[($0 + 1)...] } ?? text
        let label = tab.map { String(decoding: text[..<$0].map { $0 == 9 ? 32 : $0 }, as: UTF8.self) } ?? ""
        var bytes: [UInt8] = []
        var high: UInt8?
        for (index, byte) in zip(digits.indices, digits) {
            if byte == UInt8(ascii: " ") {
                guard high == nil else {
                    self = .wrong("column \(index + 1): a blank within a byte")
                    return
                }
                continue
            }
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init), byte < 128 else {
                self = .wrong(
                    "column \(index + 1): not a hexadecimal digit; what is no message must stand before a tab")
                return
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else {
            self = .wrong("column \(end): half a byte")
            return
        }
        let hasHeader = bytes.count > 8 && !MessageStart.isPresent(bytes[...]) && MessageStart.isPresent(bytes[8...])
        self = .message(label: label, bytes: hasHeader ? Array(bytes[8...]) : bytes)
    }
}
