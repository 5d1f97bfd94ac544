// The trap port (specs/mon.md 11). A burst is taken in parts, so that it does not hold up clients and checks.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

final class TrapListener {
    /// Datagrams taken in one turn of the loop.
    private static let burstMax = 256

    private let socket: Descriptor
    private let receiver: DatagramReceiver
    private var source: EventSource?
    private let body: (TrapMessage, String) -> Void

    /// `body` is called with each trap and its sender's address.
    init(
        on address: SocketAddress, loop: EventLoop, _ body: @escaping (TrapMessage, String) -> Void
    ) throws(SystemError) {
        socket = try Descriptor.socket(family: address.address.family, type: SOCK_DGRAM)
        try socket.bind(to: address)
        socket.widenReceiveBuffer(8 << 20)
        receiver = DatagramReceiver(socket: socket.raw, sizeMax: TrapMessage.sizeMax)
        self.body = body
        source = try loop.onReadable(socket.raw) { [unowned self] in take() }
    }

    private func take() {
        for _ in 0..<TrapListener.burstMax {
            // What a broken datagram leaves behind is read with the next one.
            guard let datagram = try? receiver.receive() else { return }
            guard let source = datagram.source else { continue }
            body(TrapMessage(datagram.bytes), "\(source.address)")
        }
    }
}
