// The small grammars: times, addresses, words that are nearly right.
import ClusterModel
import Testing

@testable import ClusterConfig

@Suite struct ValueTests {
    @Test(
        "times: what 3.0.6 takes, and s, sec, m, min",
        arguments: [
            ("200ms", 200), ("200MSEC", 200), ("1.5", 1500), ("1", 1000), (".5", 500), ("5.", 5000), ("1500us", 2),
            ("499us", 0), ("2s", 2000), ("2sec", 2000), ("1m", 60_000), ("1.5min", 90_000), ("0.0005", 1), ("0", 0),
            ("31536000", 31_536_000_000),
        ])
    func times(text: String, milliseconds: Int) {
        guard case .time(let time, _) = TimeText.parse(text) else {
            Issue.record("\(text) was refused")
            return
        }
        #expect(time == .milliseconds(milliseconds))
    }

    @Test("times that are none say why")
    func badTimes() {
        #expect(TimeText.parse("200msfoo") == .unknownUnit("msfoo"))
        #expect(TimeText.parse("2h") == .unknownUnit("h"))
        #expect(TimeText.parse("ms") == .notANumber)
        #expect(TimeText.parse("") == .notANumber)
        #expect(TimeText.parse(".") == .notANumber)
        #expect(TimeText.parse("1.2.3") == .notANumber)
        #expect(TimeText.parse("-1") == .notANumber)
        #expect(TimeText.parse("99999999999999999999") == .tooLong)
        #expect(TimeText.parse("999999999m") == .tooLong)
        #expect(TimeText.parse("31536001") == .tooLong)
        #expect(TimeText.parse("1500us") == .time(.milliseconds(2), exact: false))
        #expect(TimeText.parse("0.00001") == .time(.zero, exact: false))
        #expect(TimeText.parse("1.500") == .time(.milliseconds(1500), exact: true))
    }

    @Test("a time is spelled so that it reads back exactly", arguments: [0, 1, 999, 1000, 1500, 60_000, 90_000])
    func spelledTimes(milliseconds: Int) {
        let time = Duration.milliseconds(milliseconds)
        #expect(TimeText.parse(TimeText.spell(time)) == .time(time, exact: true))
    }

    @Test("IPv4 and IPv6 literals, and what only looks like one")
    func literals() {
        #expect(AddressLiteral("10.0.0.1") == .ipv4(0x0A00_0001))
        #expect(AddressLiteral("255.255.255.255") == .ipv4(UInt32.max))
        #expect(AddressLiteral("fe80::1") == .ipv6([0xFE80, 0, 0, 0, 0, 0, 0, 1]))
        #expect(AddressLiteral("::") == .ipv6([0, 0, 0, 0, 0, 0, 0, 0]))
        #expect(AddressLiteral("1::") == .ipv6([1, 0, 0, 0, 0, 0, 0, 0]))
        #expect(AddressLiteral("1:2:3:4:5:6:7:8") == .ipv6([1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(AddressLiteral("1:2:3:4:5:6:7::") == .ipv6([1, 2, 3, 4, 5, 6, 7, 0]))
        #expect(AddressLiteral("::ffff:10.0.0.1") == .ipv6([0, 0, 0, 0, 0, 0xFFFF, 0x0A00, 1]))
        #expect(AddressLiteral("FD00::A") == AddressLiteral("fd00:0:0::000a"))
        for text in [
            "", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.+1", "10.0.0.1.", "1:2", ":::", "1::2::3", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "12345::", "g::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "fe80::1%eth0", "::1.2.3",
            "::+1", "1.2.3.4::",
        ] {
            #expect(AddressLiteral(text) == nil, "\(text)")
        }
    }

    @Test("the argument of an address resource, part by part")
    func serviceAddresses() throws {
        let full = try ServiceAddress(parsing: "10.0.0.5/24/eth0:web/10.0.0.255")
        #expect(full.address == .ipv4(0x0A00_0005))
        #expect(full.prefixLength == 24)
        #expect(full.interface == "eth0")
        #expect(full.label == "web")
        #expect(full.broadcast == .ipv4(0x0A00_00FF))
        #expect(try ServiceAddress(parsing: "10.0.0.5/24/10.0.0.255").broadcast == .ipv4(0x0A00_00FF))
        #expect(try ServiceAddress(parsing: "10.0.0.5/255.255.254.0").prefixLength == 23)
        #expect(try ServiceAddress(parsing: "10.0.0.5//eth1").interface == "eth1")
        #expect(try ServiceAddress(parsing: "fd00::5/64/eth0").prefixLength == 64)
        #expect(throws: ServiceAddress.Problem.self) { try ServiceAddress(parsing: "10.0.0.5/255.0.255.0") }
        #expect(throws: ServiceAddress.Problem.self) { try ServiceAddress(parsing: "fd00::5/129") }
        #expect(throws: ServiceAddress.Problem.self) { try ServiceAddress(parsing: "") }
    }

    @Test("resource words: addresses, units, scripts with arguments")
    func resourceWords() {
        func read(_ text: String) -> [String] {
            let specification = ResourceWord.read(text).specification
            return [specification.type] + specification.arguments
        }
        #expect(read("10.0.0.1/24/eth0") == ["IPaddr", "10.0.0.1/24/eth0"])
        #expect(read("IPaddr2::10.0.0.1") == ["IPaddr2", "10.0.0.1"])
        #expect(read("IPv6addr::fd00::1/64") == ["IPv6addr", "fd00::1/64"])
        #expect(read("IPv6addr::::1") == ["IPv6addr", "::1"])
        #expect(read("Filesystem::/dev/sda1::/data::ext4") == ["Filesystem", "/dev/sda1", "/data", "ext4"])
        #expect(read("nginx.service") == ["systemd", "nginx.service"])
        #expect(read("systemd::nginx") == ["systemd", "nginx.service"])
        #expect(read("systemd::data.mount") == ["systemd", "data.mount"])
        #expect(read("Delay::1::0") == ["Delay", "1", "0"])
        #expect(read("apache") == ["apache"])
        #expect(read(".service") == [".service"])
        #expect(read("") == [""])
    }

    @Test("the nearest word is offered, a far one is not")
    func spelling() {
        let directives = HADirective.allCases.map(\.rawValue)
        #expect(Spelling.nearest(to: "keepalvie", among: directives) == "keepalive")
        #expect(Spelling.nearest(to: "Deadtime", among: directives) == "deadtime")
        #expect(Spelling.nearest(to: "bacst", among: directives) == "bcast")
        #expect(Spelling.nearest(to: "autofailback", among: directives) == "auto_failback")
        #expect(Spelling.nearest(to: "xyzzy", among: directives) == nil)
        #expect(Spelling.nearest(to: "", among: directives) == nil)
        #expect(Spelling.nearest(to: String(repeating: "a", count: 5000), among: directives) == nil)
    }
}
