// What the kernel has of the lease's tables, whoever put it there: an administrator's `nft flush table`, or a saved
// ruleset that is loaded again, may leave them in place and without effect.
import CLinux
import CNetfilter
import LinuxSystem

extension LeaseElements {
    /// The number of the rules that are in force, of all tables: each change of whatever table makes it another one.
    func currentGeneration() throws(SystemError) -> UInt32 {
        let answers = try ask(NFT_MSG_GETGEN, family: UInt16(AF_UNSPEC), flags: NLM_F_ACK) { _ in }
        // One attribute of four bytes, in network order, is the first.
        guard let answer = answers.first, answer.count >= 8 else {
            throw SystemError(code: EPROTO, operation: "read the generation of the rules")
        }
        return answer[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Whatever the tables do, but for the elements of their sets: equal as long as nobody has changed them. Throws
    /// ENOENT where one of them, or a chain, is gone.
    func rules() throws(SystemError) -> [[UInt8]] {
        var rules: [[UInt8]] = []
        for family in LeaseElements.tables {
            rules += try ask(NFT_MSG_GETTABLE, family: family, flags: NLM_F_ACK) { put(tableName, NFTA_TABLE_NAME, $0) }
            for chain in ["input", "output"] {
                rules += try ask(NFT_MSG_GETCHAIN, family: family, flags: NLM_F_ACK) {
                    put(tableName, NFTA_CHAIN_TABLE, $0)
                    put(chain, NFTA_CHAIN_NAME, $0)
                }
            }
            rules += try ask(NFT_MSG_GETRULE, family: family, flags: NLM_F_DUMP) {
                put(tableName, NFTA_RULE_TABLE, $0)
            }
        }
        return rules
    }

    /// The addresses that are held.
    func heldAddresses() throws(SystemError) -> [IPAddress] {
        var held: [IPAddress] = []
        for name in ["held4", "held6"] {
            guard let set = nftnl_set_alloc() else { throw SystemError(code: ENOMEM, operation: "read the lease") }
            defer { nftnl_set_free(set) }
            try ask(NFT_MSG_GETSETELEM, family: UInt16(NFPROTO_INET), flags: NLM_F_DUMP) {
                put(tableName, NFTA_SET_ELEM_LIST_TABLE, $0)
                put(name, NFTA_SET_ELEM_LIST_SET, $0)
            } each: { nftnl_set_elems_nlmsg_parse($0, set) }
            guard let elements = nftnl_set_elems_iter_create(set) else { continue }
            defer { nftnl_set_elems_iter_destroy(elements) }
            while let element = nftnl_set_elems_iter_next(elements) {
                var length: UInt32 = 0
                guard let key = nftnl_set_elem_get(element, UInt16(NFTNL_SET_ELEM_KEY), &length) else { continue }
                let bytes = UnsafeRawBufferPointer(start: key, count: Int(length))
                if let address = IPAddress(bytes: Array(bytes)) { held.append(address) }
            }
        }
        return held
    }

    /// Removes the tables, and with them whatever they keep from answering; what is not there is no failure.
    func deleteTables() throws(SystemError) {
        for family in LeaseElements.tables {
            let code = transact { batch in
                guard let table = nftnl_table_alloc() else { return false }
                defer { nftnl_table_free(table) }
                nftnl_table_set_str(table, UInt16(NFTNL_TABLE_NAME.rawValue), tableName)
                let header = nftnl_nlmsg_build_hdr(
                    current(batch), UInt16(NFT_MSG_DELTABLE.rawValue), family, 0, next())
                nftnl_table_nlmsg_build_payload(header, table)
                return mnl_nlmsg_batch_next(batch)
            }
            if code != 0 && code != ENOENT { throw SystemError(code: code, operation: "delete the lease's tables") }
        }
    }

    private static let tables = [UInt16(NFPROTO_INET), UInt16(NFPROTO_ARP)]

    // MARK: Questions

    private func put(
        _ text: String, _ attribute: some RawRepresentable<UInt32>, _ header: UnsafeMutablePointer<nlmsghdr>
    ) {
        mnl_attr_put_strz(header, UInt16(attribute.rawValue), text)
    }

    /// The answers to one question, without headers: the kernel's number of the rules is in these, too.
    private func ask(
        _ type: nf_tables_msg_types, family: UInt16, flags: Int32, _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) throws(SystemError) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        try ask(type, family: family, flags: flags, fill) { header in
            let bytes = UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len))
            answers.append(Array(bytes.dropFirst(LeaseElements.headersSize)))
        }
        return answers
    }

    /// struct nlmsghdr and struct nfgenmsg.
    private static let headersSize = 20

    private func ask(
        _ type: nf_tables_msg_types, family: UInt16, flags: Int32, _ fill: (UnsafeMutablePointer<nlmsghdr>) -> Void,
        each: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) throws(SystemError) {
        let start = buffer.baseAddress
        guard let header = nftnl_nlmsg_build_hdr(start, UInt16(type.rawValue), family, UInt16(flags), next()) else {
            throw SystemError(code: ENOMEM, operation: "ask for the lease's tables")
        }
        fill(header)
        guard mnl_socket_sendto(socket, header, Int(header.pointee.nlmsg_len)) >= 0 else {
            throw SystemError.last("ask for the lease's tables")
        }
        let answers = UnsafeMutableRawBufferPointer(rebasing: buffer[LeaseElements.bufferSize...])
        while true {
            var rest = Int32(truncatingIfNeeded: mnl_socket_recvfrom(socket, answers.baseAddress, answers.count))
            if rest <= 0 { throw SystemError.last("read the lease's tables") }
            var next = answers.baseAddress?.assumingMemoryBound(to: nlmsghdr.self)
            while let message = next, mnl_nlmsg_ok(message, rest) {
                next = mnl_nlmsg_next(message, &rest)
                switch Int32(message.pointee.nlmsg_type) {
                case NLMSG_DONE: return
                case NLMSG_ERROR:
                    let code = -UnsafeRawPointer(message).loadUnaligned(fromByteOffset: 16, as: Int32.self)
                    if code == 0 { return }
                    throw SystemError(code: code, operation: "read the lease's tables")
                default: each(message)
                }
            }
        }
    }
}
