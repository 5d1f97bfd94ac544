// The client that uses the web service: a new connection and one request for the page, fifty times a second.
import CLinux
import ClusterModel
import LinuxSystem

/// The program `probe-web ADDRESS PORT FILE`.
enum WebProbe {
    private static let interval = Duration.milliseconds(20)
    /// Time for one request, so that a connection to a dead node does not wait for TCP's second attempt.
    private static let limit = Duration.milliseconds(80)

    /// Asks until standard input ends. Each page becomes a line `SEQUENCE SENT RECEIVED NODE` of the file.
    static func run(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 3, let address = IPAddress(arguments[0]), let port = UInt16(arguments[1]) else {
            throw RigError("expected probe-web ADDRESS PORT FILE")
        }
        let file = try Descriptor.open(arguments[2], O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let timer = try AddressProbe.ticks(every: interval)
        var sequence: UInt64 = 0
        RigProgram.announceReady()
        while true {
            var ready = [Readiness(0, read: true), Readiness(timer.raw, read: true)]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
            var expirations: UInt64 = 0
            _ = read(timer.raw, &expirations, MemoryLayout<UInt64>.size)
            sequence += 1
            let sent = Clock.now()
            guard let node = try? servingNode(SocketAddress(address, port: port)) else { continue }
            var line = "\(sequence) \(sent.nanoseconds) \(Clock.now().nanoseconds) \(node)\n"
            line.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) }
        }
    }

    /// Fetches the page; the node that it came from, or nil where none came in time.
    private static func servingNode(_ target: SocketAddress) throws -> String? {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let connection = Descriptor(owning: try retrying("socket") { socket(AF_INET, type, 0) })
        let raw = connection.raw
        _ = target.withSockaddr { connect(raw, .init(__sockaddr__: $0), $1) }
        let end = Clock.now() + limit
        var answer: [UInt8] = []
        var isAsked = false
        while Clock.now() < end {
            var ready = [Readiness(raw, read: isAsked, write: !isAsked)]
            try Readiness.wait(&ready, timeout: end - Clock.now())
            if !isAsked && ready[0].isWritable {
                let request = Array("GET / HTTP/1.0\r\n\r\n".utf8)
                guard send(raw, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
                    return nil
                }
                isAsked = true
            } else if isAsked && (ready[0].isReadable || ready[0].isHungUp) {
                var chunk = [UInt8](repeating: 0, count: 4096)
                let count = recv(raw, &chunk, chunk.count, 0)
                if count <= 0 { break }
                answer += chunk[..<count]
            } else if ready[0].isHungUp {
                return nil
            }
        }
        return node(in: String(decoding: answer, as: UTF8.self))
    }

    private static func node(in answer: String) -> String? {
        guard answer.hasPrefix("HTTP/1.0 200 ") else { return nil }
        // CR LF is one Character.
        let line = answer.split(separator: "\r\n").first { $0.hasPrefix("X-Node: ") }
        return line.map { String($0.dropFirst("X-Node: ".count)) }
    }
}
