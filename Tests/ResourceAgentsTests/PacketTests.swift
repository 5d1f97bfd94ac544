// The frames that announce addresses, compared with what was captured from fake, heartbeat and the kernel.
import LinuxSystem
import Testing

@Suite("Frames that announce addresses")
struct PacketTests {
    private let hardware: MACAddress
    private let address: IPAddress

    init() throws {
        hardware = try #require(MACAddress("02:00:00:00:00:01"))
        address = try #require(IPAddress("10.7.0.100"))
    }

    @Test("An announcement is fake's request, then fake's reply, to the byte")
    func announcement() throws {
        let frames = ARPPacket.announcement(of: address, at: hardware).map {
            $0.frame(source: $0.senderHardware)
        }
        #expect(
            frames.map(hex) == [
                // destination, source, ARP | Ethernet, IPv4, 6, 4, request | sender | target hardware 0, target |
                // padding
                "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a070064 000000000000 0a070064"
                    .compact + padding,
                "ffffffffffff 020000000001 0806 0001 0800 06 04 0002 020000000001 0a070064 020000000001 0a070064"
                    .compact + padding,
            ])
    }

    @Test("A probe claims nothing: its sender address is 0.0.0.0")
    func probe() throws {
        let probe = try #require(ARPPacket.probe(for: address, from: hardware))
        #expect(
            hex(probe.frame(source: probe.senderHardware))
                == "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 0a070064"
                .compact + padding)
    }

    @Test("A neighbour advertisement is heartbeat's, but for the flow label that the kernel adds there")
    func neighborAdvertisement() throws {
        let frame = NeighborAdvertisement.frame(
            of: try #require(IPAddress("fd00:7::100")), at: hardware)
        let expected = """
            333300000001 020000000001 86dd
            60000000 0020 3a ff
            fd000007000000000000000000000100 ff020000000000000000000000000001
            88 00 588f 20000000 fd000007000000000000000000000100 02 01 020000000001
            """
        #expect(frame.map(hex) == expected.compact)
        #expect(NeighborAdvertisement.frame(of: address, at: hardware) == nil)
        #expect(ARPPacket.announcement(of: IPAddress("fd00::1") ?? address, at: hardware).isEmpty)
    }

    @Test("What is written reads back, padded or not")
    func decoding() throws {
        for packet in ARPPacket.announcement(of: address, at: hardware) {
            let frame = packet.frame(source: packet.senderHardware)
            #expect(ARPPacket(frame: frame) == packet)
            #expect(ARPPacket(frame: frame.prefix(42)) == packet)
        }
    }

    @Test("Frames that are short, of another protocol or of another kind of ARP are no ARP packets")
    func hostileFrames() throws {
        let packet = ARPPacket.announcement(of: address, at: hardware)[0]
        let frame = packet.frame(source: packet.senderHardware)
        for length in 0..<42 { #expect(ARPPacket(frame: frame.prefix(length)) == nil, "length \(length)") }
        for position in 12..<21 {
            var other = frame
            other[position] ^= 0x40
            #expect(ARPPacket(frame: other) == nil, "byte \(position)")
        }
        var unknown = frame
        unknown[21] = 3
        #expect(ARPPacket(frame: unknown) == nil)
    }

    @Test(
        "Hardware addresses are twelve hexadecimal digits, with or without colons",
        arguments: [
            ("02:00:00:00:0a:FF", "02:00:00:00:0a:ff"), ("020000000aff", "02:00:00:00:0a:ff"), ("02:00:00:00:0a", nil),
            ("02:00:00:00:0a:f", nil), ("02:00:00:00:0a:0ff", nil), ("02000000", nil), ("g20000000aff", nil), ("", nil),
            ("0200:00:00:0a:ff", nil), ("+20000000aff", nil),
        ])
    func hardwareAddresses(text: String, expected: String?) {
        #expect(MACAddress(text)?.description == expected)
    }

    @Test("Prefixes compare bit by bit")
    func prefixes() throws {
        func isIn(_ address: String, _ network: String, _ bits: Int) -> Bool? {
            guard let address = IPAddress(address), let network = IPAddress(network) else { return nil }
            return address.isIn(network, prefixLength: bits)
        }
        #expect(isIn("10.7.0.100", "10.7.0.64", 26) == true)
        #expect(isIn("10.7.0.128", "10.7.0.64", 26) == false)
        #expect(isIn("192.0.2.1", "10.7.0.64", 0) == true)
        #expect(isIn("10.7.0.65", "10.7.0.64", 32) == false)
        #expect(isIn("fd00::1", "10.7.0.64", 0) == false)
        #expect(isIn("10.7.0.65", "10.7.0.64", 33) == false)
        #expect(address.broadcast(prefixLength: 26)?.description == "10.7.0.127")
        #expect(address.broadcast(prefixLength: 31) == nil)
        #expect(IPAddress("fd00::1")?.broadcast(prefixLength: 64) == nil)
    }

    private let padding = String(repeating: "00", count: 18)
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

extension String {
    /// Without blanks and line ends.
    var compact: String { filter { !$0.isWhitespace } }
}
