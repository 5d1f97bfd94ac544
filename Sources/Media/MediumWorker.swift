// What a read or write worker is told when it starts. Control writes it into the arguments and the worker reads it
// back, both here, so that the two cannot differ.
import CLinux
import ClusterModel
import LinuxSystem

/// One worker of one medium.
package struct MediumWorker: Equatable, Sendable {
    /// Which of the two workers.
    package enum Direction: String, Sendable {
        case read, write
    }

    /// How a medium's descriptor carries messages.
    package enum Transport: Equatable, Sendable {
        /// One datagram is one message.
        case datagram
        /// A stream of bytes.
        case serial(tty: String, baud: Int)
        /// Messages travel in ICMP echo requests to the targets, and come back in the replies.
        case echo(identifier: UInt16, targets: [SocketAddress])
    }

    /// Where the worker finds the channel: frames to (read) or from (write) the status process.
    package static let channelDescriptor: Int32 = 3
    /// Where the worker finds the medium.
    package static let mediumDescriptor: Int32 = 4
    /// Where the worker finds the log file, if it is given one.
    package static let logDescriptor: Int32 = 5

    /// Whether it reads the medium or writes to it.
    package var direction: Direction
    /// Of the frames; a worker of another version refuses to start.
    package var protocolVersion: Int
    /// Process id of the starter, which the worker does not outlive.
    package var parent: pid_t
    /// The medium's position in `Configuration.media`.
    package var index: UInt16
    /// `bcast eth0`, for titles and logs.
    package var mediumTitle: String
    /// How messages travel.
    package var transport: Transport
    /// Whom the worker becomes.
    package var identity: Confinement.Identity
    /// SCHED_FIFO priority; nil for the ordinary scheduler.
    package var realtimePriority: Int?
    /// This node's name, for the log.
    package var node: String
    /// Facility, debug level and line style; the log file comes as a descriptor.
    package var logging: LogSettings
    /// Whether standard error is an operator's terminal.
    package var isForeground: Bool

    /// A worker of an open medium; `transport` is what the `OpenMedium` names.
    package init(
        direction: Direction, protocolVersion: Int, parent: pid_t, index: UInt16, medium: Medium,
        transport: Transport, identity: Confinement.Identity, realtimePriority: Int?, node: String,
        logging: LogSettings, isForeground: Bool
    ) {
        self.direction = direction
        self.protocolVersion = protocolVersion
        self.parent = parent
        self.index = index
        mediumTitle = medium.title
        self.transport = transport
        self.identity = identity
        self.realtimePriority = realtimePriority
        self.node = node
        self.logging = MediumWorker.passed(logging)
        self.isForeground = isForeground
    }

    /// What `ps` shows: `heartbeat: read: bcast eth0`.
    package var processTitle: String { "heartbeat: \(direction.rawValue): \(mediumTitle)" }

    /// Bytes beyond which a datagram is cut, and its message lost.
    package static let datagramSizeMax = 65536

    /// The worker's program, ready to start: `channel` is the worker's end of its channel, `medium` the descriptor of
    /// its direction. It leads a process group, so that Ctrl-C in a terminal reaches control alone.
    package func spawn(program: String, channel: Int32, medium: Int32, logfile: Int32?) -> Spawn {
        var spawn = Spawn(program: program, arguments: ["hb_medium"] + arguments)
        spawn.descriptors[MediumWorker.channelDescriptor] = channel
        spawn.descriptors[MediumWorker.mediumDescriptor] = medium
        if let logfile { spawn.descriptors[MediumWorker.logDescriptor] = logfile }
        // The time zone of log lines, and whether standard error is the journal's.
        spawn.environment = Spawn.inherited(["TZ", "JOURNAL_STREAM"]) + ["SWIFT_BACKTRACE=enable=no"]
        spawn.leadsProcessGroup = true
        return spawn
    }

    /// Only what a worker uses.
    private static func passed(_ settings: LogSettings) -> LogSettings {
        var passed = LogSettings()
        passed.facility = settings.facility
        passed.debug = settings.debug
        passed.syslogMessageFormat = settings.syslogMessageFormat
        return passed
    }
}

/// How a worker ends, and what its starter does about it. Any other status is a fault: start the worker again.
package enum MediumWorkerExit: Int32, Error, Sendable {
    /// The status process closed the channel: nothing to do, control starts new workers with the next channel.
    case finished = 0
    /// The arguments are not this version's: do not start again.
    case badArguments = 64
    /// The worker could not give up its rights, or its channel failed.
    case broken = 70
    /// The device is gone or failed (ENODEV, ENXIO, EIO, hang-up): open the medium again.
    case mediumLost = 74
}
