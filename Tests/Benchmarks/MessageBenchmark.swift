// What a message costs the status process: signing, verifying, coding.
import ClusterModel
import Digests
import LinuxSystem
import Messaging

enum MessageBenchmark {
    private static let rounds = 20
    private static let perRound = 5000

    /// Microseconds a message, for each method of authkeys.
    static func measure() -> [Figure] {
        [DigestMethod.crc, .md5, .sha1, .sha256].flatMap(measure)
    }

    private static func measure(_ method: DigestMethod) -> [Figure] {
        let secret = method == .crc ? [] : Array("a-secret-of-some-length".utf8)
        let keys = AuthKeys(signing: 1, keys: [AuthKey(number: 1, method: method, secret: secret)])
        var encode = Figure("encode and sign a status, \(method.rawValue)", unit: "us")
        var open = Figure("verify and decode a status, \(method.rawValue)", unit: "us")
        guard let authenticator = try? Authenticator(keys),
            let bytes = try? Envelope.encode(
                status, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
        else { return [] }
        for _ in 0..<rounds {
            encode.values.append(time {
                _ = try? Envelope.encode(
                    status, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
            })
            open.values.append(time { _ = try? Envelope.open(bytes, authenticator: authenticator) })
        }
        return [encode, open]
    }

    private static func time(_ body: () -> Void) -> Double {
        let begin = Clock.now()
        for _ in 0..<perRound { body() }
        return Double((Clock.now() - begin).wholeNanoseconds) / 1000 / Double(perRound)
    }

    private static let status: HAMessage = {
        var message = HAMessage()
        for (name, value) in [
            ("t", "status"), ("st", "active"), ("dt", "7530"), ("protocol", "1"), ("hb_version", "1"),
            ("hb_config", "9f3a77c1d2e40b11"), ("hb_hears", "beta 6b00f81c 1f4 1388"),
            ("hb_groups", "10.0.0.1/24/eth0 h 5 0"), ("src", "alpha"), ("seq", "1f5"), ("hg", "6b00f81c"),
            ("ts", "6b00f81b"), ("ld", "n/a"), ("ttl", "3"),
        ] {
            message.append(name, value)
        }
        message.append("srcuuid", binary: Array(0..<16))
        return message
    }()
}
