// The tables in the kernel: which addresses are held, and that their traffic passes only while the lease runs. One
// element of a set with a timeout leases every held address of a family; the packet's own family is what is looked up
// in it, so that the rule needs no address.
import CNetfilter
import LinuxSystem

/// What libnftables says of commands that it could not carry out.
package struct LeaseError: Error, CustomStringConvertible {
    package let description: String
}

/// The node's own tables, one of the family inet and one of arp; rules of others are not touched.
final class LeaseTable {
    let name: String
    private let context: OpaquePointer

    /// Makes what is missing of the tables; a lease and held addresses that an earlier daemon left go on.
    init(name: String) throws(LeaseError) {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else { throw LeaseError(description: "out of memory") }
        self.context = context
        self.name = name
        nft_ctx_buffer_error(context)
        nft_ctx_buffer_output(context)
        try make()
    }

    deinit { nft_ctx_free(context) }

    /// All in one transaction. A node that is cut short in it has the old rules or the new ones.
    func make() throws(LeaseError) {
        try run(
            """
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

    func add(_ addresses: [IPAddress]) throws(LeaseError) { try change("add", addresses) }

    /// Addresses that are not there are passed over.
    func remove(_ addresses: [IPAddress]) throws(LeaseError) {
        // Adding first makes the removal of what is not there no error.
        try change("add", addresses, then: "delete")
    }

    func delete() throws(LeaseError) { try run("delete table inet \(name)\ndelete table arp \(name)\n") }

    private func change(_ verb: String, _ addresses: [IPAddress], then second: String? = nil) throws(LeaseError) {
        var commands = ""
        for verb in [verb, second].compactMap({ $0 }) {
            let ipv4 = addresses.filter { !$0.isIPv6 }.map(\.description).joined(separator: ", ")
            let ipv6 = addresses.filter(\.isIPv6).map(\.description).joined(separator: ", ")
            if !ipv4.isEmpty {
                commands += "\(verb) element inet \(name) held4 { \(ipv4) }\n"
                commands += "\(verb) element arp \(name) held4 { \(ipv4) }\n"
            }
            if !ipv6.isEmpty { commands += "\(verb) element inet \(name) held6 { \(ipv6) }\n" }
        }
        if !commands.isEmpty { try run(commands) }
    }

    private func run(_ commands: String) throws(LeaseError) {
        guard nft_run_cmd_from_buffer(context, commands) != 0 else { return }
        let words = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        throw LeaseError(description: words.split(separator: "\n").first.map(String.init) ?? "nftables refused")
    }
}
