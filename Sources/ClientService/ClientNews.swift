// What clients hear when a node or a link has changed: the messages that 3.0.6 hands to its clients
// (specs/heartbeat.md 2.3, 4.4, 4.5).
import ClusterModel
import LinuxSystem
import Messaging
import Privsep

enum ClientNews {
    /// One message for each change between two views, nodes before their links.
    static func between(_ old: ClientView, _ new: ClientView) -> [HAMessage] {
        var news: [HAMessage] = []
        for node in new.nodes {
            guard let before = old.nodes.first(where: { $0.name == node.name }) else { continue }
            if before.status != node.status { news.append(status(of: node)) }
            for link in node.links where before.links.first(where: { $0.name == link.name })?.isUp != link.isUp {
                var message = HAMessage()
                message.append(Wire.FieldName.type, Wire.MessageType.linkChange)
                message.append(Wire.FieldName.node, node.name)
                message.append(Wire.FieldName.interface, link.name)
                message.append(Wire.FieldName.status, link.isUp ? "up" : "dead")
                news.append(message)
            }
        }
        return news
    }

    private static func status(of node: ClientNode) -> HAMessage {
        var message = HAMessage()
        let isAlivePing = node.isPing && node.status != "dead"
        message.append(
            Wire.FieldName.type, isAlivePing ? Wire.MessageType.pingStatus : Wire.MessageType.status)
        if !isAlivePing { message.append(Wire.FieldName.sequence, "1") }
        message.append(Wire.FieldName.timestamp, String(max(1, Clock.wallNanoseconds() / 1_000_000_000), radix: 16))
        message.append(Wire.FieldName.source, node.name)
        message.append(Wire.FieldName.status, node.status)
        if node.isPing { message.append(Wire.FieldName.info, "ping") }
        return message
    }
}
