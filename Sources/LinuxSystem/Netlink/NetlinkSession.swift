// A conversation with the kernel's routing tables. rtnetlink does its work inside the call that asks for it, so nothing
// here waits for anybody else.
import CLinux

/// Requests and their answers on one routing netlink socket.
package final class NetlinkSession {
    /// One request of a batch: message type, flags beside REQUEST and ACK, and its body.
    struct Request {
        var type: Int
        var flags: Int32
        var body: (inout NetlinkWriter) -> Void
    }

    /// Requests in one send. Every answer takes a buffer in the kernel: too many would overrun the socket.
    private static let batchMax = 64
    /// Dumps that were interrupted by a change are repeated this often, then taken as they are.
    private static let dumpAttemptMax = 5

    /// Dumps that were taken as they are: what they gave may lack entries that were there all the time.
    package private(set) var interruptedCount = 0

    private let socket: Descriptor
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    /// Opens the socket. The corresponding C function is `socket`.
    package convenience init() throws(SystemError) { try self.init(family: NETLINK_ROUTE) }

    /// A socket of another family of netlink, whose messages are of the same form.
    init(family: Int32) throws(SystemError) {
        socket = try NetlinkSession.open(groups: 0, flags: 0, family: family)
        // Answers to failed requests need not repeat the request.
        var on: Int32 = 1
        setsockopt(socket.raw, SOL_NETLINK, NETLINK_CAP_ACK, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    static func open(
        groups: UInt32, flags: Int32, family: Int32 = NETLINK_ROUTE
    ) throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | flags
        let socket = Descriptor(owning: try retrying("open netlink") { CLinux.socket(AF_NETLINK, type, family) })
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        let raw = socket.raw
        _ = try retrying("bind netlink") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_nl>.size))
                }
            }
        }
        return socket
    }

    /// Carries the requests out in order; one that fails does not keep back the rest. Returns an errno for each, 0 for
    /// done.
    func perform(_ requests: [Request]) throws(SystemError) -> [Int32] {
        var results: [Int32] = []
        var rest = requests[...]
        while !rest.isEmpty {
            results += try performBatch(rest.prefix(NetlinkSession.batchMax))
            rest = rest.dropFirst(NetlinkSession.batchMax)
        }
        return results
    }

    private func performBatch(_ requests: ArraySlice<Request>) throws(SystemError) -> [Int32] {
        let first = sequence &+ 1
        var writer = NetlinkWriter()
        for request in requests {
            sequence &+= 1
            writer.message(
                type: UInt16(request.type), flags: NLM_F_REQUEST | NLM_F_ACK | request.flags, sequence: sequence,
                request.body)
        }
        try send(writer.bytes)
        var results = [Int32?](repeating: nil, count: requests.count)
        var missing = requests.count
        while missing > 0 {
            for message in NetlinkMessage.split(try receive()) where Int32(message.type) == NLMSG_ERROR {
                let index = Int(message.sequence &- first)
                guard results.indices.contains(index), results[index] == nil else { continue }
                results[index] = -message.body.native(Int32.self, at: 0)
                missing -= 1
            }
        }
        return results.map { $0 ?? 0 }
    }

    /// Asks for a whole table and calls for each entry; `begin` is called before the first entry, and again where a
    /// change in the table forces a new reading.
    func dump(
        type: Int, _ body: @escaping (inout NetlinkWriter) -> Void, begin: () -> Void, _ entry: (NetlinkMessage) -> Void
    ) throws(SystemError) {
        for _ in 1...NetlinkSession.dumpAttemptMax {
            begin()
            if try dumpOnce(type: type, body, entry) { return }
        }
        interruptedCount += 1
    }

    /// Whether the table stayed the same during the reading.
    private func dumpOnce(
        type: Int, _ body: (inout NetlinkWriter) -> Void, _ entry: (NetlinkMessage) -> Void
    ) throws(SystemError) -> Bool {
        sequence &+= 1
        var writer = NetlinkWriter()
        writer.message(type: UInt16(type), flags: NLM_F_REQUEST | NLM_F_DUMP, sequence: sequence, body)
        try send(writer.bytes)
        var consistent = true
        while true {
            for message in NetlinkMessage.split(try receive()) where message.sequence == sequence {
                if Int32(message.flags) & NLM_F_DUMP_INTR != 0 { consistent = false }
                switch Int32(message.type) {
                case NLMSG_DONE: return consistent
                case NLMSG_ERROR:
                    let code = -message.body.native(Int32.self, at: 0)
                    if code != 0 { throw SystemError(code: code, operation: "read a kernel table") }
                default: entry(message)
                }
            }
        }
    }

    private func send(_ bytes: [UInt8]) throws(SystemError) {
        let raw = socket.raw
        _ = try retrying("send to netlink") { CLinux.send(raw, bytes, bytes.count, 0) }
    }

    /// The next datagram from the kernel itself.
    private func receive() throws(SystemError) -> ArraySlice<UInt8> {
        while true {
            if let datagram = try NetlinkSession.receive(socket, &buffer) { return datagram }
        }
    }

    /// nil for a datagram that another process sent or that did not fit.
    static func receive(
        _ socket: borrowing Descriptor, _ buffer: inout [UInt8]
    ) throws(SystemError) -> ArraySlice<UInt8>? {
        let raw = socket.raw
        var sender = sockaddr_nl()
        let count = try retrying("receive from netlink") {
            withUnsafeMutablePointer(to: &sender) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
                    return recvfrom(raw, &buffer, buffer.count, Int32(MSG_TRUNC), .init(__sockaddr__: $0), &length)
                }
            }
        }
        return sender.nl_pid == 0 && count <= buffer.count ? buffer[..<count] : nil
    }
}
