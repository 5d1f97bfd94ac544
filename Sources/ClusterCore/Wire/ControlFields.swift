// The fields that every outgoing message gets from its sender, in the order of specs/heartbeat.md 2.1.
import ClusterModel
import Messaging

/// Who this node is on the wire.
package struct WireIdentity: Equatable, Sendable {
    package var name: String
    /// 16 bytes.
    package var uuid: [UInt8]
    package var generation: UInt64
    /// hopfudge plus the number of members.
    package var ttl: Int

    package init(name: String, uuid: [UInt8], generation: UInt64, ttl: Int) {
        self.name = name
        self.uuid = uuid
        self.generation = generation
        self.ttl = ttl
    }
}

extension Outgoing {
    /// The whole message but for its signature. `timestamp`: wall-clock seconds. `load`: text of `ld`.
    package func completed(as identity: WireIdentity, timestamp: UInt64, load: String) -> HAMessage {
        var message = body
        message.append("src", identity.name)
        message.append("srcuuid", binary: identity.uuid)
        if let sequence { message.append("seq", number: sequence, radix: 16) }
        message.append("hg", number: identity.generation, radix: 16)
        message.append("ts", number: timestamp, radix: 16)
        if sequence != nil { message.append("ld", load) }
        message.append("ttl", number: UInt64(max(0, identity.ttl)), radix: 10)
        return message
    }
}
