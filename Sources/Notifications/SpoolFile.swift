// Transitions that somebody is still to be told of, on disk: a notifier that is started anew goes on where the one
// before it was. It survives the daemon, not a power cut: nothing waits for the disk.
import CLinux
import LinuxSystem
import Privsep

/// An append-only file of records, each behind its length, that is written anew when it has grown.
struct SpoolFile: ~Copyable {
    /// Written anew from this size on; what is kept is far less.
    private static let sizeMax = 4 << 20
    private static let recordMax = 64 << 10

    private let path: String
    private var file: Descriptor?
    private var size = 0

    init(_ path: String) { self.path = path }

    /// All whole records of the file in their order; what is behind the first torn one is given up.
    static func read(_ path: String) -> [SpoolRecord] {
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW),
            let bytes = try? MemoryFile.read(file, limit: sizeMax * 2)
        else { return [] }
        var records: [SpoolRecord] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= recordMax, rest.count >= 4 + length,
                let record = try? SpoolRecord(decoding: Array(rest.dropFirst(4).prefix(length)))
            else { break }
            records.append(record)
            rest = rest.dropFirst(4 + length)
        }
        return records
    }

    /// Whether it is time for `rewrite`.
    var isLarge: Bool { size > SpoolFile.sizeMax }

    /// Appends records in one write. Throws where they cannot be kept: they live as long as this process then.
    mutating func append(_ records: [SpoolRecord]) throws(SystemError) {
        if file == nil {
            let opened = try SpoolFile.open(path, O_APPEND)
            size = max(0, Int(lseek(opened.raw, 0, SEEK_END)))
            file = consume opened
        }
        let bytes = SpoolFile.encode(records)
        guard let raw = file?.raw else { return }
        do throws(SystemError) {
            try SpoolFile.write(bytes, to: raw)
        } catch {
            // A record that is half there would hide those behind it.
            ftruncate(raw, size)
            throw error
        }
        size += bytes.count
    }

    /// Puts these records in the place of all there are.
    mutating func rewrite(_ records: [SpoolRecord]) throws(SystemError) {
        let new = try SpoolFile.open(path + ".new", O_TRUNC | O_APPEND)
        let raw = new.raw
        let bytes = SpoolFile.encode(records)
        try SpoolFile.write(bytes, to: raw)
        let from = path + ".new"
        let to = path
        _ = try retrying("replace \(path)") { rename(from, to) }
        file = consume new
        size = bytes.count
    }

    private static func open(_ path: String, _ flags: Int32) throws(SystemError) -> Descriptor {
        try Descriptor.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | flags, mode: 0o600)
    }

    private static func encode(_ records: [SpoolRecord]) -> [UInt8] {
        var writer = FrameWriter()
        for record in records { writer.write(bytes: record.encoded()) }
        return writer.bytes
    }

    private static func write(_ bytes: [UInt8], to raw: Int32) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            written += try retrying("write the spool of notifications") {
                bytes[written...].withUnsafeBytes { CLinux.write(raw, $0.baseAddress, $0.count) }
            }
        }
    }
}
