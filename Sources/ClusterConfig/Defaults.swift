// What a directive that is not given means, where that depends on others (specs/heartbeat.md 4.2; design, section 4).
import ClusterModel

enum Defaults {
    /// Half of the deadtime, in whole milliseconds.
    static func warntime(deadtime: Duration) -> Duration { .milliseconds(deadtime.wholeMilliseconds / 2) }

    /// The rule of 3.0.6: room for a slow start of the network.
    static func initdead(deadtime: Duration) -> Duration {
        if deadtime > .seconds(10) { return deadtime }
        return deadtime < .seconds(6) ? .seconds(12) : deadtime * 2
    }

    /// Deadtime less one keepalive: a lease that nobody renews ends before another node takes over.
    static func lease(deadtime: Duration, keepalive: Duration) -> Duration { deadtime - keepalive }

    /// Three nodes and more vote; two ask the ping nodes, if there are any.
    static func quorum(nodes: Int, hasPingNodes: Bool) -> QuorumPolicy {
        nodes >= 3 ? .majority : nodes == 2 && hasPingNodes ? .ping : .ignore
    }

    /// The configuration that the files mean. Complete, but not yet checked.
    static func fillIn(
        _ settings: HAConfigSettings, groups: [ParsedGroup], keys: AuthKeys?, facts: SystemFacts
    ) -> Configuration {
        var configuration = settings.configuration
        configuration.media = settings.media.map(\.value)
        configuration.members =
            settings.nodes.map { Member(name: $0.value, kind: .normal) }
            + configuration.media.compactMap { $0.pingNodeName }.map { Member(name: $0, kind: .ping) }
        configuration.witnesses = settings.witnesses.map(\.value)
        configuration.localName = facts.localNode.asciiLowercased
        configuration.quorum =
            settings.quorum?.value
            ?? quorum(nodes: settings.nodes.count, hasPingNodes: configuration.media.contains(where: \.isPing))

        let standard = Timing()
        let deadtime = settings.deadtime?.value ?? standard.deadtime
        configuration.timing.keepalive = settings.keepalive?.value ?? standard.keepalive
        configuration.timing.deadtime = deadtime
        configuration.timing.warntime = settings.warntime?.value ?? warntime(deadtime: deadtime)
        configuration.timing.initdead = settings.initdead?.value ?? initdead(deadtime: deadtime)
        configuration.timing.deadping = settings.deadping?.value ?? deadtime
        configuration.timing.lease = settings.lease?.value

        configuration.groups = groups.map(\.group)
        if let keys { configuration.keys = keys }
        return configuration
    }
}
