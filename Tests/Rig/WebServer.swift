// The service that moves with its group: a web server that is real and as small as can be. It keeps its folder in use,
// as real services do, so the filesystem cannot be unmounted before it has stopped.
import CLinux
import ClusterModel
import LinuxSystem

/// The program `web FOLDER PORT PIDFILE`.
enum WebServer {
    private static let requestSizeMax = 4096

    /// Serves the file index.html of a folder until it is killed. The file with its process id appears when it listens.
    static func run(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 3, let port = UInt16(arguments[1]) else {
            throw RigError("expected web FOLDER PORT PIDFILE")
        }
        guard chdir(arguments[0]) == 0 else { throw SystemError.last("enter \(arguments[0])") }
        Signals.ignore(SIGPIPE)
        let listener = try listen(port)
        try Folder.write("\(getpid())\n", to: arguments[2])
        var name = utsname()
        uname(&name)
        let node = withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        while true {
            let connection = accept4(listener.raw, .init(__sockaddr__: nil), nil, Int32(SOCK_CLOEXEC.rawValue))
            guard connection >= 0 else { continue }
            serve(Descriptor(owning: connection), node: node)
        }
    }

    private static func listen(_ port: UInt16) throws -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let listener = Descriptor(owning: try retrying("socket") { socket(AF_INET, type, 0) })
        let raw = listener.raw
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard let any = IPAddress(bytes: [0, 0, 0, 0]) else { throw RigError("no address") }
        _ = try retrying("bind port \(port)") {
            SocketAddress(any, port: port).withSockaddr { bind(raw, .init(__sockaddr__: $0), $1) }
        }
        _ = try retrying("listen") { CLinux.listen(raw, 64) }
        return listener
    }

    /// One client at a time; one that dawdles is sent away after a tenth of a second.
    private static func serve(_ connection: consuming Descriptor, node: String) {
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(connection.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(connection.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var request = [UInt8](repeating: 0, count: requestSizeMax)
        guard recv(connection.raw, &request, request.count, 0) > 0 else { return }
        let page = FileSystem.text(of: "index.html", limit: 1 << 20)
        let body = page ?? "no such page\n"
        let answer =
            "HTTP/1.0 \(page == nil ? "404 Not Found" : "200 OK")\r\nContent-Type: text/plain\r\n"
            + "Content-Length: \(body.utf8.count)\r\nX-Node: \(node)\r\n\r\n\(body)"
        let bytes = Array(answer.utf8)
        _ = send(connection.raw, bytes, bytes.count, 0)
    }
}
