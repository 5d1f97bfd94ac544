// A client of heartbeat's API, as small as it can be: signs on and says, hears, or does what no client should.
import CLinux
import ClusterModel
import LinuxSystem

/// `api-client SOCKET NAME hear COUNT | say TYPE INFO [DEST] | idle | flood COUNT`
enum APIClient {
    static func run(_ arguments: [String]) throws -> Int32 {
        guard arguments.count >= 3 else { throw RigError("expected SOCKET NAME VERB") }
        let (name, verb, rest) = (arguments[1], arguments[2], Array(arguments.dropFirst(3)))
        let socket = try connect(arguments[0])
        let own = "pid=\(getpid())\nfrom_id=\(name)\nuid=\(geteuid())\ngid=\(getegid())\n"
        try send(socket.raw, "t=hbapi-req\nreqtype=signon\n\(own)")
        var answer: String
        repeat { answer = try receive(socket.raw) } while !answer.contains("reqtype=signon")
        guard answer.contains("\nresult=OK\n") else {
            RigProgram.announce(answer)
            return 1
        }
        RigProgram.announceReady()
        switch verb {
        case "hear":
            for _ in 0..<(rest.first.flatMap { Int($0) } ?? 1) {
                RigProgram.announce(try receive(socket.raw).replacing("\n", with: " ") + "\n")
            }
        case "say":
            let destination = rest.count > 2 ? "dest=\(rest[2])\n" : ""
            try send(socket.raw, "t=\(rest[0])\ninfo=\(rest[1])\n\(destination)")
            try send(socket.raw, "t=hbapi-req\nreqtype=signoff\n\(own)")
        case "flood":
            for number in 0..<(rest.first.flatMap { Int($0) } ?? 1000) {
                try send(socket.raw, "t=flood\ninfo=\(number)\n")
            }
        default: NamespaceHolder.awaitEndOfInput()
        }
        return 0
    }

    private static func connect(_ path: String) throws -> Descriptor {
        let socket = Descriptor(
            owning: try retrying("socket") { CLinux.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let raw = socket.raw
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                CLinux.connect(raw, .init(__sockaddr__: $0), length)
            }
        }
        if result != 0 { throw SystemError.last("connect to \(path)") }
        return socket
    }

    private static func send(_ raw: Int32, _ fields: String) throws {
        let text = Array(">>>\n\(fields)<<<\n".utf8) + [0]
        var packet: [UInt8] = []
        for number in [UInt32(text.count), 0xABCD] { withUnsafeBytes(of: number) { packet += $0 } }
        packet += text
        while !packet.isEmpty {
            let count = try retrying("send") { CLinux.send(raw, packet, packet.count, Int32(MSG_NOSIGNAL)) }
            packet.removeFirst(count)
        }
    }

    private static func receive(_ raw: Int32) throws -> String {
        func take(_ count: Int) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            let received = try retrying("receive") { recv(raw, &bytes, count, Int32(MSG_WAITALL)) }
            guard received == count else { throw RigError("the connection has ended") }
            return bytes
        }
        let length = try take(8).withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
        return String(decoding: try take(length).dropLast(), as: UTF8.self)
    }
}
