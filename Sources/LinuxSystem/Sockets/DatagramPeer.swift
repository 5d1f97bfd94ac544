// Whom a socket sends to. The kernel chooses the address that it sends from when it is connected, and only then: when
// that address is taken from the interface the socket sends nothing any more, whatever other addresses there are.
import CLinux

/// The other end of a connected socket, and the interface that it is bound to.
package struct DatagramPeer {
    private let raw: Int32
    private let address: SocketAddress
    /// Index of the interface; 0 where there is none.
    private let interface: Int32

    /// nil where the socket is not connected to an internet address. The socket MUST outlive the value.
    /// The corresponding C function is `getpeername`.
    package init?(of raw: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isConnected = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getpeername(raw, .init(__sockaddr__: $0), &length) == 0
            }
        }
        guard isConnected, let address = SocketAddress(storage) else { return nil }
        var interface: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(raw, SOL_SOCKET, SO_BINDTOIFINDEX, &interface, &size)
        self.raw = raw
        self.address = address
        self.interface = interface
    }

    /// Has the kernel choose again what to send from. Needs no rights. Where it throws the socket is not connected
    /// (EDESTADDRREQ), and this may be tried again. The corresponding C function is `connect`, with AF_UNSPEC first.
    package func connectAgain() throws(SystemError) {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        _ = try retrying("disconnect") {
            withUnsafePointer(to: &nobody) {
                connect(raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr>.size))
            }
        }
        // That has ended its bond with the interface, too.
        var index = interface
        if interface != 0 {
            _ = try retrying("bind to interface \(interface)") {
                setsockopt(raw, SOL_SOCKET, SO_BINDTOIFINDEX, &index, socklen_t(MemoryLayout<Int32>.size))
            }
        }
        _ = try retrying("connect to \(address)") {
            address.withSockaddr { connect(raw, .init(__sockaddr__: $0), $1) }
        }
    }
}
