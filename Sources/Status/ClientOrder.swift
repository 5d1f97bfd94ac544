// What a client's message asks of this node itself: the words by which heartbeat's own clients give orders
// (specs/heartbeat.md 5.5, section 7).
import Admin
import ClusterModel
import Messaging

/// Tells orders from words to the cluster.
enum ClientOrder {
    /// The request that a message stands for; nil for words to the cluster.
    static func request(_ message: HAMessage) -> AdminRequest? {
        let selection = GroupSelection(word: message.text(Wire.FieldName.resourcesHeld) ?? "all")
        switch (message.text(Wire.FieldName.type), message.text(Wire.FieldName.info)) {
        case (Wire.MessageType.askResources, "me"): return .standby(selection)
        case (Wire.MessageType.takeover, _): return .takeover(selection)
        default: return nil
        }
    }
}
