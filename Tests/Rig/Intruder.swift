// Somebody on the network of the nodes who hears what they say and sends them what it likes.
import CLinux
import ClusterModel
import LinuxSystem

/// A socket at the port of heartbeat.
package final class Intruder {
    private static let port: UInt16 = 694
    private let socket: Descriptor
    private let target: SocketAddress
    private let own = IPAddress(NetworkPlan.address(of: NetworkPlan.client))

    /// Opens the socket in the network of this thread.
    init(broadcast: String) throws {
        guard let address = IPAddress(broadcast), let any = IPAddress(bytes: [0, 0, 0, 0]) else {
            throw RigError("\(broadcast) is no address")
        }
        target = SocketAddress(address, port: Intruder.port)
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        socket = Descriptor(owning: try retrying("socket") { CLinux.socket(AF_INET, type, 0) })
        let raw = socket.raw
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_BROADCAST, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = try retrying("bind port \(Intruder.port)") {
            SocketAddress(any, port: Intruder.port).withSockaddr { bind(raw, .init(__sockaddr__: $0), $1) }
        }
    }

    /// Sends a datagram to every node.
    package func send(_ bytes: [UInt8]) throws {
        let raw = socket.raw
        _ = try retrying("send \(bytes.count) bytes") {
            target.withSockaddr { sendto(raw, bytes, bytes.count, 0, .init(__sockaddr__: $0), $1) }
        }
    }

    /// The next datagram that somebody else has broadcast; nil where there is none now.
    package func poll() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            var source = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &source) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(
                        socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT), .init(__sockaddr__: $0), &length)
                }
            }
            if count < 0 { return nil }
            let bytes = withUnsafeBytes(of: source.sin_addr) { Array($0) }
            // What this socket sends comes back to it.
            if IPAddress(bytes: bytes) != own { return Array(buffer[..<count]) }
        }
    }

    /// The next datagram that is broadcast.
    package func receive(within limit: Duration = .seconds(5)) throws -> [UInt8] {
        var ready = [Readiness(socket.raw, read: true)]
        try Readiness.wait(&ready, timeout: limit)
        guard ready[0].isReadable else { throw RigError("nothing was broadcast within \(limit)") }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket.raw, &buffer, buffer.count, 0)
        guard count >= 0 else { throw SystemError.last("receive") }
        return Array(buffer[..<count])
    }
}
