// A connection to a mon, as its clients have it: one line asks, lines answer, the last of which begins with a number
// (specs/mon.md 10).
import Admin
import CLinux
import ClusterModel
import LinuxSystem

/// Why a mon was not asked.
struct MonError: Error {
    var reason: String
    var status: Int32
}

/// One answer.
struct MonAnswer {
    /// The lines before the last one.
    var lines: [String]
    /// `220 list state completed`
    var final: String

    var isGood: Bool { final.hasPrefix("2") }
}

/// Where a mon is.
struct MonServer {
    var host: String
    var port: UInt16

    static let standardPort: UInt16 = 2583

    /// The host of MONHOST, or this one.
    static var standard: MonServer {
        MonServer(host: getenv("MONHOST").map { String(cString: $0) } ?? "localhost", port: standardPort)
    }

    /// `mon2`, `mon2:2583`, `[2001:db8::1]:2583`, `2001:db8::1`
    init?(_ text: String) {
        self.init(host: text, port: MonServer.standardPort)
        if text.hasPrefix("[") {
            let parts = text.dropFirst().split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[1].isEmpty || parts[1].hasPrefix(":") else { return nil }
            host = String(parts[0])
            if parts[1].isEmpty { return }
            guard let number = UInt16(parts[1].dropFirst()) else { return nil }
            port = number
        } else if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            host = String(text[..<colon])
            port = number
        }
        if host.isEmpty || port == 0 { return nil }
    }

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A connection to a mon.
struct MonConnection: ~Copyable {
    /// Bytes of one answer that are taken.
    private static let answerMax = 64 << 20
    private let socket: Descriptor
    private let server: MonServer
    private let timeout: Duration
    private var received: [UInt8] = []

    /// Connects; `timeout` holds for this and for each answer.
    init(_ server: MonServer, timeout: Duration) throws(MonError) {
        self.server = server
        self.timeout = timeout
        var last = MonError(reason: "\(server.host) has no address", status: ExitStatus.notRunning)
        for address in try MonConnection.addresses(server) {
            do throws(SystemError) {
                socket = try MonConnection.connect(address, timeout)
                return
            } catch {
                let reason = SystemError.text(error.code)
                last = MonError(
                    reason: "no mon answers at \(address): \(reason)",
                    status: error.code == ETIMEDOUT ? ExitStatus.timedOut : ExitStatus.notRunning)
            }
        }
        throw last
    }

    /// `localhost` may be of either family, and mon listen on one of them: both are tried.
    private static func addresses(_ server: MonServer) throws(MonError) -> [SocketAddress] {
        var found: [SocketAddress] = []
        var reason = ""
        for family in [AF_INET, AF_INET6] {
            do throws(NameError) {
                var address = try NameLookup.address(of: server.host, family: family)
                address.port = server.port
                found.append(address)
            } catch {
                reason = "\(error)"
            }
        }
        if found.isEmpty { throw MonError(reason: "\(server.host): \(reason)", status: ExitStatus.notRunning) }
        return found
    }

    private static func connect(_ address: SocketAddress, _ timeout: Duration) throws(SystemError) -> Descriptor {
        let socket = try Descriptor.socket(family: address.address.family, type: SOCK_STREAM)
        try socket.setNonBlocking(true)
        do throws(SystemError) {
            try socket.connect(to: address)
            return socket
        } catch {
            if error.code != EINPROGRESS { throw error }
        }
        var list = [Readiness(socket.raw, read: false, write: true)]
        try Readiness.wait(&list, timeout: timeout)
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &code, &length)
        if code == 0, !list[0].isWritable, !list[0].isHungUp { code = ETIMEDOUT }
        if code != 0 { throw SystemError(code: code, operation: "connect to \(address)") }
        return socket
    }

    /// Says one line, and takes the answer.
    mutating func ask(_ line: String) throws(MonError) -> MonAnswer {
        let deadline = Clock.now() + timeout
        try say(line, deadline)
        var lines: [String] = []
        while true {
            let next = try self.line(deadline)
            if MonConnection.isFinal(next) { return MonAnswer(lines: lines, final: next) }
            lines.append(next)
        }
    }

    private func say(_ line: String, _ deadline: Instant) throws(MonError) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let raw = socket.raw
            let count = rest.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if cl_errno() == EAGAIN {
                try wait(deadline, write: true)
            } else if cl_errno() != EINTR {
                throw lost(SystemError.text(cl_errno()))
            }
        }
    }

    private mutating func line(_ deadline: Instant) throws(MonError) -> String {
        var searched = 0
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                var line = received[..<end]
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                let text = String(decoding: line, as: UTF8.self)
                received.removeSubrange(...end)
                return text
            }
            searched = received.count
            guard received.count < MonConnection.answerMax else { throw lost("an endless line") }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = read(socket.raw, &chunk, chunk.count)
            if count > 0 {
                received += chunk[..<count]
            } else if count == 0 {
                throw lost("it closed the connection")
            } else if cl_errno() == EAGAIN {
                try wait(deadline, write: false)
            } else if cl_errno() != EINTR {
                throw lost(SystemError.text(cl_errno()))
            }
        }
    }

    private func wait(_ deadline: Instant, write: Bool) throws(MonError) {
        let left = deadline - Clock.now()
        if left <= .zero {
            throw MonError(reason: "mon at \(server.text) has not answered in time", status: ExitStatus.timedOut)
        }
        var list = [Readiness(socket.raw, read: !write, write: write)]
        // What fails here fails again at the descriptor itself.
        try? Readiness.wait(&list, timeout: left)
    }

    private func lost(_ reason: String) -> MonError {
        MonError(reason: "mon at \(server.text): \(reason)", status: ExitStatus.unknown)
    }

    /// Three digits and a blank end an answer.
    private static func isFinal(_ line: String) -> Bool {
        let bytes = Array(line.utf8.prefix(4))
        return bytes.count == 4 && bytes[3] == 0x20 && bytes.prefix(3).allSatisfy { (0x30...0x39).contains($0) }
    }
}
