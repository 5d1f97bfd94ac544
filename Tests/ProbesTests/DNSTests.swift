import CLinux
import ClusterModel
import LinuxSystem
import Testing

@testable import Probes

@Suite("dns.monitor, against a real server")
struct DNSTests {
    @Test("records of several types, over datagrams and streams", arguments: [
        ("-n www.example.com", 0, "www.example.com A 192.0.2.11"),
        ("-n www.example.com -q a -m ^192.0.2.10$", 0, "A 192.0.2.10"),
        ("-n www.example.com -m 192.0.2.99", 1, "no answer matches"),
        ("-n example.com -q MX --tcp", 0, "MX 10 mail.example.com"), ("-n a.b -q TXT", 0, "TXT helloworld"),
        ("-n nosuch.example.com", 1, "NXDOMAIN"), ("-n broken.example.com", 1, "SERVFAIL"),
        ("-n www.example.com -q SOA", 1, "no such record"),
        ("-n www.example.com --authoritative", 1, "no authority"), ("-n own.example.com --authoritative", 0, "ok"),
    ])
    func records(arguments: String, exit: Int32, words: String) throws {
        let server = try TestServer("dns")
        let outcome = try Bench().run("dns.monitor -p \(server.port) \(arguments)")
        #expect(outcome.exit == exit, "\(outcome)")
        #expect(outcome.detail.contains(words), "\(outcome)")
    }

    @Test("a server that says nothing, or nonsense, fails when its time is over", arguments: ["mute", "junk"])
    func silence(kind: String) throws {
        let server = try TestServer("dns", kind)
        let outcome = try Bench().run("dns.monitor -p \(server.port) -n www.example.com -t 0.5")
        #expect(outcome.exit == 1 && outcome.summary == "127.0.0.1", "\(outcome)")
    }

    @Test("whatever bytes a server sends, nothing is read beyond their end")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        var good: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 97, 0, 0, 15, 0, 1]
        good += [0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 7, 0, 10, 4, 109, 97, 105, 108]
        for count in 0...good.count { _ = DNSMessage(Array(good[..<count]), type: .mx) }
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<3 {
                let place = Int.random(in: 2..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            for type in DNSType.allCases { _ = DNSMessage(bytes, type: type) }
        }
    }
}
