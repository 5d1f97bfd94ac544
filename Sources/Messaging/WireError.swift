// Why bytes are not a message, or a message cannot be written: what was wrong, at which byte, what should have been
// there.

/// One mistake in a wire text.
package struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of mistakes; raw values are stable words for counters and logs.
    package enum Kind: String, Sendable, CaseIterable {
        /// The text begins with neither `###` nor `>>>`.
        case format
        /// The text ends, or its enclosing value does, before the message does.
        case truncated
        /// Longer than a message may be.
        case oversized
        /// A byte that cannot stand where it stands.
        case syntax
        /// Messages nested deeper than `WireLimit.nestingDepth`.
        case nesting
        /// More fields than `WireLimit.fieldCount`.
        case fields
        /// A field's name is empty, too long, or not printable ASCII without `=`.
        case name
        /// A field's type is not a digit from 0 to 5, or is missing.
        case type
        /// A value that its type or the format does not allow.
        case value
        /// A digest's text is not `<number> <digest>`.
        case signature
        /// A compressed value that is damaged, of an unknown algorithm, or holds more than
        /// `WireLimit.uncompressedSize`; or a text too large for its carrier that cannot be compressed.
        case compression
    }

    /// What kind of mistake it is.
    package let kind: Kind
    /// Position of the offending byte from the start of the text, from 0; when writing, where the field begins.
    package let offset: Int
    /// What should have been there, in words for a log line.
    package let expected: String
    /// The byte that was there; nil at the end of the text, and where no single byte is to blame.
    package let found: UInt8?

    /// A mistake as found.
    package init(_ kind: Kind, at offset: Int, expected: String, found: UInt8? = nil) {
        self.kind = kind
        self.offset = offset
        self.expected = expected
        self.found = found
    }

    /// The mistake as one line, for a log.
    package var description: String {
        let text = "\(kind.rawValue): byte \(offset): expected \(expected)"
        guard let found else { return text }
        return text + ", found 0x" + (found < 16 ? "0" : "") + String(found, radix: 16)
    }
}
