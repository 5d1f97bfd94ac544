import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import Resources

@Suite("The epochs that outlive a resource manager")
struct EpochsTests {
    private let folder: TemporaryFolder
    private let loop: EventLoop

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
    }

    /// Those that a resource manager with these groups starts with.
    private func epochs(_ groups: [String], in place: String = "") -> Epochs {
        let epochs = Epochs(directory: folder.path + place, loop: loop) { Issue.record("\($0)") }
        epochs.configure(groups)
        return epochs
    }

    /// A file with these groups.
    private func write(_ groups: [(String, UInt64)]) {
        let epochs = epochs(groups.map(\.0))
        for (group, epoch) in groups { epochs.note(epoch, of: group) }
        epochs.keep()
    }

    @Test("They are found by name, whatever a name of haresources looks like")
    func roundTrip() {
        let names = [
            "10.7.0.100", "10.7.0.10", "10.7.0.100/24/eth0", "Filesystem::/dev/sdb1::/mnt::ext4::noatime,size=1",
            "7", "7 8", "", "a\"b'c\\d", "\u{301}combining", "Straße::größer",
            "日本語", "👩‍👩‍👧", "x\u{2028}y", "x\u{85}y", "#", "100%",
        ]
        write(names.enumerated().map { ($1, UInt64($0 + 1)) })
        let found = epochs(names)
        for (index, name) in names.enumerated() { #expect(found[name] == UInt64(index + 1), "\(name)") }
        #expect(found["10.7.0.1"] == 0)
    }

    @Test("The last word counts; a group that is no longer configured is dropped")
    func changes() {
        write([("one", 3), ("two", 4)])
        let first = epochs(["two", "three"])
        #expect(first["two"] == 4 && first["three"] == 0)
        first.note(9, of: "three")
        first.note(8, of: "three")
        first.keep()
        let second = epochs(["one", "two", "three"])
        #expect(second["one"] == 0 && second["two"] == 4 && second["three"] == 8)
    }

    @Test("Many that change together are written down once, and by nobody who waits")
    func herd() {
        let names = (0..<500).map { "group\($0)" }
        let epochs = epochs(names)
        for name in names { epochs.note(7, of: name) }
        #expect(folder.text("epochs").isEmpty)
        #expect(turn(loop) { !folder.text("epochs").isEmpty })
        // The boot's id has a line of its own.
        #expect(folder.text("epochs").split(separator: "\n").count == 501)
    }

    @Test("What another boot has left, and what was cut off anywhere, gives no group an epoch that it does not have")
    func spoiled() throws {
        let groups: [(String, UInt64)] = [("10.7.0.10", 12345), ("10.7.0.1", 7), ("10.7.0.100", 99)]
        write(groups)
        let text = folder.text("epochs")
        let names = groups.map(\.0)
        for length in 0..<text.utf8.count {
            try folder.write("epochs", String(text.prefix(length)))
            let found = epochs(names)
            for (name, epoch) in groups { #expect([0, epoch].contains(found[name]), "\(name), \(length) bytes") }
        }
        let lines = text.dropFirst(37)
        let other = "01234567-89ab-cdef-0123-456789abcdef\n"
        let long = String(repeating: "x", count: 100_000)
        for foreign in [other + lines, String(lines), "\n" + lines, "", "\n\n\n", long] {
            try folder.write("epochs", foreign)
            let found = epochs(names)
            #expect(names.allSatisfy { found[$0] == 0 }, "\(foreign.prefix(100))")
        }
    }

    @Test("Lines that say nothing, or what nobody can have counted to, are no epochs")
    func nonsense() throws {
        let boot = try #require(FileSystem.text(of: "/proc/sys/kernel/random/boot_id", limit: 64))
        try folder.write(
            "epochs", boot + "\n \n7\n7x one\n-1 one\n4611686018427387904 one\n99999999999999999999 one\n one\n5 two\n")
        #expect(epochs(["one", "two"])["one"] == 0)
        #expect(epochs(["one", "two"])["two"] == 5)
        let bytes = Array(boot.utf8) + [0xff, 0xfe, 0, 10, 0x35, 0x20, 0xff, 10] + Array("6 two\n".utf8)
        let file = try Descriptor.open(folder.path + "/epochs", O_WRONLY | O_TRUNC)
        #expect(bytes.withUnsafeBytes { CLinux.write(file.raw, $0.baseAddress, $0.count) } == bytes.count)
        #expect(epochs(["two"])["two"] == 6)
    }

    @Test("A disk that takes nothing is told once, and costs what is new; when it takes something, that is kept")
    func disk() throws {
        let place = folder.path + "/mount"
        for (spoil, mend) in [
            ("head -c 1M /dev/zero >\(place)/filler 2>/dev/null || :", "rm \(place)/filler"),
            ("mount -o remount,ro \(place)", "mount -o remount,rw \(place)"),
        ] {
            try shell("mkdir -p \(place) && mount -t tmpfs -o size=16k tmpfs \(place)")
            var told: [SystemError] = []
            let epochs = Epochs(directory: place, loop: loop) { told.append($0) }
            epochs.configure(["one"])
            epochs.note(1, of: "one")
            epochs.keep()
            try shell(spoil)
            for epoch: UInt64 in 2...4 {
                epochs.note(epoch, of: "one")
                epochs.keep()
            }
            #expect(told.map(\.code) == [spoil.hasPrefix("mount") ? EROFS : ENOSPC])
            #expect(epochs["one"] == 4)
            #expect(self.epochs(["one"], in: "/mount")["one"] == 1)
            try shell(mend)
            epochs.keep()
            #expect(told.count == 1)
            #expect(self.epochs(["one"], in: "/mount")["one"] == 4)
            #expect(FileSystem.names(in: place) == ["epochs"])
            try shell("umount \(place)")
        }
    }
}
