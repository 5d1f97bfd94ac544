// The messages to a process that has a channel to the status process beside that to control: the resource manager, the
// notifier.

/// What the control process tells such a process.
package enum ControlToHelper: Frame {
    /// Rides with one descriptor, a memory file that holds a `ConfigurationBundle` without keys. First frame; again
    /// after SIGHUP.
    case configure
    /// Rides with one descriptor: the channel to the status process. A new one replaces the old.
    case statusProcess
    /// The node's daemon ends. The resource manager leaves what runs as it is; the notifier tells what is left first.
    case finish

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .configure: writer.write(UInt8(1))
        case .statusProcess: writer.write(UInt8(2))
        case .finish: writer.write(UInt8(3))
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .configure
        case 2: self = .statusProcess
        case 3: self = .finish
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}
