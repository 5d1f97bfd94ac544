// The text `<number> <digest>` that signs a message: the trailer of a datagram, the `auth` field of classic text
// (specs/heartbeat.md 1.1, 1.4). Which digest is right is not known here.

/// A key's number and the digest that was made with it.
package struct Signature: Equatable, Sendable {
    /// As written; authkeys knows 0 to 15, a message may name any number below 1000.
    package let key: Int
    /// The digest's text: hexadecimal in lower case from every known method, 1 to `WireLimit.digestLength` bytes.
    package let digest: ArraySlice<UInt8>

    /// A signature as given.
    package init(key: Int, digest: [UInt8]) {
        self.key = key
        self.digest = digest[...]
    }

    /// Reads `<number> <digest>`; offsets of errors are the slice's own indices.
    package init(parsing text: ArraySlice<UInt8>) throws(WireError) {
        var position = text.startIndex
        var number = 0
        while position < text.endIndex, position - text.startIndex < 3, let digit = decimalDigit(text[position]) {
            number = number * 10 + digit
            position += 1
        }
        guard position > text.startIndex else {
            throw WireError(.signature, at: position, expected: "a key's number", found: text.first)
        }
        guard position < text.endIndex, text[position] == UInt8(ascii: " ") else {
            let found = position < text.endIndex ? text[position] : nil
            throw WireError(.signature, at: position, expected: "a blank after the key's number", found: found)
        }
        let digest = text[(position + 1)...]
        guard !digest.isEmpty, digest.count <= WireLimit.digestLength else {
            throw WireError(
                .signature, at: position + 1, expected: "a digest of 1 to \(WireLimit.digestLength) bytes")
        }
        key = number
        self.digest = digest
    }

    /// The longest text that is read: three digits, a blank and the longest digest.
    static let lengthMax = 4 + WireLimit.digestLength

    /// Bytes that `write` appends.
    var length: Int { decimalLength(key) + 1 + digest.count }

    /// Appends `<number> <digest>`.
    package func write(to writer: inout ByteWriter) {
        writer.append(decimal: key)
        writer.append(UInt8(ascii: " "))
        writer.append(digest)
    }
}
