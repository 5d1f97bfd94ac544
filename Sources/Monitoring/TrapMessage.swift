// A trap: a datagram by which a service, or another mon, tells its state itself (specs/mon.md 11).

/// The lines of a trap.
package struct TrapMessage: Equatable, Sendable {
    /// Version of the sender's protocol.
    package var version: Double?
    package var user = ""
    package var password: [UInt8] = []
    package var group = ""
    package var service = ""
    /// 0: the service is well. nil: missing, or no number.
    package var status: Int32?
    package var summary: [UInt8] = []
    package var detail: [UInt8] = []
    /// Lines that are no `tag=value`.
    package var malformedLines = 0

    /// Oldest version that is taken.
    package static let versionLeast = 0.3807
    /// Longest datagram.
    package static let sizeMax = 65_536

    /// Reads whatever comes; what is missing stays empty.
    package init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")), equals > line.startIndex else {
                malformedLines += 1
                continue
            }
            let tag = String(decoding: line[..<equals], as: UTF8.self)
            set(tag, Escape.unescaped(TrapMessage.unquoted(line[(equals + 1)...])))
        }
    }

    private mutating func set(_ tag: String, _ value: [UInt8]) {
        func text() -> String { String(decoding: value, as: UTF8.self) }
        switch tag {
        case "pro": version = Double(text())
        case "usr": user = text()
        case "pas": password = value
        case "grp": group = text()
        case "svc": service = text()
        case "sta": status = Int32(text())
        case "sum": summary = value
        case "dtl": detail = value
        default: break
        }
    }

    private static func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let bare = value.last == UInt8(ascii: "\r") ? value.dropLast() : value
        guard bare.count >= 2, bare.first == UInt8(ascii: "'"), bare.last == UInt8(ascii: "'") else { return bare }
        return bare.dropFirst().dropLast()
    }
}
