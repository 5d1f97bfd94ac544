// ICMP echo for all checks of a process over one socket a family: a raw one, or a ping socket where that is not
// allowed. A reply counts when it carries what was sent, from where it was sent to.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// Sends echo requests and hands out the replies.
final class EchoClient {
    /// Bytes of an ordinary ping's payload.
    static let payloadSize = 56
    private static let receiveBuffer: Int32 = 1 << 20

    /// One open socket.
    private final class Port {
        let socket: Descriptor
        let receiver: DatagramReceiver
        let isRaw: Bool
        var source: EventSource?

        init(_ socket: consuming Descriptor, isRaw: Bool) {
            self.socket = socket
            self.isRaw = isRaw
            receiver = DatagramReceiver(socket: self.socket.raw, sizeMax: 2048)
        }
    }

    private struct Waiting {
        var target: SocketAddress
        var payload: [UInt8]
        var answered: (Instant) -> Void
    }

    private let loop: EventLoop
    private let identifier = UInt16.random(in: .min ... .max)
    private var sequence = UInt16.random(in: .min ... .max)
    private var ports: [Bool: Port] = [:]
    private var waiting: [UInt16: Waiting] = [:]

    init(loop: EventLoop) { self.loop = loop }

    /// Sends one request. `answered` is called from the event loop with the moment of the reply's arrival, until
    /// `forget`. Returns the number to forget it by.
    func send(to target: SocketAddress, _ answered: @escaping (Instant) -> Void) throws(SystemError) -> UInt16 {
        let isIPv6 = target.address.isIPv6
        let port = try port(isIPv6: isIPv6)
        guard let number = freeNumber() else { throw SystemError(code: EAGAIN, operation: "65536 pings are open") }
        let payload = (0..<EchoClient.payloadSize).map { _ in UInt8.random(in: .min ... .max) }
        let bytes = ICMPEcho.request(isIPv6: isIPv6, identifier: identifier, sequence: number, payload: payload)
        _ = try retrying("send") {
            target.withSockaddr { address, length in
                sendto(
                    port.socket.raw, bytes, bytes.count, Int32(MSG_DONTWAIT), .init(__sockaddr__: address), length)
            }
        }
        waiting[number] = Waiting(target: target, payload: payload, answered: answered)
        return number
    }

    /// A reply is not waited for any more.
    func forget(_ number: UInt16) { waiting[number] = nil }

    private func freeNumber() -> UInt16? {
        for _ in 0...UInt16.max {
            sequence &+= 1
            if waiting[sequence] == nil { return sequence }
        }
        return nil
    }

    private func port(isIPv6: Bool) throws(SystemError) -> Port {
        if let port = ports[isIPv6] { return port }
        let port: Port
        do throws(SystemError) {
            port = Port(try ICMPEcho.rawSocket(isIPv6: isIPv6), isRaw: true)
        } catch {
            guard error.code == EPERM || error.code == EACCES else { throw error }
            port = Port(try ICMPEcho.pingSocket(isIPv6: isIPv6), isRaw: false)
        }
        port.socket.widenReceiveBuffer(EchoClient.receiveBuffer)
        try port.socket.stampArrivals()
        port.source = try loop.onReadable(port.socket.raw) { [unowned self, unowned port] in
            read(port, isIPv6: isIPv6)
        }
        ports[isIPv6] = port
        return port
    }

    private func read(_ port: Port, isIPv6: Bool) {
        // An error is that of one request, a host that cannot be reached: its check ends by its time.
        while true {
            do throws(SystemError) {
                guard let datagram = try port.receiver.receive() else { return }
                take(datagram, port, isIPv6: isIPv6)
            } catch {
                if error.code != ECONNREFUSED && error.code != EHOSTUNREACH && error.code != ENETUNREACH { return }
            }
        }
    }

    private func take(_ datagram: Datagram, _ port: Port, isIPv6: Bool) {
        guard
            let (number, payload) = ICMPEcho.reply(
                datagram.bytes, isIPv6: isIPv6, hasHeader: port.isRaw, identifier: port.isRaw ? identifier : nil),
            let request = waiting[number], request.target.address == datagram.source?.address,
            request.payload.elementsEqual(payload)
        else { return }
        waiting[number] = nil
        request.answered(datagram.arrival)
    }
}
