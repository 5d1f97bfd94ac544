// Sends one trap to the mons of other hosts: a datagram each, of which nobody says whether it arrived.
import CLinux
import ClusterModel
import LinuxSystem
import Probes

/// One trap under way.
final class TrapSending: AlertWork {
    private var missing: Int
    private var failures: [String] = []
    private var done: ((AlertEnd) -> Void)?

    init(
        _ datagram: [UInt8], to hosts: [String], port: UInt16, _ tools: AlertTools,
        _ done: @escaping (AlertEnd) -> Void
    ) {
        self.done = done
        missing = hosts.count
        for host in hosts {
            tools.names.look(up: host, family: AF_UNSPEC, port: port) { [self] result in
                switch result {
                case .failure(let failure): finish("\(host): \(failure.reason)")
                case .success(let addresses): finish(TrapSending.send(datagram, to: addresses[0]))
                }
            }
        }
    }

    func cancel() { done = nil }

    private func finish(_ failure: String?) {
        missing -= 1
        if let failure { failures.append(failure) }
        guard missing == 0 else { return }
        done?(failures.isEmpty ? .done(nil) : .failed(failures.joined(separator: ", ")))
        done = nil
    }

    private static func send(_ datagram: [UInt8], to target: SocketAddress) -> String? {
        do throws(SystemError) {
            let socket = try Descriptor.socket(family: target.address.family, type: SOCK_DGRAM)
            _ = try retrying("send to \(target)") {
                target.withSockaddr { address, length in
                    sendto(
                        socket.raw, datagram, datagram.count, Int32(MSG_DONTWAIT), .init(__sockaddr__: address), length)
                }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
