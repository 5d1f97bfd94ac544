// The write worker of media whose messages are datagrams: each frame is sent as it is, or inside an ICMP echo request.
// What the network cannot take now is lost, as a datagram may be; the cluster sends again what matters.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep

final class DatagramWriter {
    private let transport: MediumWorker.Transport
    private let channel: Channel
    private let log: WorkerLog
    /// nil where each request names its target.
    private let peer = DatagramPeer(of: MediumWorker.mediumDescriptor)
    /// Of the next echo request. Begins anywhere, so that the read worker does not take the first requests of a
    /// restarted writer for those that it saw answered.
    private var sequence = UInt16(truncatingIfNeeded: Clock.now().nanoseconds / 1_000_000)

    init(_ transport: MediumWorker.Transport, channel: Channel, log: WorkerLog) {
        self.transport = transport
        self.channel = channel
        self.log = log
    }

    /// Returns why the worker ends.
    func run() throws(SystemError) -> MediumWorkerExit {
        while true {
            guard case .frame(let message, _) = try channel.receive(waiting: true) else { return .finished }
            do throws(SystemError) {
                try transmit(message)
            } catch {
                return .mediumLost
            }
        }
    }

    /// Throws only what means that the descriptor will never work again.
    private func transmit(_ message: [UInt8]) throws(SystemError) {
        guard case .echo(let identifier, let targets) = transport else {
            try send(message, to: nil)
            return
        }
        for target in targets {
            let request = ICMPEcho.request(
                isIPv6: target.address.isIPv6, identifier: identifier, sequence: sequence, payload: message)
            try send(request, to: target)
        }
        sequence &+= 1
    }

    private func send(_ bytes: [UInt8], to target: SocketAddress?) throws(SystemError) {
        // A send may fail with the news about an earlier datagram; then this one was not tried.
        for _ in 0..<2 {
            do throws(SystemError) {
                try sendOnce(bytes, to: target)
                return
            } catch {
                log.writeLimited(
                    .warning, "send-failed", key: "\(error)",
                    error.code == ECONNREFUSED ? "\(error): does heartbeat run there?" : "\(error)")
                if error.isDeviceLoss { throw error }
                // Where that fails, too, the next message brings us here again.
                if error.isLossOfSource { try? peer?.connectAgain() }
            }
        }
    }

    private func sendOnce(_ bytes: [UInt8], to target: SocketAddress?) throws(SystemError) {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        _ = try retrying(target.map { "send to \($0)" } ?? "send") {
            guard let target else { return CLinux.send(MediumWorker.mediumDescriptor, bytes, bytes.count, flags) }
            return target.withSockaddr {
                sendto(MediumWorker.mediumDescriptor, bytes, bytes.count, flags, .init(__sockaddr__: $0), $1)
            }
        }
    }
}

extension SystemError {
    /// Whether a send may have failed because the address that the socket sends from is gone.
    fileprivate var isLossOfSource: Bool { [ENETUNREACH, EADDRNOTAVAIL, EINVAL, EDESTADDRREQ].contains(code) }
}
