// What a client may send to the cluster: anything but what nodes decide by. A client that could speak as a daemon could
// make two nodes own one address.

/// The rules for messages of clients and of the FIFO.
package enum ClientMessageRules {
    /// Longest text of a client's message in bytes: on a slow serial line it delays the heartbeats behind it.
    package static let sizeMax = 4096

    /// Fields that the sending node adds (specs/heartbeat.md 2.1); what a client says of them is dropped.
    private static let controlFields = [
        Wire.FieldName.source, Wire.FieldName.sourceUUID, Wire.FieldName.destinationUUID, Wire.FieldName.sequence,
        Wire.FieldName.generation, Wire.FieldName.timestamp, Wire.FieldName.load, Wire.FieldName.timeToLive,
        Wire.FieldName.auth,
    ]

    /// Types that nodes speak by, or that never go over the wire.
    private static let reservedTypes = [
        Wire.MessageType.status, Wire.MessageType.nodesRequest, Wire.MessageType.nodesReply,
        Wire.MessageType.starting, Wire.MessageType.resource, Wire.MessageType.askResources,
        Wire.MessageType.takeover, Wire.MessageType.groupRequest, Wire.MessageType.groupReply,
        Wire.MessageType.shutdownDone, Wire.MessageType.stonith, Wire.MessageType.addNode,
        Wire.MessageType.deleteNode, Wire.MessageType.setWeight, Wire.MessageType.setSite,
        Wire.MessageType.linkChange, Wire.MessageType.clientRequest, Wire.MessageType.clientResponse,
    ]

    /// Whether only daemons may send messages of a type.
    private static func isReserved(_ type: String) -> Bool {
        Wire.MessageType.isUnsequenced(type) || reservedTypes.contains(type)
    }

    /// The message without control fields, ready to be sent; nil where a client must not send it: without a type, of
    /// a reserved one, too long, or nothing that both wire formats can express.
    package static func body(of message: HAMessage) -> HAMessage? {
        guard let type = message.text(Wire.FieldName.type), !type.isEmpty, !isReserved(type) else { return nil }
        var body = message
        body.fields.removeAll { controlFields.contains($0.name) }
        var writer = ByteWriter()
        do throws(WireError) {
            try ClassicCodec.encode(body, into: &writer)
            try NetstringCodec.encode(body, into: &writer)
        } catch {
            return nil
        }
        return writer.count <= 2 * sizeMax ? body : nil
    }
}
