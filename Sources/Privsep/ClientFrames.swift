// The messages to and from the client service, which serves heartbeat's client library (specs/heartbeat.md section 7).
import ClusterModel

/// What the control process tells the client service.
package enum ControlToClients: Frame {
    /// Rides with one descriptor, a memory file that holds a `ConfigurationBundle` without keys. First frame.
    case configure
    /// Rides with one descriptor: the channel to the status process. A new one replaces the old.
    case statusProcess

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .configure: writer.write(UInt8(1))
        case .statusProcess: writer.write(UInt8(2))
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .configure
        case 2: self = .statusProcess
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What clients are told of one member.
package struct ClientNode: Equatable, Sendable {
    package var name: String
    package var isPing: Bool
    /// In the words of the wire: `active`, `dead`, `ping`.
    package var status: String
    /// In the order of the media, each name once.
    package var links: [ClientLink]
    /// 16 bytes; nil where it is not known.
    package var uuid: [UInt8]?

    package init(name: String, isPing: Bool, status: String, links: [ClientLink], uuid: [UInt8]? = nil) {
        self.name = name
        self.isPing = isPing
        self.status = status
        self.links = links
        self.uuid = uuid
    }
}

/// What clients are told of one medium towards a member.
package struct ClientLink: Equatable, Sendable {
    package var name: String
    package var isUp: Bool

    package init(name: String, isUp: Bool) {
        self.name = name
        self.isUp = isUp
    }
}

/// What clients are told of the cluster.
package struct ClientView: Equatable, Sendable {
    package var localName: String
    /// none, local, foreign, all or transition.
    package var holdings: String
    /// In the order of `Configuration.members`.
    package var nodes: [ClientNode]

    package init(localName: String, holdings: String, nodes: [ClientNode]) {
        self.localName = localName
        self.holdings = holdings
        self.nodes = nodes
    }
}

/// What the status process tells the client service.
package enum StatusToClients: Frame {
    /// The cluster as it is: once when `watch` begins, then when it has changed.
    case view(ClientView)
    /// A message for this node's clients, in netstring text.
    case message([UInt8])
    /// Whether clients may speak to the cluster; they may until this says otherwise. What is sent all the same is kept.
    case flow(isOpen: Bool)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .view(let view):
            writer.write(UInt8(1))
            writer.write(view.localName)
            writer.write(view.holdings)
            writer.write(UInt16(clamping: view.nodes.count))
            for node in view.nodes {
                writer.write(node.name)
                writer.write(node.isPing)
                writer.write(node.status)
                writer.write(bytes: node.uuid ?? [])
                writer.write(UInt16(clamping: node.links.count))
                for link in node.links {
                    writer.write(link.name)
                    writer.write(link.isUp)
                }
            }
        case .message(let bytes):
            writer.write(UInt8(2))
            writer.write(bytes: bytes)
        case .flow(let isOpen):
            writer.write(UInt8(3))
            writer.write(isOpen)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1:
            var view = ClientView(localName: try reader.readString(), holdings: try reader.readString(), nodes: [])
            for _ in 0..<(try reader.read(UInt16.self)) {
                var node = ClientNode(
                    name: try reader.readString(), isPing: try reader.readBool(), status: try reader.readString(),
                    links: [])
                let uuid = try reader.readBytes()
                node.uuid = uuid.isEmpty ? nil : uuid
                for _ in 0..<(try reader.read(UInt16.self)) {
                    node.links.append(ClientLink(name: try reader.readString(), isUp: try reader.readBool()))
                }
                view.nodes.append(node)
            }
            self = .view(view)
        case 2: self = .message(try reader.readBytes())
        case 3: self = .flow(isOpen: try reader.readBool())
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What the client service tells the status process.
package enum ClientsToStatus: Frame {
    /// Whether the state of the cluster is wanted: answered by a `view` now, and by one after each change.
    case watch(Bool)
    /// A client's message to the cluster, in netstring text.
    case send([UInt8])

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .watch(let isWanted):
            writer.write(UInt8(1))
            writer.write(isWanted)
        case .send(let bytes):
            writer.write(UInt8(2))
            writer.write(bytes: bytes)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .watch(try reader.readBool())
        case 2: self = .send(try reader.readBytes())
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}
