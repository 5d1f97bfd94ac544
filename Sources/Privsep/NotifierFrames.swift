// The messages to and from the notifier, and the records of its spool, which are coded in the same way.
import ClusterModel

/// What the status process tells the notifier.
package enum StatusToNotifier: Frame {
    /// A transition to tell of. `number` grows by one with each of one status process, and `life` is that process's
    /// generation: what comes twice has the same two. `missed`: how many could not be kept before this one.
    case transition(life: UInt64, number: UInt64, Transition, missed: UInt64)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .transition(let life, let number, let transition, let missed):
            writer.write(UInt8(1))
            writer.write(life)
            writer.write(number)
            transition.encode(into: &writer)
            writer.write(missed)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1:
            self = .transition(
                life: try reader.read(UInt64.self), number: try reader.read(UInt64.self),
                try Transition(decoding: &reader), missed: try reader.read(UInt64.self))
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What the notifier tells the status process.
package enum NotifierToStatus: Frame {
    /// Everything up to this number is in the spool, and the status process may forget it.
    case kept(UInt64)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .kept(let number):
            writer.write(UInt8(1))
            writer.write(number)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .kept(try reader.read(UInt64.self))
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// One record of the notifier's spool.
package enum SpoolRecord: Frame {
    /// A transition under the number by which targets are told of it; `life` and `source` are those of the status
    /// process.
    case told(number: UInt64, life: UInt64, source: UInt64, Transition)
    /// A target needs nothing up to `number` any more; `dropped` transitions never reached it.
    case done(target: String, number: UInt64, dropped: UInt64)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .told(let number, let life, let source, let transition):
            writer.write(UInt8(1))
            writer.write(number)
            writer.write(life)
            writer.write(source)
            transition.encode(into: &writer)
        case .done(let target, let number, let dropped):
            writer.write(UInt8(2))
            writer.write(target)
            writer.write(number)
            writer.write(dropped)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1:
            self = .told(
                number: try reader.read(UInt64.self), life: try reader.read(UInt64.self),
                source: try reader.read(UInt64.self), try Transition(decoding: &reader))
        case 2:
            self = .done(
                target: try reader.readString(), number: try reader.read(UInt64.self),
                dropped: try reader.read(UInt64.self))
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

extension Transition {
    fileprivate func encode(into writer: inout FrameWriter) {
        writer.write(kind.rawValue)
        writer.write(node)
        writer.write(group != nil)
        writer.write(group ?? "")
        writer.write(epoch ?? 0)
        writer.write(cause)
        writer.write(time)
    }

    fileprivate init(decoding reader: inout FrameReader) throws(FrameError) {
        guard let kind = Kind(rawValue: try reader.readString()) else { throw FrameError(reason: "unknown transition") }
        let node = try reader.readString()
        let isOfGroup = try reader.readBool()
        let group = try reader.readString()
        let epoch = try reader.read(UInt64.self)
        self.init(
            kind: kind, node: node, group: isOfGroup ? group : nil, epoch: isOfGroup ? epoch : nil,
            cause: try reader.readString(), time: try reader.read(Int64.self))
    }
}
