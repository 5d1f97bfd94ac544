// The real worker processes, started as control starts them.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep
import Testing

/// A running worker; killed and reaped with the value.
final class TestWorker {
    let pid: pid_t
    let channel: Channel
    private var isReaped = false

    /// The program beside the test bundle.
    static var program: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/heartbeat"
    }

    init(
        _ direction: MediumWorker.Direction, _ medium: Medium, _ open: borrowing OpenMedium, logfile: Int32? = nil,
        parent: pid_t = getpid(), realtimePriority: Int? = nil, receiver: Int32? = nil
    ) throws {
        var settings = LogSettings()
        settings.syslogMessageFormat = false
        let worker = MediumWorker(
            direction: direction, protocolVersion: Launch.protocolVersion, parent: parent, index: 0, medium: medium,
            transport: open.transport, identity: .nobody, realtimePriority: realtimePriority, node: "a",
            logging: settings, isForeground: false)
        let pair = try SocketPair()
        let raw = receiver ?? (direction == .read ? open.receiver.raw : open.sender.raw)
        let ours = pair.first
        let theirs = pair.second
        pid = try worker.spawn(
            program: TestWorker.program, channel: theirs.raw, medium: raw, logfile: logfile
        ).start()
        channel = Channel(ours)
    }

    deinit {
        guard !isReaped else { return }
        try? Children.signal(pid, SIGKILL)
        _ = try? Children.wait(pid)
    }

    /// The next message that a read worker passes on; nil where none comes within five seconds.
    func receive() throws -> ReceivedDatagram? {
        var ready = [Readiness(channel.raw, read: true)]
        try Readiness.wait(&ready, timeout: .seconds(5))
        guard case .frame(let bytes, _) = try channel.receive() else { return nil }
        return try ReceivedDatagram(decoding: bytes)
    }

    func send(_ message: [UInt8]) throws { #expect(try channel.send(bytes: message) == .sent) }

    /// Waits for the worker's end.
    func end() throws -> ChildStatus {
        isReaped = true
        return try Children.wait(pid)
    }

    /// Waits until the worker has done what it does at its start: it shows its title.
    func awaitTitle() throws -> String {
        var before = ""
        for _ in 0..<5000 {
            let text = try commandLine()
            // It is written letter by letter, in a process that runs beside this one.
            if text.hasPrefix("heartbeat: "), text == before { return text }
            before = text
            sched_yield()
            usleep(1000)
        }
        return try commandLine()
    }

    private func commandLine() throws -> String { try content("/proc/\(pid)/cmdline") }
}

/// A small file as text.
func content(_ path: String) throws -> String {
    let file = try Descriptor.open(path, O_RDONLY)
    return String(decoding: try MemoryFile.read(file, limit: 1 << 20), as: UTF8.self)
}
