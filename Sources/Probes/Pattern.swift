// Regular expressions over bytes that a server sends: POSIX extended ones, from the C library.
import CLinux

/// Why a text is no regular expression.
struct PatternError: Error {
    var reason: String
}

/// A compiled regular expression; `^` and `$` match at the ends of lines.
final class Pattern {
    let text: String
    private var compiled = regex_t()

    init(_ text: String) throws(PatternError) {
        self.text = text
        let code = regcomp(&compiled, text, Int32(REG_EXTENDED | REG_NEWLINE))
        guard code == 0 else {
            var reason = [CChar](repeating: 0, count: 128)
            regerror(code, &compiled, &reason, reason.count)
            throw PatternError(reason: String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
        }
    }

    deinit { regfree(&compiled) }

    /// Whether it matches anywhere; NUL counts as any other byte.
    func matches(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(clamping: buffer.count))
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard let start else { return regexec(&compiled, "", 0, nil, 0) == 0 }
            return regexec(&compiled, start, 1, &range, Int32(REG_STARTEND)) == 0
        }
    }
}
