import ClusterModel
import Testing

@testable import Privsep

@Suite("The configuration on its way to other processes")
struct ConfigurationBundleTests {
    @Test("a key is the bytes that authkeys has, text or not")
    func keyBytes() throws {
        let key: [UInt8] = Array("schl".utf8) + [0xfc] + Array("ssel".utf8)
        let bundle = ConfigurationBundle(
            configurationDirectory: "/etc/ha.d", stateDirectory: "/var/lib/heartbeat", runDirectory: "/run/heartbeat",
            nodeName: "alpha", haConfig: "node alpha beta\nbcast eth0\n", haResources: "",
            authKeys: Array("auth 1\n1 sha1 ".utf8) + key + [UInt8(ascii: "\n")])
        let received = try ConfigurationBundle(decoding: bundle.encoded())
        let configuration = try #require(received.configuration(withKeys: true))
        #expect(configuration.keys.key(1)?.secret == key)
    }
}
