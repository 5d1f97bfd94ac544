import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("The digest by which nodes compare their configurations")
struct ConfigurationDigestTests {
    private func configuration(_ devices: [StonithDevice] = []) -> Configuration {
        var configuration = WireTests.configuration()
        configuration.processes.stonith = devices
        return configuration
    }

    private func device(_ host: String?, _ type: String, _ parameters: String...) -> StonithDevice {
        StonithDevice(host: host, type: type, parameters: parameters)
    }

    @Test("E2: who can fence whom must be equal, and whether addresses are leased where a node can be fenced")
    func fencing() {
        let plug = device("*", "fence_apc", "hostlist=alpha,beta", "ip=10.0.0.9")
        var digests = [
            configuration(), configuration([plug]), configuration([device("*", "fence_apc", "hostlist=alpha")]),
            configuration([device("beta", "fence_apc", "hostlist=alpha,beta")]),
            configuration([device("*", "external/ipmi", "x")]),
        ].map(\.digest)
        var unleased = configuration([plug])
        unleased.policy.leasesAddresses = false
        digests.append(unleased.digest)
        #expect(Set(digests).count == digests.count)
    }

    @Test("E2: what may differ is not in it: how a device is reached, its secrets, this node's name, a lease alone")
    func differences() {
        let plug = device("*", "fence_apc", "hostlist=alpha,beta", "ip=10.0.0.9", "password=a")
        let other = device("*", "fence_ipmilan", "hostlist=beta,alpha", "password=b")
        #expect(configuration([plug]).digest == configuration([other]).digest)
        #expect(configuration([plug]).digest == configuration([plug, device("*", "suicide")]).digest)
        var local = configuration([plug])
        local.localName = "beta"
        local.members.reverse()
        #expect(configuration([plug]).digest == local.digest)
        var unleased = configuration()
        unleased.policy.leasesAddresses = false
        #expect(configuration().digest == unleased.digest)
    }

    @Test("E2: a node that differs is warned of once, and taken in all the same")
    func warning() {
        let start = Instant(nanoseconds: 0)
        var cluster = Cluster(configuration: configuration(), generation: 5, uuid: [1], seed: 1, now: start)
        func hear(_ sequence: Int, _ digest: UInt64) -> Int {
            var message = HAMessage()
            for (name, value) in [
                ("t", "status"), ("st", "active"), ("dt", "7530"), ("protocol", "1"), ("hb_version", "1"),
                ("hb_config", String(digest, radix: 16)), ("src", "beta"), ("seq", String(sequence)), ("hg", "9"),
                ("ts", "1"),
            ] { message.append(name, value) }
            let now = start + .milliseconds(Int64(sequence))
            var effects: [Effect] = []
            cluster.handle(.received(message, medium: MediumID(0), arrival: now), now: now, effects: &effects)
            return effects.count {
                if case .log(let record) = $0 { record.event == "configuration-differs" } else { false }
            }
        }
        let same = configuration().digest
        let warnings = [hear(1, same), hear(2, same ^ 1), hear(3, same ^ 1), hear(4, same), hear(5, same ^ 1)]
        #expect(warnings == [0, 1, 0, 0, 1])
        let beta = cluster.snapshot(start).nodes.first { $0.name == "beta" }?.status
        #expect(beta == .active)
    }
}
