// Files of recorded packets in the classic pcap format: both byte orders, stamps in microseconds or nanoseconds.
import CLinux
import LinuxSystem

/// What is wrong with a file of packets.
struct CaptureFormatError: Error, CustomStringConvertible {
    let description: String
}

/// A packet of a file.
struct RecordedPacket {
    /// From 1.
    let number: Int
    /// Nanoseconds since 1970.
    let time: Int64
    let etherType: UInt16
    /// From the network header on; empty where the link header is cut off.
    let bytes: ArraySlice<UInt8>
}

/// Reads a file packet by packet.
struct PacketCapture {
    /// What libpcap takes for the longest packet, in bytes.
    private static let packetSizeMax: UInt32 = 262_144

    /// The headers before the network header.
    private enum Link {
        case ethernet
        case cooked
        case cooked2
        case raw
    }

    private let input: ByteInput
    private let isBigEndian: Bool
    private let nanosecondsPerUnit: Int64
    private let link: Link
    private var number = 0

    /// Reads the file's header.
    init(_ input: ByteInput) throws {
        self.input = input
        guard let header = try input.read(24) else {
            throw CaptureFormatError(description: "not a pcap file: shorter than its header")
        }
        switch Array(header[..<4]) {
        case [0xA1, 0xB2, 0xC3, 0xD4]: (isBigEndian, nanosecondsPerUnit) = (true, 1000)
        case [0xD4, 0xC3, 0xB2, 0xA1]: (isBigEndian, nanosecondsPerUnit) = (false, 1000)
        case [0xA1, 0xB2, 0x3C, 0x4D]: (isBigEndian, nanosecondsPerUnit) = (true, 1)
        case [0x4D, 0x3C, 0xB2, 0xA1]: (isBigEndian, nanosecondsPerUnit) = (false, 1)
        case [0x0A, 0x0D, 0x0D, 0x0A]:
            throw CaptureFormatError(description: "a pcapng file: convert it with editcap -F pcap")
        default: throw CaptureFormatError(description: "not a pcap file")
        }
        let type = PacketCapture.number(header[20...], isBigEndian) & 0xFFFF
        switch type {
        case 1: link = .ethernet
        case 12, 14, 101, 228, 229: link = .raw
        case 113: link = .cooked
        case 276: link = .cooked2
        default:
            throw CaptureFormatError(
                description: "packets of link type \(type): only Ethernet, Linux cooked and raw IP are understood")
        }
    }

    /// The next packet; nil at the end.
    mutating func next() throws -> RecordedPacket? {
        number += 1
        guard let header = try part(16) else { return nil }
        let length = PacketCapture.number(header[8...], isBigEndian)
        guard length <= PacketCapture.packetSizeMax else {
            throw CaptureFormatError(description: "packet \(number): \(length) bytes long, the file is damaged")
        }
        guard let bytes = try part(Int(length)) else {
            throw CaptureFormatError(description: "packet \(number): the file ends within it")
        }
        let seconds = Int64(PacketCapture.number(header[0...], isBigEndian))
        let fraction = Int64(PacketCapture.number(header[4...], isBigEndian))
        let (etherType, network) = network(bytes)
        return RecordedPacket(
            number: number, time: seconds * 1_000_000_000 + fraction * nanosecondsPerUnit, etherType: etherType,
            bytes: network)
    }

    /// So many bytes; nil at the end.
    private func part(_ count: Int) throws -> [UInt8]? {
        do {
            return try input.read(count)
        } catch let error as CaptureFormatError {
            throw CaptureFormatError(description: "packet \(number): \(error)")
        }
    }

    /// What is behind the link header.
    private func network(_ bytes: [UInt8]) -> (etherType: UInt16, bytes: ArraySlice<UInt8>) {
        let all = bytes[...]
        switch link {
        case .ethernet:
            var offset = 12
            while bytes.count >= offset + 2 {
                let type = all.number(at: offset)
                // VLAN tags stand before the type.
                guard type == 0x8100 || type == 0x88A8 || type == 0x9100 else { return (type, all[(offset + 2)...]) }
                offset += 4
            }
            return (0, [])
        case .cooked: return bytes.count >= 16 ? (all.number(at: 14), all[16...]) : (0, [])
        case .cooked2: return bytes.count >= 20 ? (all.number(at: 0), all[20...]) : (0, [])
        case .raw:
            guard let first = bytes.first else { return (0, []) }
            return (first >> 4 == 6 ? 0x86DD : 0x0800, all)
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ isBigEndian: Bool) -> UInt32 {
        let four = bytes.prefix(4)
        return (isBigEndian ? Array(four) : four.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// Reads a descriptor in pieces of a wanted size.
final class ByteInput {
    private let descriptor: Descriptor
    private var buffer: [UInt8] = []
    private var position = 0

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Exactly so many bytes; nil at the end. Throws where the end comes within them.
    func read(_ count: Int) throws -> [UInt8]? {
        while buffer.count - position < count {
            if try !fill() {
                if position == buffer.count { return nil }
                throw CaptureFormatError(description: "the file ends within it")
            }
        }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    /// The next line without its LF; nil at the end. Lines longer than `limit` are cut, and said to be.
    func line(limit: Int) throws -> (bytes: [UInt8], isCut: Bool)? {
        var line: [UInt8] = []
        var isCut = false
        var isEmpty = true
        while true {
            if position == buffer.count, try !fill() { return isEmpty ? nil : (line, isCut) }
            isEmpty = false
            let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n"))
            let part = buffer[position..<(end ?? buffer.count)]
            let room = limit - line.count
            isCut = isCut || part.count > room
            line.append(contentsOf: part.prefix(room))
            position = end.map { $0 + 1 } ?? buffer.count
            if end != nil { return (line, isCut) }
        }
    }

    /// False at the end.
    private func fill() throws(SystemError) -> Bool {
        buffer.removeSubrange(..<position)
        position = 0
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let raw = descriptor.raw
        let count = try retrying("read") { CLinux.read(raw, &chunk, chunk.count) }
        buffer.append(contentsOf: chunk[..<count])
        return count > 0
    }
}
