// Changes directives of an ha.cf and leaves everything else as its author wrote it.
import ClusterConfig

/// An edit of a configuration file's text.
package enum HAConfigEdit {
    /// Every line of a directive says its new value, and keeps its indentation and its comment; a directive that has no
    /// line gets one at the end. The text need not be a valid configuration.
    package static func setting(_ values: [(directive: String, value: String)], in bytes: [UInt8]) -> [UInt8] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        // What stands behind the last line feed is no line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (directive, value) in values {
            let statement = Array("\(directive) \(value)".utf8)
            var isThere = false
            for index in lines.indices {
                guard let place = place(of: directive, in: lines[index]) else { continue }
                lines[index].replaceSubrange(place, with: statement)
                isThere = true
            }
            if !isThere { lines.append(statement) }
        }
        return lines.flatMap { $0 + [UInt8(ascii: "\n")] }
    }

    /// From the directive to the end of its last value, by the same bytes that separate words for the parser; nil where
    /// the line is of another one.
    private static func place(of directive: String, in line: [UInt8]) -> Range<Int>? {
        let code = line.prefix { $0 != UInt8(ascii: "#") }
        guard let start = code.firstIndex(where: { !separates($0) }),
            let last = code.lastIndex(where: { !separates($0) })
        else { return nil }
        let word = code[start...].prefix { !separates($0) }
        return word.elementsEqual(directive.utf8) ? start..<last + 1 : nil
    }

    private static func separates(_ byte: UInt8) -> Bool { Array(" \t\r,".utf8).contains(byte) }
}
