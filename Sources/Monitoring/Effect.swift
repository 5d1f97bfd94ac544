// Everything that the monitor has the shell do. Effects MUST be carried out in their order.
import ClusterModel

/// One thing to do.
package enum MonitorEffect: Equatable, Sendable {
    /// Start a check. `MonitorEvent.finished` MUST follow, also where it cannot be started.
    case start(CheckOrder)
    /// End a check; its end is not told any more.
    case cancel(RunID)
    case alert(AlertOrder)
    /// Run `monremote` with these words behind it, through the shell; nobody waits.
    case remote(command: String, words: [String])
    /// Send this to a client; whole lines, each with its end.
    case reply(ClientNumber, [UInt8])
    /// Close a client's connection when all is sent.
    case close(ClientNumber)
    /// Find something out; `MonitorEvent.answered` MUST follow, before any later line of this client.
    case ask(ClientNumber, Question)
    /// Write the file of disabled things.
    case saveDisabled(String)
    /// Append a line, without its end, to the history file.
    case history(String)
    /// Append a line, without its end, to the downtime log.
    case downtime(String)
    case log(LogRecord)
    /// End the daemon when all replies are sent.
    case terminate
}

/// What only the shell can find out or do.
package enum Question: Equatable, Sendable {
    case login(user: String, password: [UInt8], isLocal: Bool)
    /// Read the configuration again and put it in force (`MonitorEvent.configured`), or tell what is wrong with it.
    case reset(KeptState)
    case testConfiguration
    case reloadAuthorization
    /// Write files of the state folder; nil: that one is not asked for.
    case save(disabled: String?, status: [UInt8]?)
    /// Read files of the state folder, and tell `MonitorEvent.restore` first.
    case load(disabled: Bool, status: Bool)
    case downtimes
}
