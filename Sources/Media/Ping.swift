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

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        var targets: [SocketAddress] = []
        var failures: [String] = []
        var remedy: String?
        for host in hosts {
            do throws(NameError) {
                let target = try NameLookup.address(of: host, family: targets.first?.address.family ?? family)
                targets.append(target)
            } catch {
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

    /// A raw ICMP socket to which the kernel passes echo replies only.
    private static func socket(isIPv6: Bool) throws(SystemError) -> Descriptor {
        let socket: Descriptor
        if isIPv6 {
            socket = try Descriptor.socket(family: AF_INET6, type: SOCK_RAW, protocol: Int32(IPPROTO_ICMPV6))
            // A set bit blocks its type.
            var blocked = [UInt32](repeating: .max, count: 8)
            blocked[Int(ICMP6_ECHO_REPLY) / 32] &= ~(1 << UInt32(ICMP6_ECHO_REPLY % 32))
            var filter = icmp6_filter()
            withUnsafeMutableBytes(of: &filter) { $0.copyBytes(from: blocked.withUnsafeBytes { Array($0) }) }
            try socket.setOption("ICMP6_FILTER", Int32(IPPROTO_ICMPV6), ICMP6_FILTER, structure: filter)
        } else {
            socket = try Descriptor.socket(family: AF_INET, type: SOCK_RAW, protocol: Int32(IPPROTO_ICMP))
            // SOL_RAW and ICMP_FILTER of linux/icmp.h, which does not go together with netinet/ip_icmp.h.
            let rawLevel: Int32 = 255
            let filterOption: Int32 = 1
            let blocked = ~(UInt32(1) << UInt32(ICMP_ECHOREPLY))
            try socket.setOption("ICMP_FILTER", rawLevel, filterOption, structure: blocked)
        }
        try socket.prioritize(family: isIPv6 ? AF_INET6 : AF_INET)
        socket.widenReceiveBuffer(MediumOpener.receiveBuffer)
        try socket.stampArrivals()
        return socket
    }
}
