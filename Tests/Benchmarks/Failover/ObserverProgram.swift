// What happens on a node: the kernel's word of each address that comes and goes, and each line that the node's daemons
// write to their logs, with the moment at which it was seen.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// The program `hb_bench observe FILE LOG...`, started in a node.
enum ObserverProgram {
    /// Observes until standard input ends. Lines of the file, with times in nanoseconds of `Clock.now`: `up TIME
    /// ADDRESS`, `down TIME ADDRESS`, `log TIME TEXT`.
    static func run(_ words: [String]) throws -> Int32 {
        guard words.count >= 2 else { throw RigError("expected observe FILE LOG...") }
        let file = try Descriptor.open(words[0], O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let monitor = try NetworkMonitor(links: false, addresses: true)
        let type = Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)
        let changes = Descriptor(owning: try retrying("inotify_init1") { inotify_init1(type) })
        let logs = words.dropFirst().map { GrowingFile($0) }
        for path in words.dropFirst() {
            let raw = changes.raw
            _ = try retrying("watch \(path)") { inotify_add_watch(raw, path, UInt32(IN_MODIFY)) }
        }
        // What is there is of an earlier life of the node.
        for log in logs { _ = log.newLines() }
        _ = Realtime.enter(priority: 1)
        print("ready")
        fflush(cl_stdout())
        while true {
            var ready = [
                Readiness(0, read: true), Readiness(monitor.raw, read: true), Readiness(changes.raw, read: true),
            ]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
            let now = Clock.now().nanoseconds
            var lines = ""
            if ready[1].isReadable {
                for case .address(let event) in try monitor.events() {
                    lines += "\(event.isRemoved ? "down" : "up") \(now) \(event.address.address)\n"
                }
            }
            if ready[2].isReadable {
                var buffer = [UInt8](repeating: 0, count: 4096)
                _ = read(changes.raw, &buffer, buffer.count)
                for log in logs { for line in log.newLines() { lines += "log \(now) \(line)\n" } }
            }
            if !lines.isEmpty { lines.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) } }
        }
    }
}

/// A running observer and what it has seen.
final class Observer {
    enum What { case up, down, log }

    private let process: HeldProcess
    private let file: GrowingFile
    private(set) var events: [(time: Instant, what: What, text: String)] = []

    /// Observes a node that is on, until the node is off.
    init(_ node: Node, program: String, logs: [String]) throws {
        let path = "\(node.folder)/observed"
        for log in [path] + logs where FileSystem.kind(of: log) == nil { try Folder.write("", to: log) }
        let words = try node.words + [program, "observe", path] + logs
        process = try HeldProcess.start("/usr/bin/env", words).process
        file = GrowingFile(path)
    }

    func finish() { process.kill() }

    /// Takes in what was noted since the last call.
    func read() {
        for line in file.newLines() {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let time = Int64(words[1]).map(Instant.init(nanoseconds:)) else { continue }
            let what: What = words[0] == "up" ? .up : words[0] == "down" ? .down : .log
            events.append((time, what, String(words[2])))
        }
    }

    /// When something was first seen after an instant.
    func first(_ what: What, after begin: Instant, where condition: (String) -> Bool) -> Instant? {
        events.first { $0.time > begin && $0.what == what && condition($0.text) }?.time
    }
}
