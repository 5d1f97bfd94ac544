// Plain binary coding of the frames between this node's own processes: little endian, length-prefixed. The receiver
// reads a frame as hostile: every read can fail, nothing is trusted to fit.

/// Why bytes are no frame.
package struct FrameError: Error, Equatable {
    package let reason: String
}

/// Writes a frame's fields one after the other.
package struct FrameWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func write(bytes value: some Collection<UInt8>) {
        write(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func write(_ value: String) { write(bytes: value.utf8) }
}

/// Reads a frame's fields in the order in which they were written.
package struct FrameReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package mutating func read<Value: FixedWidthInteger>(_: Value.Type) throws(FrameError) -> Value {
        let size = Value.bitWidth / 8
        guard bytes.endIndex - position >= size else { throw FrameError(reason: "the frame ends in a number") }
        var value: Value = 0
        for index in 0..<size { value |= Value(truncatingIfNeeded: bytes[position + index]) << (8 * index) }
        position += size
        return value
    }

    package mutating func readBool() throws(FrameError) -> Bool { try read(UInt8.self) != 0 }

    package mutating func readBytes() throws(FrameError) -> [UInt8] {
        let count = Int(try read(UInt32.self))
        guard bytes.endIndex - position >= count else { throw FrameError(reason: "the frame ends in a text") }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    package mutating func readString() throws(FrameError) -> String { String(decoding: try readBytes(), as: UTF8.self) }

    /// Everything that was not read yet.
    package mutating func rest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    package func finish() throws(FrameError) {
        if position != bytes.endIndex { throw FrameError(reason: "\(bytes.endIndex - position) bytes too many") }
    }
}
