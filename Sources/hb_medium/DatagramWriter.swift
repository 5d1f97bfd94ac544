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
            do throws(SystemError) {
                guard case .frame(let message, _) = try channel.receive(waiting: true) else { return .finished }
                try transmit(message)
            } catch {
                if error.isDeviceLoss { return .mediumLost }
                log.writeLimited(
                    .warning, "send-failed", key: "send \(error.code)",
                    error.code == ECONNREFUSED ? "\(error): does heartbeat run there?" : "\(error)")
            }
        }
    }

    private func transmit(_ message: [UInt8]) throws(SystemError) {
        guard case .echo(let identifier, let targets) = transport else {
            try send(message, to: nil)
            return
        }
        guard message.count <= ICMPEcho.payloadSizeMax else { throw SystemError(code: EMSGSIZE, operation: "send") }
        defer { sequence &+= 1 }
        var failure: SystemError?
        for target in targets {
            let request = ICMPEcho.request(
                isIPv6: target.address.isIPv6, identifier: identifier, sequence: sequence, payload: message)
            do throws(SystemError) {
                try send(request, to: target)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func send(_ bytes: [UInt8], to target: SocketAddress?) throws(SystemError) {
        do throws(SystemError) {
            try sendOnce(bytes, to: target)
        } catch {
            // A send may fail with the news about an earlier datagram; then this one was not tried.
            if error.isDeviceLoss { throw error }
            try sendOnce(bytes, to: target)
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
