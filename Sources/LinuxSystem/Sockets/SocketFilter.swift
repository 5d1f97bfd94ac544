// What the kernel keeps from a socket before it wakes anybody (bpf(4), SO_ATTACH_FILTER).
import CLinux

extension Descriptor {
    /// Has the kernel run this program for whatever comes. The corresponding C option is SO_ATTACH_FILTER.
    package borrowing func attach(_ filter: [ClaimFilter.Instruction]) throws(SystemError) {
        var program = filter.map { sock_filter(code: $0.code, jt: $0.onTrue, jf: $0.onFalse, k: $0.operand) }
        let raw = self.raw
        _ = try retrying("attach a filter") {
            program.withUnsafeMutableBufferPointer { buffer in
                var whole = sock_fprog(len: UInt16(clamping: buffer.count), filter: buffer.baseAddress)
                return setsockopt(
                    raw, SOL_SOCKET, SO_ATTACH_FILTER, &whole, socklen_t(MemoryLayout<sock_fprog>.size))
            }
        }
    }

    /// Leaves out the copies of broadcasts that the kernel gives back to the host that sends them. What another machine
    /// sends comes in, whatever address it says.
    package borrowing func refuseOwnBroadcasts() throws(SystemError) {
        // The kind of a packet is at this place before all packets (linux/filter.h: SKF_AD_OFF + SKF_AD_PKTTYPE).
        let packetType: UInt32 = 0xffff_f000 + 4
        try attach([
            .init(code: 0x30, operand: packetType),
            .init(code: 0x15, onFalse: 1, operand: UInt32(PACKET_LOOPBACK)),
            .init(code: 0x06),
            .init(code: 0x06, operand: .max),
        ])
    }
}
