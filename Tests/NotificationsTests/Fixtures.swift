// What the tests here run on: a folder, a server that answers as it is told to, and a notifier with this process in the
// place of control and of the status process.
import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Testing

/// A folder that goes with this value.
final class TemporaryFolder {
    let path: String
    private var isMounted = false

    init() throws {
        var template = Array("/tmp/hbx-notify-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
        path = String(cString: made)
    }

    deinit {
        if isMounted { umount2(path + "/mount", Int32(MNT_DETACH)) }
        _ = try? Children.wait(Spawn(program: "/bin/rm", arguments: ["rm", "-rf", "--one-file-system", path]).start())
    }

    /// A disk of 64 kB on `mount`.
    func mountSmall() throws {
        mkdir(path + "/mount", 0o755)
        guard mount("none", path + "/mount", "tmpfs", 0, "size=64k") == 0 else { throw SystemError.last("mount") }
        isMounted = true
    }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o755) throws {
        if let slash = name.lastIndex(of: "/") { mkdir("\(path)/\(name[..<slash])", 0o755) }
        let file = try Descriptor.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        let bytes = Array(text.utf8)
        guard CLinux.write(file.raw, bytes, bytes.count) == bytes.count else { throw SystemError.last("write") }
        fchmod(file.raw, mode)
    }

    func lines(_ name: String) -> [String] {
        (FileSystem.text(of: "\(path)/\(name)", limit: 1 << 20) ?? "").split(separator: "\n").map(String.init)
    }

    /// The lines of a file, when there are at least so many.
    func lines(_ name: String, count: Int) throws -> [String] {
        let deadline = Clock.now() + .seconds(60)
        while lines(name).count < count {
            if Clock.now() > deadline { throw Missing(what: "\(name) has \(lines(name))") }
            usleep(5000)
        }
        return lines(name)
    }
}

struct Missing: Error {
    var what: String
}

/// A server for HTTP on a port of 127.0.0.1. It does nothing by itself: each request is answered by the test.
final class TestServer {
    /// One request, unanswered until `answer`, or until it is dropped.
    struct Request: ~Copyable {
        let head: String
        let body: String
        private let socket: Descriptor

        fileprivate init(_ socket: consuming Descriptor) throws {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            var end: Int?
            var length = 0
            let raw = socket.raw
            while end == nil || bytes.count < (end ?? 0) + length {
                let count = recv(raw, &chunk, chunk.count, 0)
                guard count > 0 else { throw Missing(what: "the request ends early") }
                bytes += chunk[..<count]
                guard end == nil else { continue }
                let text = String(decoding: bytes, as: UTF8.self)
                let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
                guard let gap = lines.firstIndex(of: "") else { continue }
                end = lines[..<gap].reduce(2) { $0 + $1.utf8.count + 2 }
                let line = lines.first { $0.lowercased().hasPrefix("content-length:") }
                length = line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            }
            head = String(decoding: bytes[..<(end ?? 0)], as: UTF8.self)
            body = String(decoding: bytes[(end ?? 0)...], as: UTF8.self)
            self.socket = socket
        }

        func answer(_ code: Int) {
            let text = Array("HTTP/1.1 \(code) X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
            _ = send(socket.raw, text, text.count, Int32(MSG_NOSIGNAL))
        }
    }

    let port: UInt16
    private let socket: Descriptor

    /// `port` 0: any that is free.
    init(port: UInt16 = 0) throws {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Descriptor(owning: try retrying("socket") { CLinux.socket(AF_INET, type, 0) })
        let raw = socket.raw
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                if bind(raw, .init(__sockaddr__: UnsafePointer(pointer)), length) != 0 { return -1 }
                return getsockname(raw, .init(__sockaddr__: pointer), &length)
            }
        }
        guard result == 0, listen(raw, 16) == 0 else { throw SystemError.last("listen") }
        self.port = UInt16(bigEndian: address.sin_port)
    }

    var url: String { "http://127.0.0.1:\(port)/hook?key=secret" }

    /// The next request.
    func next() throws -> Request {
        var ready = [Readiness(socket.raw, read: true)]
        try Readiness.wait(&ready, timeout: .seconds(60))
        guard ready[0].isReadable else { throw Missing(what: "no request within a minute") }
        let raw = socket.raw
        let accepted = try retrying("accept") {
            accept4(raw, .init(__sockaddr__: nil), nil, Int32(SOCK_CLOEXEC.rawValue))
        }
        return try Request(Descriptor(owning: accepted))
    }
}

/// A running notifier.
final class TestNotifier {
    let pid: pid_t
    private let control: Channel
    private let status: Channel
    private let folder: TemporaryFolder
    private let life: UInt64
    private var number: UInt64 = 0

    init(_ folder: TemporaryFolder, targets: [String], life: UInt64 = 1, path: String? = nil) throws {
        self.folder = folder
        self.life = life
        let pair = try SocketPair()
        var spawn = Spawn(
            program: TestNotifier.program,
            arguments: ["hb_notify", "\(Launch.protocolVersion)", "\(getpid())", "65534", "65534", "log"])
        let log = try Descriptor.open(folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        spawn.descriptors = [3: pair.second.raw, 5: log.raw]
        spawn.environment = ["SWIFT_BACKTRACE=enable=no", "PATH=\(path ?? "/usr/bin")"]
        pid = try spawn.start()
        control = Channel(pair.first)
        let statusPair = try SocketPair()
        status = Channel(statusPair.first)
        try configure(targets)
        #expect(try control.send(ControlToHelper.statusProcess, descriptors: [statusPair.second.raw]) == .sent)
    }

    deinit { kill() }

    /// The executables are beside the test bundle.
    private static var program: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        let folder = bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return folder.joined(separator: "/") + "/heartbeat"
    }

    func configure(_ targets: [String]) throws {
        let lines = ["node alpha beta", "bcast eth0", "auto_failback on", "logfile \(folder.path)/log"]
        let bundle = ConfigurationBundle(
            configurationDirectory: folder.path, stateDirectory: folder.path, runDirectory: folder.path,
            nodeName: "alpha", haConfig: (lines + targets.map { "notify \($0)" }).joined(separator: "\n") + "\n",
            haResources: "alpha 10.7.0.1\n", authKeys: [])
        let file = try MemoryFile.write(bundle.encoded())
        #expect(try control.send(ControlToHelper.configure, descriptors: [file.raw]) == .sent)
    }

    private var isReaped = false

    func kill() {
        if isReaped { return }
        isReaped = true
        try? Children.signal(pid, SIGKILL)
        _ = try? Children.wait(pid)
    }

    /// Tells of a transition, and waits until it is kept. `number`: nil for the next one.
    func tell(_ kind: Transition.Kind, epoch: UInt64 = 1, number: UInt64? = nil) throws {
        self.number = number ?? self.number + 1
        let isOfGroup = kind.isOfGroup
        let transition = Transition(
            kind: kind, node: isOfGroup ? "alpha" : "beta", group: isOfGroup ? "10.7.0.1" : nil,
            epoch: isOfGroup ? epoch : nil, cause: "because \"it\" is so", time: 1_700_000_000_250_000_000)
        let frame = StatusToNotifier.transition(life: life, number: self.number, transition, missed: 0)
        while try status.send(frame) == .wouldBlock { usleep(1000) }
        while true {
            var ready = [Readiness(status.raw, read: true)]
            try Readiness.wait(&ready, timeout: .seconds(60))
            guard ready[0].isReadable, case .frame(let bytes, _) = try status.receive() else {
                throw Missing(what: "no answer of the notifier: \(folder.lines("log"))")
            }
            if try NotifierToStatus(decoding: bytes) == .kept(self.number) { return }
        }
    }
}
