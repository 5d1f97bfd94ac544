// A daemon of its own for each test: the real program, its files in a folder of their own, ports that nobody has.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

/// A running `mon`.
final class MonitorStage {
    /// The program under test, which lies beside the tests' own.
    static let program: String = {
        let own = FileSystem.target(ofLink: "/proc/self/exe") ?? ""
        let folders = [own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }]
            + CommandLine.arguments.map { $0.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } }
        return folders.map { $0 + "/mon" }.first { access($0, X_OK) == 0 }
            ?? Checkout.folder + "/.build/tests/release/mon"
    }()
    static let fixtures = Checkout.folder + "/Tests/MonitoringTests/Fixtures/"

    let folder: String
    let port: UInt16
    private(set) var pid: pid_t = 0
    let waiting = Waiting()
    /// Folders of the stage's own that the daemon finds instead of the machine's.
    var mounts: [(folder: String, target: String)] = []

    /// Writes the files: `LAB` in the configuration is the folder. Monitors and alerts are shell scripts by name.
    init(_ configuration: String, programs: [(path: String, script: String)], authorization: String? = nil) throws {
        folder = try Folder.makeUnique(prefix: "hbxmon")
        port = try MonitorStage.freePort()
        for name in ["mon.d", "alert.d", "log", "state", "etc", "run"] { try Folder.make("\(folder)/\(name)") }
        let globals = """
            mondir = LAB/mon.d
            alertdir = LAB/alert.d
            logdir = LAB/log
            statedir = LAB/state
            cfbasedir = LAB/etc
            pidfile = LAB/mon.pid
            serverbind = 127.0.0.1
            trapbind = 127.0.0.1

            """
        try write("etc/mon.cf", (configuration.contains("mondir =") ? "" : globals) + configuration)
        let open = ["ack", "clear", "disable", "enable", "get", "list", "loadstate", "reload", "reset", "savestate",
            "servertime", "set", "start", "stop", "term", "test"].map { "\($0): all\n" }.joined()
        try write("etc/auth.cf", authorization ?? "command section\n\(open)trap section\n127.0.0.1 * *\n")
        for (path, script) in programs { try write(path, "#!/bin/sh\n" + script, mode: 0o755) }
    }

    deinit {
        if pid > 0 {
            // It ends its monitors with it; killed, it could not.
            try? Children.signal(pid, SIGTERM)
            if (try? awaitEnd()) == nil {
                try? Children.signal(pid, SIGKILL)
                _ = try? Children.wait(pid)
            }
        }
        Folder.remove(folder)
    }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try Folder.write(text.replacing("LAB", with: folder), to: "\(folder)/\(name)", mode: mode)
    }

    func read(_ name: String) -> String { Folder.read("\(folder)/\(name)") }

    private static func freePort() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 20_000...60_000)
            guard let stream = try? Descriptor.socket(family: AF_INET, type: SOCK_STREAM),
                let datagram = try? Descriptor.socket(family: AF_INET, type: SOCK_DGRAM),
                let address = SocketAddress(numeric: "127.0.0.1", port: port),
                (try? stream.bind(to: address)) != nil, (try? datagram.bind(to: address)) != nil
            else { continue }
            return port
        }
        throw RigError("no free port")
    }

    /// Starts the daemon and waits until it answers.
    func start(_ arguments: [String] = []) throws {
        let log = try Descriptor.open("\(folder)/mon.log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var spawn = Spawn(program: MonitorStage.program, arguments: ["mon"] + self.arguments + arguments)
        if !mounts.isEmpty {
            let script = mounts.map { "mount --bind \(folder)/\($0.folder) \($0.target) && " }.joined() + "exec \"$@\""
            spawn.program = "/usr/bin/unshare"
            spawn.arguments = ["unshare", "-m", "sh", "-c", script, "sh", MonitorStage.program]
                + spawn.arguments.dropFirst()
        }
        spawn.environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC"]
        spawn.descriptors = [1: log.raw, 2: log.raw]
        pid = try spawn.start()
        try waiting.until("mon answers: \(read("mon.log"))", within: .seconds(20)) {
            (try? MonitorClient(port: port))?.ask("list state").last == "220 list state completed"
        }
    }

    var arguments: [String] {
        ["-c", "\(folder)/etc/mon.cf", "-p", "\(port)", "-t", "\(port)", "--run-dir", "\(folder)/run"]
    }

    /// Waits until the daemon has ended.
    @discardableResult
    func awaitEnd() throws -> ChildStatus {
        var status: ChildStatus?
        try waiting.until("the end of mon", within: .seconds(20)) {
            status = try Children.poll(pid)
            return status != nil
        }
        pid = 0
        return try #require(status)
    }

    func signal(_ number: Int32) throws { try Children.signal(pid, number) }

    func client() throws -> MonitorClient { try MonitorClient(port: port) }

    /// The answer to one line, on a connection of its own.
    func ask(_ line: String) throws -> [String] { try client().ask(line) }

    /// Waits until an answer is as wanted.
    func until(_ line: String, within limit: Duration = .seconds(30), _ isWanted: ([String]) -> Bool) throws {
        let client = try client()
        try waiting.until("\(line) is as wanted: \(read("mon.log").suffix(2000))", within: limit) {
            Clock.wait(.milliseconds(30))
            return isWanted(client.ask(line))
        }
    }

    /// Sends a trap.
    func trap(_ text: String) throws {
        let socket = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
        try socket.connect(to: try #require(SocketAddress(numeric: "127.0.0.1", port: port)))
        let bytes = Array(text.utf8)
        _ = send(socket.raw, bytes, bytes.count, 0)
    }

    /// Threads, descriptors and memory of the daemon: its open descriptors, and its resident memory in KiB.
    var usage: (descriptors: Int, memory: Int) {
        let status = FileSystem.text(of: "/proc/\(pid)/status", limit: 8192) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        let memory = line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
        return (FileSystem.names(in: "/proc/\(pid)/fd").count, memory)
    }
}

/// A client's connection, as a test drives it.
final class MonitorClient {
    let socket: Descriptor
    private var received: [UInt8] = []

    init(port: UInt16) throws {
        socket = try Descriptor.socket(family: AF_INET, type: SOCK_STREAM)
        try socket.connect(to: try #require(SocketAddress(numeric: "127.0.0.1", port: port)))
    }

    /// Takes what is sent as it is. Throws where the connection is gone.
    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        let raw = socket.raw
        while !rest.isEmpty {
            let count = try retrying("send") {
                rest.withUnsafeBytes { CLinux.send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line without its end; nil where the connection ended, or nothing came for a long time.
    func line(within limit: Duration = .seconds(20)) -> String? {
        let end = Clock.now() + limit
        while true {
            if let at = received.firstIndex(of: 0x0a) {
                let line = String(decoding: received[..<at], as: UTF8.self)
                received.removeFirst(at + 1)
                return line
            }
            var ready = [Readiness(socket.raw, read: true)]
            try? Readiness.wait(&ready, timeout: .milliseconds(200))
            if ready[0].isReadable || ready[0].isHungUp {
                var chunk = [UInt8](repeating: 0, count: 65536)
                let count = recv(socket.raw, &chunk, chunk.count, 0)
                if count <= 0 { return nil }
                received += chunk[..<count]
            }
            if Clock.now() > end { return nil }
        }
    }

    /// Sends a line and returns the answer's lines, the last of which has three digits.
    func ask(_ line: String) -> [String] {
        guard (try? send(line + "\n")) != nil else { return [] }
        return answer()
    }

    func answer() -> [String] {
        var lines: [String] = []
        while let line = line() {
            lines.append(line)
            let bytes = Array(line.utf8.prefix(4))
            if bytes.count == 4, bytes[..<3].allSatisfy({ (48...57).contains($0) }), bytes[3] == 0x20 { break }
        }
        return lines
    }
}

extension String {
    func replacing(_ old: String, with new: String) -> String {
        var result = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(old) {
                result += new
                rest = rest.dropFirst(old.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
