// `hb wire` on files of packets and on a live interface.
import CLinux
import ClusterModel
import Digests
import LinuxSystem
import Messaging
import Testing

@Suite struct WireCaptureTests {
    private static let message: [UInt8] = {
        let key = AuthKey(number: 1, method: .crc, secret: [])
        var message = HAMessage()
        message.append("t", "status")
        guard let authenticator = try? Authenticator(AuthKeys(signing: 1, keys: [key])),
            let bytes = try? Envelope.encode(
                message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
        else { return [] }
        return bytes
    }()

    /// A number in network order.
    private static func big(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func udp(_ content: [UInt8], port: Int = 694) -> [UInt8] {
        big(50_000, 2) + big(port, 2) + big(content.count + 8, 2) + [0, 0] + content
    }

    private static func ipv4(_ payload: [UInt8], number: UInt8 = 17, flags: Int = 0, options: Int = 0) -> [UInt8] {
        let length = 20 + 4 * options
        return [0x45 + UInt8(options), 0] + big(length + payload.count, 2) + [0, 1] + big(flags, 2) + [1, number, 0, 0]
            + [10, 0, 0, 1, 10, 0, 0, 255] + [UInt8](repeating: 1, count: 4 * options) + payload
    }

    /// The message on port 694 in an IP packet.
    private static let datagram = ipv4(udp(message))

    private static func ipv6(_ payload: [UInt8], number: UInt8 = 17) -> [UInt8] {
        let address: [UInt8] = [0xFE, 0x80] + [UInt8](repeating: 0, count: 13)
        return [0x60, 0, 0, 0] + big(payload.count, 2) + [number, 1] + address + [1] + address + [2] + payload
    }

    private static let ethernet = [UInt8](repeating: 2, count: 12)

    /// A file: byte order and stamps as asked, one packet after the other, at 1 s and 5 units.
    private static func file(_ packets: [[UInt8]], link: Int, isBig: Bool = true, isNano: Bool = false) -> [UInt8] {
        func word(_ value: Int, _ count: Int = 4) -> [UInt8] {
            isBig ? big(value, count) : big(value, count).reversed()
        }
        let head = word(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4) + word(2, 2) + word(4, 2) + word(0) + word(0)
            + word(65_535) + word(link)
        return packets.reduce(head) { $0 + word(1) + word(5) + word($1.count) + word($1.count) + $1 }
    }

    private func run(_ file: [UInt8], _ words: [String] = []) throws -> ToolOutcome {
        let folder = try TemporaryFolder()
        try folder.write("authkeys", "auth 1\n1 crc\n", mode: 0o600)
        try folder.write("packets", bytes: file)
        return try RunningTool(
            "hb", ["wire", "--config-dir", folder.path, "\(folder.path)/packets"] + words, in: folder).end()
    }

    private static let found = "10.0.0.1:50000 > 10.0.0.255:694  ok (key 1)  t=status\n"

    @Test("both byte orders and both stamps are read")
    func orders() throws {
        let frame = WireCaptureTests.ethernet + [8, 0] + WireCaptureTests.datagram
        for isBig in [true, false] {
            for isNano in [true, false] {
                let file = WireCaptureTests.file([frame, frame], link: 1, isBig: isBig, isNano: isNano)
                let clock = isNano ? "1970-01-01 00:00:01.000000" : "1970-01-01 00:00:01.000005"
                let lines = [1, 2].map { "packet \($0)  \(clock)  \(WireCaptureTests.found)" }
                #expect(try run(file) == ToolOutcome(status: 0, output: lines.joined(), errors: ""))
                let json = try run(file, ["--json"]).output
                #expect(json.hasPrefix("{\"packet\": 1, \"time_ns\": \(isNano ? 1_000_000_005 : 1_000_005_000), "))
            }
        }
    }

    @Test("every link type and header before the message is passed over")
    func links() throws {
        let ip = WireCaptureTests.datagram
        let zeros = [UInt8](repeating: 0, count: 18)
        let files: [(Int, [UInt8])] = [
            (1, WireCaptureTests.ethernet + [8, 0] + ip + [0, 0, 0]),
            (1, WireCaptureTests.ethernet + [0x81, 0, 0, 5, 8, 0] + ip),
            (1, WireCaptureTests.ethernet + [0x88, 0xA8, 0, 5, 0x81, 0, 0, 6, 8, 0] + ip),
            (113, zeros.prefix(14) + [8, 0] + ip), (276, [8, 0] + zeros + ip), (101, ip), (228, ip),
            (101, WireCaptureTests.ipv4(WireCaptureTests.udp(WireCaptureTests.message), options: 3)),
        ]
        for (link, packet) in files {
            let outcome = try run(WireCaptureTests.file([packet], link: link))
            #expect(outcome.output.hasSuffix(WireCaptureTests.found), "link \(link): \(outcome)")
            #expect(outcome.status == 0)
        }
        let message = WireCaptureTests.message
        let six = WireCaptureTests.ipv6(WireCaptureTests.udp(message))
        let hops = WireCaptureTests.ipv6([17, 0] + zeros.prefix(6) + WireCaptureTests.udp(message), number: 0)
        for packet in [six, hops] {
            let outcome = try run(WireCaptureTests.file([packet], link: 101))
            #expect(outcome.output.contains("[fe80::1]:50000 > [fe80::2]:694  ok (key 1)  t=status\n"))
        }
        let echo = WireCaptureTests.ipv4([8, 0, 0, 0, 0, 1, 0, 1] + WireCaptureTests.message, number: 1)
        #expect(try run(WireCaptureTests.file([echo], link: 101)).output.contains("10.0.0.1 > 10.0.0.255  ok (key 1)"))
    }

    @Test("what is of no concern is left out, and what is not whole is refused")
    func others() throws {
        let ip = WireCaptureTests.datagram
        let quiet: [[UInt8]] = [
            [], [0x45], WireCaptureTests.ipv4([1, 2, 3], number: 6), WireCaptureTests.ipv4([1, 2]),
            WireCaptureTests.ipv4(WireCaptureTests.udp([1], port: 53)), WireCaptureTests.ipv4(ip, flags: 0x0010),
            WireCaptureTests.ipv4([8, 0, 0, 0, 0, 1, 0, 1] + [UInt8](repeating: 9, count: 56), number: 1),
            Array(ip.prefix(24)), WireCaptureTests.ipv6([0], number: 0), [0x4F] + ip.dropFirst(),
        ]
        let outcome = try run(WireCaptureTests.file(quiet, link: 101))
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasSuffix("packets: no messages on port 694\n"))
        let fragment = WireCaptureTests.ipv4(WireCaptureTests.udp(WireCaptureTests.message), flags: 0x2000)
        let cut = Array(ip.dropLast(5))
        let refused = try run(WireCaptureTests.file([fragment, cut, ip], link: 101))
        #expect(refused.status == 1)
        #expect(refused.output.contains("REFUSED: a fragment"))
        #expect(refused.output.contains("REFUSED: cut off by the capture"))
        let port = WireCaptureTests.ipv4(WireCaptureTests.udp(WireCaptureTests.message, port: 695))
        #expect(try run(WireCaptureTests.file([port], link: 101), ["-p", "695"]).output.contains("ok (key 1)"))
    }

    @Test("files that are no captures, or end too early, are refused with their place")
    func damaged() throws {
        let ip = WireCaptureTests.datagram
        let whole = WireCaptureTests.file([ip, ip], link: 101)
        func complaint(_ file: [UInt8]) throws -> String {
            let outcome = try run(file)
            #expect(outcome.status == 1)
            return outcome.errors.split(separator: "\n").first.map(String.init) ?? ""
        }
        #expect(try complaint(Array("hello, this is no capture".utf8)).hasSuffix("packets: not a pcap file"))
        #expect(try complaint([]).hasSuffix("packets: not a pcap file: shorter than its header"))
        #expect(try complaint([0x0A, 0x0D, 0x0D, 0x0A] + [UInt8](repeating: 0, count: 30)).contains("a pcapng file"))
        #expect(try complaint(WireCaptureTests.file([], link: 105)).contains("packets of link type 105: only"))
        #expect(try complaint(Array(whole.dropLast(3))).hasSuffix("packet 2: the file ends within it"))
        #expect(try complaint(Array(whole.prefix(30))).hasSuffix("packet 1: the file ends within it"))
        var huge = whole
        huge[32] = 0xFF
        #expect(try complaint(huge).hasSuffix("bytes long, the file is damaged"))
        let missing = try RunningTool("hb", ["wire", "--no-verify", "/hbe-none"], in: try TemporaryFolder()).end()
        #expect(missing.status == 1)
    }

    @Test("a live interface is listened to, once each message, until enough came", .enabled(if: geteuid() == 0))
    func live() throws {
        let folder = try TemporaryFolder()
        try folder.write("authkeys", "auth 1\n1 crc\n", mode: 0o600)
        let port: UInt16 = 50_694
        let tool = try RunningTool(
            "hb", ["wire", "--config-dir", folder.path, "-i", "lo", "--port", "\(port)", "--count", "3"], in: folder)
        let socket = Descriptor(owning: CLinux.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // Until the tool listens, nobody hears.
        for _ in 0..<600 where !folder.text("stdout").contains("t=status") { send(socket.raw, &address) }
        send(socket.raw, &address)
        send(socket.raw, &address)
        let outcome = try tool.end()
        let lines = outcome.output.split(separator: "\n")
        #expect(outcome.status == 0)
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.contains(" > 127.0.0.1:50694  ok (key 1)  t=status") })
        let missing = try RunningTool("hb", ["wire", "--no-verify", "-i", "hbe-none"], in: folder).end()
        #expect(missing.status == 1)
        #expect(missing.errors == "hb wire: interface hbe-none: No such device\n")
    }

    private func send(_ socket: Int32, _ address: inout sockaddr_in) {
        let bytes = WireCaptureTests.message
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, bytes, bytes.count, 0, .init(__sockaddr__: $0), length)
            }
        }
        Clock.wait(.milliseconds(50))
    }
}
