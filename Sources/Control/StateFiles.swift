// What a node keeps between two runs: its generation, its uuid, for how long it has bound itself to others, and the pid
// file that only one daemon can hold
// (specs/heartbeat.md 3.5, 4.9, 8.1).
import CLinux
import ClusterModel
import LinuxSystem

/// The files in the state folder.
struct StateFiles {
    let directory: String
    /// Emptied when the machine is booted.
    let runDirectory: String

    /// What was kept last since the machine was booted; nil where nothing was.
    var confirmedFor: Duration? {
        StateFiles.contents(confirmationFile).flatMap { Int64($0.filter(\.isNumber)) }.map { .nanoseconds($0) }
    }

    /// Keeps what the status process says of `StatusToControl.confirms`, in nanoseconds.
    func keep(confirmedFor time: Duration) throws(SystemError) {
        let digits = String(time.wholeNanoseconds)
        let text = String(repeating: " ", count: max(0, 19 - digits.utf8.count)) + digits + "\n"
        try StateFiles.replace(confirmationFile, Array(text.utf8))
    }

    private var confirmationFile: String { runDirectory + "/confirmed" }

    /// The next generation, on disk before it is returned. `fromTime`: `hbgenmethod time`, the seconds of the wall
    /// clock, but more than the one before: who starts twice in a second, or after the clock was set back, must not
    /// pass for the daemon before it.
    func nextGeneration(fromTime: Bool) throws(SystemError) -> UInt64 {
        let path = directory + "/hb_generation"
        let wall = UInt64(max(1, Clock.wallNanoseconds() / 1_000_000_000))
        let last = StateFiles.contents(path).flatMap { UInt64($0.filter(\.isNumber)) }
        let next = fromTime ? max(wall, last.map { $0 &+ 1 } ?? 0) : last.map { $0 &+ 1 } ?? wall + 1
        let digits = String(next)
        let text = String(repeating: " ", count: max(0, 15 - digits.utf8.count)) + digits + "\n"
        try StateFiles.replace(path, Array(text.utf8))
        return next
    }

    /// The node's 16 bytes, made once. `name`: `uuidfrom nodename`, made from the name.
    func uuid(fromName name: String?) throws(SystemError) -> [UInt8] {
        if let name { return StateFiles.uuid(of: name) }
        let path = directory + "/hb_uuid"
        if let file = try? Descriptor.open(path, O_RDONLY) {
            var bytes = [UInt8](repeating: 0, count: 16)
            if read(file.raw, &bytes, 16) == 16 { return bytes }
        }
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        try StateFiles.replace(path, bytes)
        return bytes
    }

    /// Equal for equal names on every machine.
    private static func uuid(of name: String) -> [UInt8] {
        var halves: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4]
        for byte in name.utf8 {
            for index in halves.indices { halves[index] = (halves[index] ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return halves.flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> ($0 * 8)) } }
    }

    private static func contents(_ path: String) -> String? {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file.raw, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Replaces a file so that a power cut leaves the old one or the new one. Where the disk is full, an old one of the
    /// same length is written over: its block is there, and holds all of it.
    private static func replace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        do throws(SystemError) {
            try FileReplacement.replace(path, bytes, mode: 0o600, isFlushed: true)
        } catch {
            guard error.code == ENOSPC || error.code == EDQUOT, contents(path)?.utf8.count == bytes.count else {
                throw error
            }
            try overwrite(path, bytes)
        }
    }

    private static func overwrite(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY)
        let raw = file.raw
        guard try retrying("write \(path)", { write(raw, bytes, bytes.count) }) == bytes.count else {
            throw SystemError(code: ENOSPC, operation: "write \(path)")
        }
        _ = try retrying("fsync \(path)") { fsync(raw) }
    }
}

/// The pid file: whoever has it locked is the daemon.
struct PidFile: ~Copyable {
    private let file: Descriptor

    private init(_ file: consuming Descriptor) { self.file = file }

    /// What another daemon's pid file says.
    enum Holder: Equatable {
        case none
        /// The file names a process that is no daemon any more.
        case stale(pid_t)
        case running(pid_t)
    }

    /// Locks the file and writes this process's id; nil where another daemon holds it.
    static func lock(_ path: String) throws(SystemError) -> PidFile? {
        let file = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
        if cl_flock(file.raw, LOCK_EX | LOCK_NB) == -1 {
            if cl_errno() == EWOULDBLOCK { return nil }
            throw SystemError.last("lock \(path)")
        }
        let pidFile = PidFile(file)
        try pidFile.writeOwn()
        return pidFile
    }

    /// Writes the id of the process that calls, `%10d` and a newline.
    borrowing func writeOwn() throws(SystemError) {
        let digits = String(getpid())
        let text = Array((String(repeating: " ", count: max(0, 10 - digits.utf8.count)) + digits + "\n").utf8)
        let raw = file.raw
        // In this order, so that a full disk takes away nothing that is there.
        _ = try retrying("write the pid file") { pwrite(raw, text, text.count, 0) }
        _ = try retrying("write the pid file") { ftruncate(raw, off_t(text.count)) }
    }

    static func holder(_ path: String) -> Holder {
        guard let file = try? Descriptor.open(path, O_RDONLY) else { return .none }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(file.raw, &bytes, bytes.count)
        let text = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        guard let pid = pid_t(text.filter(\.isNumber)), pid > 0 else { return .none }
        if cl_flock(file.raw, LOCK_SH | LOCK_NB) == 0 { return .stale(pid) }
        return .running(pid)
    }
}
