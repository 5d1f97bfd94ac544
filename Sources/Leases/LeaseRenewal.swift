// The renewal of the lease: three elements in one transaction, on a socket of its own, without the parser and the rule
// set of libnftables, since it comes with every keepalive.
import CLinux
import CNetfilter
import LinuxSystem

/// Renews the lease in the kernel. The socket belongs to the network namespace in which it was opened.
final class LeaseRenewal {
    /// A family whose traffic for held addresses passes while its element is there.
    enum Family {
        case ipv4, ipv6, arp

        fileprivate var table: UInt16 { UInt16(self == .arp ? NFPROTO_ARP : NFPROTO_INET) }

        /// What the rule looks up: the packet's netfilter family, or its Ethernet type in network order.
        fileprivate var key: [UInt8] {
            switch self {
            case .ipv4: [UInt8(NFPROTO_IPV4)]
            case .ipv6: [UInt8(NFPROTO_IPV6)]
            case .arp: [0x08, 0x06]
            }
        }
    }

    private static let bufferSize = 4096

    private let socket: OpaquePointer
    private let tableName: String
    private var sequence: UInt32 = 0

    /// The corresponding C function is `mnl_socket_open2`.
    init(tableName: String) throws(SystemError) {
        self.tableName = tableName
        guard let socket = mnl_socket_open2(NETLINK_NETFILTER, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
        else { throw SystemError.last("open netfilter netlink") }
        self.socket = socket
        guard mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 else {
            let error = SystemError.last("bind netfilter netlink")
            mnl_socket_close(socket)
            throw error
        }
    }

    deinit { mnl_socket_close(socket) }

    /// The lease of these families runs for `milliseconds`, at least 1, from now. Throws ENOENT where the tables are
    /// gone.
    func renew(_ families: [Family], milliseconds: UInt64) throws(SystemError) {
        let code = withUnsafeTemporaryAllocation(byteCount: LeaseRenewal.bufferSize * 2, alignment: 16) { buffer in
            transact(families, milliseconds, buffer)
        }
        if code != 0 { throw SystemError(code: code, operation: "renew the lease") }
    }

    /// Returns an errno, 0 for done. The kernel does its work inside the send.
    private func transact(
        _ families: [Family], _ milliseconds: UInt64, _ buffer: UnsafeMutableRawBufferPointer
    ) -> Int32 {
        guard let batch = mnl_nlmsg_batch_start(buffer.baseAddress, LeaseRenewal.bufferSize) else { return ENOMEM }
        defer { mnl_nlmsg_batch_stop(batch) }
        nftnl_batch_begin(current(batch), next())
        mnl_nlmsg_batch_next(batch)
        for family in families {
            // The first makes sure that there is something to delete; a second add alone does not restart the timeout.
            for adds in [true, false, true] {
                guard append(family, adds: adds, milliseconds, to: batch) else { return ENOMEM }
            }
        }
        nftnl_batch_end(current(batch), next())
        mnl_nlmsg_batch_next(batch)
        let sent = mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch))
        if sent < 0 { return cl_errno() }
        return refusal(UnsafeMutableRawBufferPointer(rebasing: buffer[LeaseRenewal.bufferSize...]))
    }

    private func append(_ family: Family, adds: Bool, _ milliseconds: UInt64, to batch: OpaquePointer) -> Bool {
        guard let set = nftnl_set_alloc() else { return false }
        defer { nftnl_set_free(set) }
        guard let element = nftnl_set_elem_alloc() else { return false }
        nftnl_set_set_str(set, UInt16(NFTNL_SET_TABLE.rawValue), tableName)
        nftnl_set_set_str(set, UInt16(NFTNL_SET_NAME.rawValue), "lease")
        let key = family.key
        nftnl_set_elem_set(element, UInt16(NFTNL_SET_ELEM_KEY), key, UInt32(key.count))
        if adds { nftnl_set_elem_set_u64(element, UInt16(NFTNL_SET_ELEM_TIMEOUT), milliseconds) }
        nftnl_set_elem_add(set, element)
        let header = nftnl_nlmsg_build_hdr(
            current(batch), UInt16((adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM).rawValue), family.table,
            adds ? UInt16(NLM_F_CREATE) : 0, next())
        nftnl_set_elems_nlmsg_build_payload(header, set)
        return mnl_nlmsg_batch_next(batch)
    }

    /// What the kernel has answered: nothing, where it did all of it.
    private func refusal(_ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        var code: Int32 = 0
        while true {
            let count = mnl_socket_recvfrom(socket, buffer.baseAddress, buffer.count)
            if count <= 0 { return code }
            // Of several messages in one answer the first one says why the transaction failed.
            let header = buffer.loadUnaligned(as: nlmsghdr.self)
            guard code == 0, header.nlmsg_type == NLMSG_ERROR, count >= 20 else { continue }
            code = -buffer.loadUnaligned(fromByteOffset: 16, as: Int32.self)
        }
    }

    private func current(_ batch: OpaquePointer) -> UnsafeMutablePointer<CChar>? {
        mnl_nlmsg_batch_current(batch)?.assumingMemoryBound(to: CChar.self)
    }

    private func next() -> UInt32 {
        sequence &+= 1
        return sequence
    }
}
