// The notifier's memory on disk.
import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Testing

@testable import Notifications

@Suite("The spool of notifications")
struct SpoolFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/spool" }

    init() throws { folder = try TemporaryFolder() }

    private func told(_ number: UInt64) -> SpoolRecord {
        .told(
            number: number, life: 3, source: number + 100,
            Transition(kind: .dead, node: "beta", cause: "deadtime\u{1F44B}", time: -5))
    }

    @Test("Records come back as they were written, over any number of lives")
    func life() throws {
        #expect(SpoolFile.read(path).isEmpty)
        for number: UInt64 in 1...3 {
            var spool = SpoolFile(path)
            try spool.append([told(number), .done(target: "x", number: number, dropped: 1)])
        }
        #expect(SpoolFile.read(path).count == 6 && SpoolFile.read(path)[2] == told(2))
        var spool = SpoolFile(path)
        try spool.rewrite([told(3)])
        try spool.append([told(4)])
        #expect(SpoolFile.read(path) == [told(3), told(4)])
    }

    @Test("A torn end, or any damage, costs what is behind it and nothing before it")
    func damage() throws {
        var spool = SpoolFile(path)
        try spool.append((1...4).map { told($0) })
        let whole = try MemoryFile.read(try Descriptor.open(path, O_RDONLY), limit: 1 << 20)
        let all = SpoolFile.read(path)
        for length in 0..<whole.count {
            #expect(truncate(path, length) == 0)
            let left = SpoolFile.read(path)
            #expect(left == Array(all.prefix(left.count)) && left.count <= length * 4 / whole.count)
            let file = try Descriptor.open(path, O_WRONLY | O_TRUNC)
            #expect(whole.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) } == whole.count)
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var bytes = whole
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            let file = try Descriptor.open(path, O_WRONLY | O_TRUNC)
            _ = bytes.withUnsafeBytes { write(file.raw, $0.baseAddress, $0.count) }
            #expect(SpoolFile.read(path).count <= 4)
        }
    }

    @Test("A full disk is told, and what was there stays readable")
    func fullDisk() throws {
        try folder.mountSmall()
        let path = folder.path + "/mount/spool"
        var spool = SpoolFile(path)
        var count: UInt64 = 0
        #expect(throws: SystemError.self) {
            while count < 100_000 {
                try spool.append([told(count + 1)])
                count += 1
            }
        }
        let records = SpoolFile.read(path)
        #expect(count > 10 && records.count == Int(count) && records.last == told(count))
        // Nor does the next life destroy what it cannot add to.
        var next = SpoolFile(path)
        #expect(throws: SystemError.self) { try next.rewrite(records + records) }
        #expect(throws: SystemError.self) { for _ in 0..<1000 { try next.append([told(count + 1)]) } }
        #expect(Array(SpoolFile.read(path).prefix(records.count)) == records)
    }
}
