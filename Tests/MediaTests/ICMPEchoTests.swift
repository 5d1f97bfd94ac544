import LinuxSystem
import Media
import Testing

@Suite struct ICMPEchoTests {
    @Test("a request has type 8, the identifier in host byte order, the sequence in network order and its checksum")
    func request() {
        // The 16-bit words 0800 3412 0001 6162 6300 add up to 10075, folded 0076; the complement is ff89.
        #expect(
            ICMPEcho.request(isIPv6: false, identifier: 0x1234, sequence: 1, payload: Array("abc".utf8))
                == [8, 0, 0xff, 0x89, 0x34, 0x12, 0, 1, 0x61, 0x62, 0x63])
    }

    @Test("a request for IPv6 has type 128 and leaves the checksum to the kernel")
    func request6() {
        #expect(
            ICMPEcho.request(isIPv6: true, identifier: 0x1234, sequence: 0x0102, payload: [9])
                == [128, 0, 0, 0, 0x34, 0x12, 1, 2, 9])
    }

    /// The reply that a host makes of a request: type 0 instead of 8, checksum adjusted, behind an IP header.
    private func reply(to request: [UInt8], headerWords: UInt8 = 5) -> [UInt8] {
        var message = request
        message[0] = 0
        let sum = (UInt32(request[2]) << 8 | UInt32(request[3])) + 0x0800
        let folded = (sum & 0xffff) + (sum >> 16)
        message[2] = UInt8(folded >> 8)
        message[3] = UInt8(folded & 0xff)
        var header = [UInt8](repeating: 0, count: Int(headerWords) * 4)
        header[0] = 0x40 | headerWords
        return header + message
    }

    @Test("a reply gives its sequence and payload back, behind an IP header of any length", arguments: [5, 6, 15])
    func reply(headerWords: Int) throws {
        let request = ICMPEcho.request(isIPv6: false, identifier: 77, sequence: 513, payload: Array("###\n".utf8))
        let bytes = reply(to: request, headerWords: UInt8(headerWords))
        let found = try #require(ICMPEcho.reply(bytes, isIPv6: false, identifier: 77))
        #expect(found.sequence == 513)
        #expect(Array(found.payload) == Array("###\n".utf8))
    }

    @Test("a reply to somebody else, a request, a damaged reply and every cut of one are none")
    func foreign() {
        let request = ICMPEcho.request(isIPv6: false, identifier: 77, sequence: 1, payload: [1, 2, 3])
        let good = reply(to: request)
        #expect(ICMPEcho.reply(good, isIPv6: false, identifier: 78) == nil)
        let echoed = [0x45] + [UInt8](repeating: 0, count: 19) + request
        #expect(ICMPEcho.reply(echoed, isIPv6: false, identifier: 77) == nil)
        for index in 20..<good.count {
            var damaged = good
            damaged[index] ^= 0x10
            #expect(ICMPEcho.reply(damaged, isIPv6: false, identifier: 77) == nil)
        }
        for count in 0..<good.count {
            #expect(ICMPEcho.reply(Array(good[..<count]), isIPv6: false, identifier: 77) == nil)
        }
        for first in UInt8.min...UInt8.max where first != 0x45 {
            var damaged = good
            damaged[0] = first
            #expect(ICMPEcho.reply(damaged, isIPv6: false, identifier: 77) == nil)
        }
    }

    @Test("a request is answered once, whoever of the group is first")
    func once() {
        var answered = AnsweredRequests()
        #expect(answered.isFirst(65535) == true)
        #expect(answered.isFirst(65535) == false)
        #expect(answered.isFirst(0) == true)
        for sequence in 1..<1000 { #expect(answered.isFirst(UInt16(sequence)) == true) }
        #expect(answered.isFirst(999) == false)
        #expect(answered.isFirst(0) == true, "after a round of the counter the number is a new request")
    }
}
