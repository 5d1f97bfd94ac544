// The command line of the daemon (specs/heartbeat.md 8.1).
import Admin

/// What `heartbeat` is asked to do.
enum Action: Equatable {
    case start(foreground: Bool)
    case stop
    case status
    case reload
    case check
    case help
    case version
}

/// The command line, read.
struct Options: Equatable {
    var action: Action
    var paths: Paths
    /// `-d`, as often as it was given.
    var debug = 0
    /// `-l`: no real-time priority.
    var realtime = true

    static let usage = """
        usage: heartbeat [-f] [-d] [-l] [--config-dir DIR] [--run-dir DIR]      start the daemon
               heartbeat -k | -s | -r | -n [--config-dir DIR] [--run-dir DIR]

          -f, --foreground   stay in the foreground, log to standard error as well
          -k, --stop         stop the daemon of this node: its resources go to the others; waits until it is gone
          -s, --status       tell whether the daemon runs: exit code 0 it does, 3 it does not, 1 it died
          -r, --reload       apply changed intervals, keys and log settings; moves nothing
          -n, --check        check the configuration and print what is in force: exit code 0 clean, 1 warnings, 2 errors
          -d, --debug        log more; may be given several times
          -l, --no-realtime  ask for no real-time priority
          -V                 as --version

        """ + CommonOptions.help

    static func parse(_ arguments: [String]) throws(UsageError) -> Options {
        let given = try ProgramArguments(arguments, options: [
            ProgramOption("foreground", "f"), ProgramOption("stop", "k"), ProgramOption("status", "s"),
            ProgramOption("reload", "r"), ProgramOption("check", "n"), ProgramOption("debug", "d"),
            ProgramOption("no-realtime", "l"), ProgramOption(nil, "V"),
        ])
        if let word = given.operands.first { throw UsageError("unexpected word '\(word)'") }
        var options = Options(action: .start(foreground: false), paths: given.common.paths)
        var actions: [Action] = []
        for option in given.options {
            switch option.name {
            case "foreground": options.action = .start(foreground: true)
            case "stop": actions.append(.stop)
            case "status": actions.append(.status)
            case "reload": actions.append(.reload)
            case "check": actions.append(.check)
            case "debug": options.debug += 1
            case "no-realtime": options.realtime = false
            default: actions.append(.version)
            }
        }
        if given.common.wantsHelp { actions = [.help] }
        if given.common.wantsVersion { actions = [.version] }
        if actions.count > 1 { throw UsageError("-k, -s, -r and -n exclude each other") }
        if let action = actions.first { options.action = action }
        return options
    }
}
