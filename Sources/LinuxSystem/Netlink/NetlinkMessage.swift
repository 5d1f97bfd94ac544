// The bytes of netlink messages (rtnetlink(7)): a header, a fixed structure, attributes; all in the byte order of the
// machine. Reading trusts no length.
import CLinux

/// Writes messages one after the other into one buffer.
struct NetlinkWriter {
    private(set) var bytes: [UInt8] = []

    mutating func message(
        type: UInt16, flags: Int32, sequence: UInt32, _ body: (inout NetlinkWriter) -> Void
    ) {
        let start = bytes.count
        integer(UInt32(0))
        integer(type)
        integer(UInt16(truncatingIfNeeded: flags))
        integer(sequence)
        integer(UInt32(0))
        body(&self)
        withUnsafeBytes(of: UInt32(bytes.count - start)) { bytes.replaceSubrange(start..<start + 4, with: $0) }
    }

    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func attribute(_ type: Int, _ value: some Collection<UInt8>) {
        integer(UInt16(4 + value.count))
        integer(UInt16(type))
        bytes.append(contentsOf: value)
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func attribute(_ type: Int, _ value: UInt32) { withUnsafeBytes(of: value) { attribute(type, Array($0)) } }
}

/// One received message.
struct NetlinkMessage {
    static let headerSize = 16

    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    /// Of the socket that asked for the change that is told; 0 where none did.
    var port: UInt32 = 0
    /// What follows the header.
    let body: ArraySlice<UInt8>

    /// The messages of one datagram, up to the first whose length is impossible.
    static func split(_ datagram: ArraySlice<UInt8>) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var rest = datagram
        while rest.count >= headerSize {
            let length = Int(rest.native(UInt32.self, at: 0))
            guard length >= headerSize, length <= rest.count else { break }
            messages.append(
                NetlinkMessage(
                    type: rest.native(UInt16.self, at: 4), flags: rest.native(UInt16.self, at: 6),
                    sequence: rest.native(UInt32.self, at: 8), port: rest.native(UInt32.self, at: 12),
                    body: rest.dropFirst(headerSize).prefix(length - headerSize)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    /// Calls with type and value of each attribute behind the message's fixed structure.
    func forEachAttribute(after size: Int, _ body: (Int, ArraySlice<UInt8>) -> Void) {
        var rest = self.body.dropFirst(size)
        while rest.count >= 4 {
            let length = Int(rest.native(UInt16.self, at: 0))
            guard length >= 4, length <= rest.count else { return }
            // The two top bits of a type are flags.
            body(Int(rest.native(UInt16.self, at: 2) & 0x3fff), rest.dropFirst(4).prefix(length - 4))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }
}

extension ArraySlice<UInt8> {
    /// The number at an offset from the slice's start, in the machine's byte order; 0 where the slice ends before it.
    func native<Value: FixedWidthInteger>(_: Value.Type, at offset: Int) -> Value {
        let size = MemoryLayout<Value>.size
        guard offset + size <= count else { return 0 }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
    }

    /// The text up to the first NUL.
    var cString: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}
