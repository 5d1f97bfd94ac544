// TCP connections of this machine, and their end (sock_diag(7)).
import CLinux

/// A conversation with the kernel about its sockets.
package final class SocketDiagnosis {
    /// One connection, as the kernel names it.
    fileprivate struct Connection {
        let family: UInt8
        /// struct inet_diag_sockid.
        let identity: [UInt8]
        let local: IPAddress
    }

    fileprivate static let identitySize = 48
    /// SOCK_DIAG_BY_FAMILY and SOCK_DESTROY of linux/sock_diag.h.
    private static let query = 20
    private static let destroy = 21
    /// Every state but LISTEN, CLOSE and TIME_WAIT: bits are the numbers of `enum tcp_state`.
    private static let states: UInt32 = [1, 2, 3, 4, 5, 8, 9, 11].reduce(0) { $0 | 1 << $1 }

    private let session: NetlinkSession

    /// The socket belongs to the network namespace in which it was opened.
    package init() throws(SystemError) { session = try NetlinkSession(family: NETLINK_SOCK_DIAG) }

    /// Ends the TCP connections of these addresses: the program here sees ECONNABORTED, and that at the other end a
    /// reset where the address is still one of this machine, or an IPv6 one. Returns how many were ended. Throws
    /// EOPNOTSUPP where the kernel cannot do that (CONFIG_INET_DIAG_DESTROY).
    package func endConnections(of addresses: Set<IPAddress>) throws(SystemError) -> Int {
        var connections: [Connection] = []
        // An IPv6 socket may have an IPv4 connection.
        for family in [AF_INET, AF_INET6] {
            var found: [Connection] = []
            try session.dump(
                type: SocketDiagnosis.query, { SocketDiagnosis.write(&$0, UInt8(family), SocketDiagnosis.nobody) },
                begin: { found = [] },
                { message in
                    guard let connection = Connection(message), addresses.contains(connection.local) else { return }
                    found.append(connection)
                })
            connections += found
        }
        let codes = try session.perform(
            connections.map { connection in
                NetlinkSession.Request(type: SocketDiagnosis.destroy, flags: 0) {
                    SocketDiagnosis.write(&$0, connection.family, connection.identity)
                }
            })
        // One that has ended by itself meanwhile is as good.
        if let code = codes.first(where: { $0 != 0 && $0 != ENOENT }) {
            throw SystemError(code: code, operation: "end a connection")
        }
        return codes.count { $0 == 0 }
    }

    private static let nobody = [UInt8](repeating: 0, count: identitySize)

    /// struct inet_diag_req_v2.
    private static func write(_ writer: inout NetlinkWriter, _ family: UInt8, _ identity: [UInt8]) {
        writer.integer(family)
        writer.integer(UInt8(IPPROTO_TCP))
        writer.integer(UInt16(0))
        writer.integer(states)
        for byte in identity { writer.integer(byte) }
    }
}

extension SocketDiagnosis.Connection {
    /// The connection in struct inet_diag_msg; nil where the message makes no sense.
    fileprivate init?(_ message: NetlinkMessage) {
        let body = message.body
        // Family, state, timer and retransmissions; then ports, source and destination, interface and cookie.
        guard body.count >= 4 + SocketDiagnosis.identitySize else { return nil }
        family = body.native(UInt8.self, at: 0)
        identity = Array(body.dropFirst(4).prefix(SocketDiagnosis.identitySize))
        let source = identity[4..<20]
        let isMapped = source.prefix(10).allSatisfy { $0 == 0 } && source.dropFirst(10).prefix(2) == [0xff, 0xff]
        let bytes: ArraySlice<UInt8> =
            Int32(family) == AF_INET ? source.prefix(4) : isMapped ? source.suffix(4) : source
        guard let local = IPAddress(bytes: bytes) else { return nil }
        self.local = local
    }
}
