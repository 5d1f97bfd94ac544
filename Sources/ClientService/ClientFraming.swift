// How messages travel on a client's connection: a header of two numbers in the byte order of the machine, the length
// and a magic number, then the text and a NUL (specs/heartbeat.md section 7).
import Messaging

/// Why a connection cannot be read any further: from here on nobody knows where a message begins.
struct FramingLost: Error {}

/// Cuts a client's bytes into messages.
struct ClientFraming {
    /// Longest message that a client may send, in bytes.
    static let sizeMax = 16_384
    static let headerSize = 8
    private static let magic: UInt32 = 0xABCD

    private var buffer: [UInt8] = []

    /// Takes the next bytes; returns the texts that they complete, in order.
    mutating func accept(_ bytes: ArraySlice<UInt8>) throws(FramingLost) -> [[UInt8]] {
        buffer += bytes
        var texts: [[UInt8]] = []
        var start = 0
        while buffer.count - start >= ClientFraming.headerSize {
            let length = Int(Int32(truncatingIfNeeded: ClientFraming.number(buffer, at: start)))
            guard ClientFraming.number(buffer, at: start + 4) == ClientFraming.magic,
                (1...ClientFraming.sizeMax).contains(length)
            else { throw FramingLost() }
            let end = start + ClientFraming.headerSize + length
            guard end <= buffer.count else { break }
            texts.append(Array(buffer[(start + ClientFraming.headerSize)..<end]))
            start = end
        }
        buffer.removeFirst(start)
        return texts
    }

    /// A text with its header, ready to be sent; the NUL is added.
    static func frame(_ text: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        for number in [UInt32(text.count + 1), magic] {
            withUnsafeBytes(of: number) { frame += $0 }
        }
        return frame + text + [0]
    }

    private static func number(_ bytes: [UInt8], at position: Int) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
    }

    /// The message of a text in either format; nil for what is none.
    static func message(_ text: [UInt8]) -> HAMessage? {
        if text.starts(with: Array("###".utf8)) { return try? NetstringCodec.decode(text).message }
        return try? ClassicCodec.decode(text)
    }
}

/// The text of an answer. Not `ClassicCodec`: the API has values that are empty, which the wire has not.
struct ClientText {
    private(set) var bytes = Array(">>>\n".utf8)

    mutating func add(_ name: String, _ value: String) {
        bytes += name.utf8
        bytes.append(UInt8(ascii: "="))
        // What would end the line stands as in classic text.
        bytes += value.utf8.map { $0 == UInt8(ascii: "\n") ? 19 : $0 == 0 ? UInt8(ascii: "?") : $0 }
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func add(_ name: String, binary value: [UInt8]) {
        var message = HAMessage()
        message.append(name, binary: value)
        var writer = ByteWriter()
        // A text of one field, without the lines around it.
        if (try? ClassicCodec.encode(message, into: &writer)) != nil { bytes += writer.bytes.dropFirst(4).dropLast(4) }
    }

    /// Ready to be sent.
    var frame: [UInt8] { ClientFraming.frame(bytes + Array("<<<\n".utf8)) }
}
