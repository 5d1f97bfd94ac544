// Changes directives of an ha.cf and leaves everything else as its author wrote it.
import ClusterConfig

/// An edit of a configuration file's text.
package enum HAConfigEdit {
    /// Every line of a directive says its new value; a directive that has no line gets one at the end. The text need
    /// not be a valid configuration.
    package static func setting(_ values: [(directive: String, value: String)], in bytes: [UInt8]) -> [UInt8] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        // What stands behind the last line feed is no line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (directive, value) in values {
            let line = Array("\(directive) \(value)".utf8)
            var isThere = false
            for index in lines.indices where word(lines[index]) == directive {
                lines[index] = line
                isThere = true
            }
            if !isThere { lines.append(line) }
        }
        return lines.flatMap { $0 + [UInt8(ascii: "\n")] }
    }

    private static func word(_ line: [UInt8]) -> String {
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        let start = line.drop { blanks.contains($0) }
        return String(decoding: start.prefix { !blanks.contains($0) }, as: UTF8.self)
    }
}
