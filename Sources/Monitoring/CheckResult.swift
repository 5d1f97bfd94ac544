// What one run of a monitor gives, whoever ran it: a program of the mon family, or a native monitor. This is the seam
// between the service monitor and what checks services.
import ClusterModel

/// The outcome of one check (specs/mon.md 4).
package struct CheckResult: Equatable, Sendable {
    /// 0: the service is well; anything else: it is not. A program that a signal ended has 128 plus the signal.
    package var exit: Int32
    /// What the check has to say: the first line is the summary, the rest the detail. Bounded by who ran it.
    package var output: [UInt8]

    /// An outcome; `output` without a line end is all summary.
    package init(exit: Int32, output: [UInt8] = []) {
        self.exit = exit
        self.output = output
    }

    /// An outcome told in text.
    package init(exit: Int32, text: String) { self.init(exit: exit, output: Array(text.utf8)) }

    /// The first line, without its end.
    package var summary: [UInt8] { Array(output.prefix { $0 != UInt8(ascii: "\n") }) }

    /// Everything after the first line.
    package var detail: [UInt8] { Array(output.dropFirst(summary.count + 1)) }
}

/// Where a monitor or alert is found.
package enum ProgramSource: Equatable, Sendable, CustomStringConvertible {
    /// A program's path.
    case file(String)
    /// The name of one that this daemon carries out itself.
    case native(String)

    /// The path, or `native:NAME`: as history lines have it.
    package var description: String {
        switch self {
        case .file(let path): path
        case .native(let name): "native:\(name)"
        }
    }
}

/// The number of one run; never used twice by a daemon.
package typealias RunID = UInt64

/// A check to carry out.
package struct CheckOrder: Equatable, Sendable {
    /// Names the run until its end.
    package var run: RunID
    package var group: String
    package var service: String
    package var source: ProgramSource
    /// The words of the monitor line behind the program, without hosts.
    package var arguments: [String]
    /// The hosts to check, which follow the arguments; none where the line ends in `;;`.
    package var hosts: [String]
    /// What is set beside the daemon's own environment.
    package var environment: [Setting]
    /// After it the check is ended, and counts as failed.
    package var timeLimit: Duration

    package init(
        run: RunID, group: String, service: String, source: ProgramSource, arguments: [String] = [],
        hosts: [String] = [], environment: [Setting] = [], timeLimit: Duration
    ) {
        self.run = run
        self.group = group
        self.service = service
        self.source = source
        self.arguments = arguments
        self.hosts = hosts
        self.environment = environment
        self.timeLimit = timeLimit
    }
}

/// An alert to carry out; nobody waits for its end.
package struct AlertOrder: Equatable, Sendable {
    package var group: String
    package var service: String
    package var source: ProgramSource
    /// What every alert is told first: `-s SERVICE -g GROUP -h HOSTS -t EPOCH`, and the flag of its kind.
    package var flags: [String]
    /// The words of the alert line behind the program.
    package var arguments: [String]
    /// Standard input: what the monitor said, as a rule.
    package var input: [UInt8]
    /// What is set beside the daemon's own environment.
    package var environment: [Setting]
    /// When the check was begun that has failed; nil where the occasion is another one.
    package var observedAt: Instant?

    package init(
        group: String, service: String, source: ProgramSource, flags: [String] = [], arguments: [String] = [],
        input: [UInt8] = [], environment: [Setting] = [], observedAt: Instant? = nil
    ) {
        self.group = group
        self.service = service
        self.source = source
        self.flags = flags
        self.arguments = arguments
        self.input = input
        self.environment = environment
        self.observedAt = observedAt
    }
}
