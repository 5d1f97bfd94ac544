// Words of the wire as heartbeat 3.0.6 has them, with the base of their numbers (specs/heartbeat.md 2.2, 2.3): those
// that codecs, clients and hooks go by. Hexadecimal numbers are lower case without prefix or leading zeros.

/// Names that every node of a cluster agrees on.
package enum Wire {
    /// Names of fields.
    package enum FieldName {
        // Every message.

        /// Message type, one of `MessageType`.
        package static let type = "t"
        /// Name of the node that made the message, lower case.
        package static let source = "src"
        /// Binary, 16 bytes: the uuid of the node that made the message.
        package static let sourceUUID = "srcuuid"
        /// Name of the only node that the message is for; absent: all.
        package static let destination = "dest"
        /// Binary, 16 bytes; where present and not zero it decides instead of `dest`.
        package static let destinationUUID = "destuuid"
        /// Hexadecimal: sequence number, from 1 at each start of the sender. Absent from `NS_` types.
        package static let sequence = "seq"
        /// Hexadecimal: generation of the sender.
        package static let generation = "hg"
        /// Hexadecimal: the sender's wall clock in seconds since 1970, not 0.
        package static let timestamp = "ts"
        /// Text: the sender's /proc/loadavg, or `n/a`. Absent from `NS_` types.
        package static let load = "ld"
        /// Decimal: how many nodes the message may still pass.
        package static let timeToLive = "ttl"
        /// Text `<number> <digest>` over the classic body; always the last field.
        package static let auth = "auth"

        // Status and membership.

        /// Text: status of a node, a link or a client.
        package static let status = "st"
        /// Hexadecimal: the sender's deadtime in milliseconds; receivers judge the sender by it.
        package static let deadtime = "dt"
        /// Text: the node that the message is about.
        package static let node = "node"
        /// Text: name of a link.
        package static let interface = "ifname"

        // Resources.

        /// Text: `none`, `local`, `foreign` or `all`.
        package static let resourcesHeld = "rsc_hold"
        /// Text: a comment, or the step of the standby dialogue.
        package static let info = "info"
        /// Text: result of a client's request, or of a reset.
        package static let result = "result"

        // Clients.

        /// Text: name of the client that sent the message.
        package static let fromID = "from_id"
        /// Text: name of the client that the message is for.
        package static let toID = "to_id"
        /// Decimal.
        package static let clientGeneration = "client_gen"
        /// Text: what a client wants (`hbapi-req`).
        package static let requestType = "reqtype"
        /// Text: `respond-cstatus`, in answers to `clientstatus`.
        package static let subtype = "subt"
        /// Decimal.
        package static let processID = "pid"
        /// Text: name of the client that the message is about.
        package static let clientName = "cn"
        /// Text: `online` or `offline`.
        package static let clientStatus = "cs"
        /// Text: name of a directive of ha.cf.
        package static let parameterName = "pname"
        /// Text: value of a directive of ha.cf.
        package static let parameterValue = "pvalue"
        /// Text: `normal` or `ping`.
        package static let nodeType = "nodetype"
        /// Decimal.
        package static let nodeCount = "numnodes"
        /// Decimal.
        package static let signal = "signal"
        /// Hexadecimal: milliseconds, in the answer to `signon`.
        package static let clientDeadtime = "deadtime"
        /// Hexadecimal: milliseconds, in the answer to `signon`.
        package static let clientKeepalive = "keepalive"
        /// Decimal; -1 where none is configured.
        package static let logFacility = "logfacility"
        /// Binary, 16 bytes.
        package static let queriedUUID = "queryuuid"
        /// Text: name of a node.
        package static let queriedName = "queryname"
        /// Decimal.
        package static let weight = "weight"
        /// Text.
        package static let site = "site"

        // Compression (specs/heartbeat.md 1.6).

        /// Binary: a whole message, compressed; stands in for the message that carries it.
        package static let compressedMessage = "_compressed_payload"
        /// Text: `zlib` or `bz2`.
        package static let compressionAlgorithm = "_compression_algorithm"
    }

    /// Values of the field `t`.
    package enum MessageType {
        /// Begins the names of types without sequence number.
        private static let unsequencedPrefix = "NS_"

        /// Whether messages of a type carry no `seq` and are never asked for again.
        package static func isUnsequenced(_ type: String) -> Bool { type.hasPrefix(unsequencedPrefix) }

        /// A node's state, with each keepalive and on each change.
        package static let status = "status"
        /// A ping node's answer, as a message from it.
        package static let pingStatus = "NS_st"
        /// Asks a node for its list of nodes.
        package static let nodesRequest = "reqnodes"
        /// The sender's list of nodes.
        package static let nodesReply = "repnodes"
        /// The sender has just become active.
        package static let starting = "starting"
        /// What the sender holds.
        package static let resource = "resource"
        /// The standby dialogue.
        package static let askResources = "ask_resources"
        /// What the command hb_takeover asks for.
        package static let takeover = "hb_takeover"
        /// Asks for a group, with legacy failback only.
        package static let groupRequest = "ip-request"
        /// Answer to `ip-request`; a node also sends it to itself.
        package static let groupReply = "ip-request-resp"
        /// The sender has released everything and goes.
        package static let shutdownDone = "shutdone"
        /// Outcome of a reset.
        package static let stonith = "stonith"
        /// Nodes join the configuration.
        package static let addNode = "addnode"
        /// Nodes leave the configuration.
        package static let deleteNode = "delnode"
        /// Sets a node's weight.
        package static let setWeight = "setweight"
        /// Sets a node's site.
        package static let setSite = "setsite"
        /// Asks a node for the status of one of its clients.
        package static let clientStatusQuery = "query-cstatus"
        /// Answer to `query-cstatus`.
        package static let clientStatusReply = "respond-cstatus"
        /// A client signed on or off.
        package static let clientChange = "hbapi-clstat"
        /// A link's state changed; never on the wire.
        package static let linkChange = "ifstat"
        /// A client's request; never on the wire.
        package static let clientRequest = "hbapi-req"
        /// The answer to a client's request; never on the wire.
        package static let clientResponse = "hbapi-resp"
    }
}
