// Everything that the monitor is told.
import ClusterModel

/// The number of a client's connection; never used twice by a daemon.
package typealias ClientNumber = UInt64

/// One thing that happened.
package enum MonitorEvent: Equatable, Sendable {
    /// A deadline that `Monitor.nextDeadline` named has come. Coming early does no harm.
    case wake
    /// A run is a process of its own.
    case started(RunID, pid: Int32)
    /// A run that `MonitorEffect.start` ordered has ended.
    case finished(RunID, CheckOutcome)
    /// A datagram on the trap port, from a numeric address. `isAuthorized`: `Authorization.trapRule` lets it pass, and
    /// the password is right where one is needed.
    case trap(TrapMessage, host: String, isAuthorized: Bool)
    /// A client has connected. `user`: as whom it needs no login, because the kernel vouches for it.
    case connected(ClientNumber, peer: ClientPeer)
    /// A line of a client, without its end.
    case line(ClientNumber, [UInt8])
    case disconnected(ClientNumber)
    /// What the shell found out for a client (`MonitorEffect.ask`).
    case answered(ClientNumber, Answer)
    /// A configuration is in force from now on, at the start too. MUST come with the programs that it names.
    case configured(MonitorConfiguration, ProgramTable, KeptState)
    case authorized(Authorization)
    /// Saved states, to take over where they fit.
    case restore(disabled: String?, status: [UInt8]?)
    /// Lines of the history file, to be shown to clients.
    case recalled(history: [String])
}

/// What a new configuration finds.
package enum KeptState: Equatable, Sendable {
    /// The start of the daemon.
    case atStart(stopped: Bool)
    /// `reset`: only the disabled hosts stay disabled.
    case none(stopped: Bool)
    /// `reset keepstate`, SIGHUP: what is known of services that are still there stays.
    case all(stopped: Bool)
}

/// How a run ended.
package enum CheckOutcome: Equatable, Sendable {
    case result(CheckResult)
    /// A signal ended it.
    case killed(signal: Int32, output: [UInt8])
    /// It was ended after its time.
    case timedOut(Duration, output: [UInt8])
    /// It could not be started, in the words of the system.
    case notStarted(String)

    /// As a result. A run that did not come to its own end is a failure: mon takes one that a signal ended for a
    /// success.
    var result: CheckResult {
        switch self {
        case .result(let result): result
        case .killed(let signal, let output):
            CheckOutcome.failure(128 + signal, "monitor ended by signal \(signal)", output)
        case .timedOut(let limit, let output):
            CheckOutcome.failure(124, "monitor did not end within \(IntervalText.seconds(limit))s", output)
        case .notStarted(let why): CheckResult(exit: 126, text: "monitor could not be started: \(why)\n")
        }
    }

    /// What the program said itself stays the summary where it said something; why it ended is the last line then.
    private static func failure(_ exit: Int32, _ why: String, _ output: [UInt8]) -> CheckResult {
        let saysNothing = output.allSatisfy { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: " ") }
        if saysNothing { return CheckResult(exit: exit, text: why + "\n") }
        let end = output.last == UInt8(ascii: "\n") ? "" : "\n"
        return CheckResult(exit: exit, output: output + Array((end + why + "\n").utf8))
    }
}

/// Who is at the other end of a connection.
package enum ClientPeer: Equatable, Sendable {
    /// A numeric address. `isLocal`: 127.0.0.1.
    case address(String, isLocal: Bool)
    /// A process of this machine, by its user's name. `isTrusted`: it may do everything.
    case process(user: String, isTrusted: Bool)
}

/// Answers to `Question`.
package enum Answer: Equatable, Sendable {
    /// The password is, or is not, that of the user.
    case login(user: String, accepted: Bool)
    /// nil: done; else why not, for people.
    case done(problem: String?)
    /// Lines of the downtime log; nil: it cannot be read.
    case downtimes([String]?)
}

/// Where the programs that a configuration names are.
package struct ProgramTable: Equatable, Sendable {
    /// One program that was looked for, and found.
    package struct Entry: Equatable, Sendable {
        package var isAlert: Bool
        package var name: String
        package var source: ProgramSource

        package init(isAlert: Bool, name: String, source: ProgramSource) {
            self.isAlert = isAlert
            self.name = name
            self.source = source
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }

    /// nil: there is none.
    package func monitor(_ name: String) -> ProgramSource? {
        entries.first { !$0.isAlert && $0.name == name }?.source
    }

    /// nil: there is none.
    package func alert(_ name: String) -> ProgramSource? { entries.first { $0.isAlert && $0.name == name }?.source }
}
