// The elements of the lease's sets: what is held, and the lease itself. Any number change in one transaction, on a
// socket of its own and without the program that makes the tables, since they change with every keepalive and takeover.
import CLinux
import CNetfilter
import LinuxSystem

/// Changes elements in the kernel. The socket belongs to the network namespace in which it was opened.
final class LeaseElements {
    /// A family whose traffic for held addresses passes while its lease is there.
    enum Family {
        case ipv4, ipv6, arp

        fileprivate var table: UInt16 { UInt16(self == .arp ? NFPROTO_ARP : NFPROTO_INET) }

        /// What the rule looks up in the lease: the packet's netfilter family, or its Ethernet type in network order.
        fileprivate var key: [UInt8] {
            switch self {
            case .ipv4: [UInt8(NFPROTO_IPV4)]
            case .ipv6: [UInt8(NFPROTO_IPV6)]
            case .arp: [0x08, 0x06]
            }
        }
    }

    /// One change of one element.
    struct Change {
        fileprivate enum Verb { case add, delete }

        fileprivate var verb: Verb
        fileprivate var table: UInt16
        fileprivate var set: String
        fileprivate var key: [UInt8]
        fileprivate var milliseconds: UInt64?

        /// The address is held; it may be held already.
        static func hold(_ address: IPAddress) -> [Change] { held(address, .add) }

        /// The address is not held; whether it was does not matter.
        static func release(_ address: IPAddress) -> [Change] { held(address, .add) + held(address, .delete) }

        /// The lease of a family runs for so long from now, at least 1 ms, whatever was left of it.
        static func lease(_ family: Family, milliseconds: UInt64) -> [Change] {
            // The first makes sure that there is something to delete; a second add alone does not restart the timeout.
            [Verb.add, .delete, .add].map { verb in
                Change(
                    verb: verb, table: family.table, set: "lease", key: family.key,
                    milliseconds: verb == .add ? milliseconds : nil)
            }
        }

        /// The lease of a family is over, whether it ran or not.
        static func end(_ family: Family) -> [Change] { Array(lease(family, milliseconds: 1).dropLast()) }

        private static func held(_ address: IPAddress, _ verb: Verb) -> [Change] {
            let families: [Family] = address.isIPv6 ? [.ipv6] : [.ipv4, .arp]
            let set = address.isIPv6 ? "held6" : "held4"
            return families.map { Change(verb: verb, table: $0.table, set: set, key: address.bytes) }
        }
    }

    /// Of one transaction; an element takes about 100 bytes.
    static let bufferSize = 32768
    private static let changesMax = 200

    let socket: OpaquePointer
    let tableName: String
    /// The kernel's number of the rules after the last change here; nil where it is not to be compared.
    var generation: UInt32?
    private var sequence: UInt32 = 0
    /// A transaction, and what the kernel says to it. Kept: taken anew each time, it costs a start more than the rest.
    let buffer: UnsafeMutableRawBufferPointer

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
        buffer = .allocate(byteCount: LeaseElements.bufferSize * 2, alignment: 16)
    }

    deinit {
        mnl_socket_close(socket)
        buffer.deallocate()
    }

    /// All of the changes in order, or none of a transaction that fails; more than 200 make several transactions.
    /// Throws ENOENT where the tables are gone, and ERESTART where somebody has changed any table since `generation`.
    func apply(_ changes: [Change]) throws(SystemError) {
        var rest = changes[...]
        while !rest.isEmpty {
            let part = rest.prefix(LeaseElements.changesMax)
            rest = rest.dropFirst(LeaseElements.changesMax)
            let code = transact { batch in part.allSatisfy { append($0, to: batch) } }
            if code != 0 { throw SystemError(code: code, operation: "change the lease") }
        }
    }

    /// Returns an errno, 0 for done. The kernel does its work inside the send.
    func transact(_ fill: (OpaquePointer) -> Bool) -> Int32 {
        guard let batch = mnl_nlmsg_batch_start(buffer.baseAddress, LeaseElements.bufferSize) else { return ENOMEM }
        defer { mnl_nlmsg_batch_stop(batch) }
        let begin = nftnl_batch_begin(current(batch), next())
        if let generation { mnl_attr_put_u32(begin, UInt16(NFNL_BATCH_GENID.rawValue), generation.bigEndian) }
        mnl_nlmsg_batch_next(batch)
        guard fill(batch) else { return ENOMEM }
        nftnl_batch_end(current(batch), next())
        mnl_nlmsg_batch_next(batch)
        let sent = mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch))
        if sent < 0 { return cl_errno() }
        let code = refusal(UnsafeMutableRawBufferPointer(rebasing: buffer[LeaseElements.bufferSize...]))
        // The kernel leaves 0 out. A transaction that changes nothing is not counted there: the next one finds that
        // somebody may have changed something, and looks.
        if code == 0, let last = generation { generation = last == .max ? 1 : last + 1 }
        return code
    }

    private func append(_ change: Change, to batch: OpaquePointer) -> Bool {
        guard let set = nftnl_set_alloc() else { return false }
        defer { nftnl_set_free(set) }
        guard let element = nftnl_set_elem_alloc() else { return false }
        nftnl_set_set_str(set, UInt16(NFTNL_SET_TABLE.rawValue), tableName)
        nftnl_set_set_str(set, UInt16(NFTNL_SET_NAME.rawValue), change.set)
        nftnl_set_elem_set(element, UInt16(NFTNL_SET_ELEM_KEY), change.key, UInt32(change.key.count))
        if let milliseconds = change.milliseconds {
            nftnl_set_elem_set_u64(element, UInt16(NFTNL_SET_ELEM_TIMEOUT), milliseconds)
        }
        nftnl_set_elem_add(set, element)
        let adds = change.verb == .add
        let header = nftnl_nlmsg_build_hdr(
            current(batch), UInt16((adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM).rawValue), change.table,
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

    func current(_ batch: OpaquePointer) -> UnsafeMutablePointer<CChar>? {
        mnl_nlmsg_batch_current(batch)?.assumingMemoryBound(to: CChar.self)
    }

    func next() -> UInt32 {
        sequence &+= 1
        return sequence
    }
}
