// What programs write for people: whole texts at once, without anything that could move a terminal's cursor.
import CLinux

/// Standard output and standard error.
package enum Terminal {
    /// Writes a text to standard output. False: it could not be written wholly.
    @discardableResult
    package static func print(_ text: String) -> Bool { write(text, to: STDOUT_FILENO) }

    /// Writes a text to standard error.
    package static func complain(_ text: String) { _ = write(text, to: STDERR_FILENO) }

    /// Whether a person reads what is written to a descriptor. The corresponding C function is `isatty`.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// The text with everything replaced by `?` that a terminal could take for a command, or that hides what stands
    /// there: control characters but LF and tab, and marks that turn the direction of writing.
    package static func printable(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar == "\n" || scalar == "\t" || !isControl(scalar) ? scalar : "?")
        }
        return String(result)
    }

    /// As `printable`, for a text within a line: LF and tab are replaced too.
    package static func printableWord(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "?" : scalar) }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { CLinux.write(descriptor, $0.baseAddress, $0.count) }
            if count == -1, cl_errno() == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
