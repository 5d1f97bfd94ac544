// Which addresses may connect (specs/mon.md 3.2, `clientallow`): regular expressions over the whole address, in which a
// dot is a dot.
import CLinux

final class ClientFilter {
    private let patterns: [UnsafeMutablePointer<regex_t>]

    /// nil: one of the words is no regular expression.
    init?(_ text: String) {
        var patterns: [UnsafeMutablePointer<regex_t>] = []
        for word in text.split(separator: " ") {
            let pattern = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
            pattern.initialize(to: regex_t())
            guard regcomp(pattern, ClientFilter.expression(String(word)), REG_EXTENDED | REG_NOSUB) == 0 else {
                pattern.deallocate()
                for done in patterns { ClientFilter.drop(done) }
                return nil
            }
            patterns.append(pattern)
        }
        self.patterns = patterns
    }

    deinit { patterns.forEach(ClientFilter.drop) }

    private static func drop(_ pattern: UnsafeMutablePointer<regex_t>) {
        regfree(pattern)
        pattern.deallocate()
    }

    func allows(_ address: String) -> Bool { patterns.contains { regexec($0, address, 0, nil, 0) == 0 } }

    /// `\d` is Perl's; a dot that no backslash or bracket stands before is meant as one.
    static func expression(_ word: String) -> String {
        var text = "^("
        var last: Character?
        var isEscaped = false
        for character in word {
            switch character {
            case "d" where isEscaped: text = String(text.dropLast()) + "[0-9]"
            case "." where last != "[" && !isEscaped: text += "\\."
            default: text.append(character)
            }
            isEscaped = character == "\\" && !isEscaped
            last = character
        }
        return text + ")$"
    }
}
