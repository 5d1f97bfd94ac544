// The tables in the kernel: which addresses are held, and that their traffic passes only while the lease runs. One
// element of a set with a timeout leases every held address of a family; the packet's own family is what is looked up
// in it, so that the rule needs no address.
import CLinux
import LinuxSystem

/// Why the program of nftables did not do what it was asked.
package struct LeaseError: Error, CustomStringConvertible {
    package let description: String
}

/// The node's own tables, one of the family inet and one of arp; rules of others are not touched. They are made by the
/// program `nft`, once in the life of a daemon, and again where somebody has changed them.
struct LeaseTable {
    let name: String

    private static let program = "/usr/sbin/nft"

    /// Makes what is missing, all in one transaction; a lease and held addresses that an earlier daemon left go on.
    /// `afresh`: whatever is there by the tables' names is removed before.
    func make(afresh: Bool = false) throws(LeaseError) {
        let removal = """
            add table inet \(name)
            delete table inet \(name)
            add table arp \(name)
            delete table arp \(name)

            """
        try run(
            (afresh ? removal : "")
                + """
            add table inet \(name)
            add set inet \(name) held4 { type ipv4_addr; }
            add set inet \(name) held6 { type ipv6_addr; }
            add set inet \(name) lease { type nf_proto; flags timeout; }
            add chain inet \(name) input { type filter hook prerouting priority -310; policy accept; }
            add chain inet \(name) output { type filter hook output priority -310; policy accept; }
            flush chain inet \(name) input
            flush chain inet \(name) output
            add rule inet \(name) input ip daddr @held4 meta nfproto != @lease drop
            add rule inet \(name) input ip6 daddr @held6 meta nfproto != @lease drop
            add rule inet \(name) output ip saddr @held4 meta nfproto != @lease drop
            add rule inet \(name) output ip6 saddr @held6 meta nfproto != @lease drop
            add table arp \(name)
            add set arp \(name) held4 { type ipv4_addr; }
            add set arp \(name) lease { type ether_type; flags timeout; }
            add chain arp \(name) input { type filter hook input priority 0; policy accept; }
            add chain arp \(name) output { type filter hook output priority 0; policy accept; }
            flush chain arp \(name) input
            flush chain arp \(name) output
            add rule arp \(name) input arp daddr ip @held4 meta protocol != @lease drop
            add rule arp \(name) output arp saddr ip @held4 meta protocol != @lease drop

            """)
    }

    private func run(_ commands: String) throws(LeaseError) {
        do throws(SystemError) {
            let process = try Spawn(program: LeaseTable.program, arguments: ["nft", commands]).start()
            let status = try Children.wait(process)
            if status != .exited(0) { throw SystemError(code: EINVAL, operation: "nft, which says why") }
        } catch {
            throw LeaseError(description: "\(error)")
        }
    }
}
