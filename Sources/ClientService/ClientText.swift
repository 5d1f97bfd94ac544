// The texts that clients are answered with (specs/heartbeat.md section 7).
import Messaging

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
