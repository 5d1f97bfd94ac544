// `ping`, `ping6` and `ping_group`: pseudo nodes that only answer (specs/heartbeat.md 4.7). One raw socket carries the
// requests to all addresses and the replies of everybody; the workers tell which are ours.
import CLinux
import ClusterModel
import LinuxSystem

struct Ping {
    var medium: Medium
    /// Literals or names; all of one family in a group.
    var hosts: [String]
    var identifier: UInt16
    var names: HostNames

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        var targets: [SocketAddress] = []
        var failures: [String] = []
        var remedy: String?
        for host in hosts {
            do throws(NameError) {
                let target = try names.address(of: host, family: targets.first?.address.family ?? family)
                targets.append(target)
            } catch {
                // Of a group, too: one that is left out is missing for as long as the medium is open.
                if error == .late { throw MediumError(medium, "\(host): \(error)", remedy: error.remedy) }
                failures.append("\(host): \(error)")
                remedy = error.remedy
            }
        }
        guard let first = targets.first else {
            throw MediumError(medium, failures.joined(separator: ", "), remedy: remedy)
        }
        let members = targets
        let missing = failures
        return try opening(medium) { () throws(SystemError) in
            let socket = try Ping.socket(isIPv6: first.address.isIPv6)
            return OpenMedium(
                receiver: try socket.duplicate(), sender: socket,
                transport: .echo(identifier: identifier, targets: members), signature: signature, warnings: missing)
        }
    }

    private var family: Int32 {
        switch medium {
        case .ping6: AF_INET6
        case .ping: AF_INET
        default: AF_UNSPEC
        }
    }

    /// A raw ICMP socket, set up as all media are.
    private static func socket(isIPv6: Bool) throws(SystemError) -> Descriptor {
        let socket = try ICMPEcho.rawSocket(isIPv6: isIPv6)
        try socket.prioritize(family: isIPv6 ? AF_INET6 : AF_INET)
        socket.widenReceiveBuffer(MediumOpener.receiveBuffer)
        try socket.stampArrivals()
        return socket
    }
}
