// The command line of `mon` (specs/mon.md 2), with mon's own letters.
import Admin
import ClusterModel
import Monitoring

/// A command line, read.
struct MonitorOptions: Equatable {
    enum Action: Equatable { case run, check, help, version }

    var action = Action.run
    var paths = Paths()
    var alertdir: [String]?
    var authfile: String?
    var basedir: String?
    var cfbasedir: String?
    var configuration: String?
    var debug = 0
    var statedir: String?
    var daemonizes = false
    var histlength: Int?
    var loadsDisabled = false
    var loadsStatus = false
    var logdir: String?
    /// nil: only where the file's name ends in `.m4`.
    var m4: String?
    var maxprocs: Int?
    var facility: String?
    var serverport: UInt16?
    var pidfile: String?
    var randstart: Duration?
    var mondir: [String]?
    var startsStopped = false
    var trapport: UInt16?
    var socket: String?

    /// Where clients of this machine connect.
    var socketPath: String { socket ?? paths.monitorSocket }

    static let usage = """
        usage: mon [-dfS] [-c FILE] [-a DIRS] [-s DIRS] [-A FILE] [-b DIR] [-B DIR] [-D DIR] [-L DIR] [-P FILE]
                   [-k NUMBER] [-l[WHAT]] [-M[PATH]] [-m NUMBER] [-O FACILITY] [-p PORT] [-t PORT] [-r TIME]
               mon --check [-c FILE]

          -c FILE       configuration (/etc/ha.d/mon.cf, else /etc/mon/mon.cf)
          -a, -s DIRS   where alerts and monitors are, folders separated by colons
          -A FILE       who may do what (auth.cf)
          -b, -B DIR    what other paths are relative to: of programs, of configuration files
          -D, -L DIR    folder of the saved state, of logs
          -l[WHAT]      load the saved state: disabled (the default), opstatus or all
          -f            go to the background
          -S            start with the scheduler stopped
          -M[PATH]      have m4 read the configuration first; so are files whose name ends in .m4
          -m NUMBER     checks at once; 0: no limit
          -r TIME       spread the first checks at random over this time
          -k NUMBER     lines of history that are kept
          -p, -t PORT   TCP port of clients, UDP port of traps (2583)
          -P FILE       where the process id is written; empty: nowhere
          -O FACILITY   of syslog
          -d            log more, and allow the command dump
          -i SECONDS    taken and not used: this daemon does not poll
          -v            print the version
          --check       check the configuration: exit code 0 clean, 1 warnings, 2 errors
          --socket PATH socket for clients of this machine (mon.sock in the folder of --run-dir)

        """ + CommonOptions.help

    static func parse(_ arguments: [String]) throws(UsageError) -> MonitorOptions {
        let required: [Character] = ["a", "A", "b", "B", "c", "D", "i", "k", "L", "m", "O", "p", "P", "r", "s", "t"]
        var table = required.map { ProgramOption(nil, $0, value: .required) }
        table += (["d", "f", "S", "v"] as [Character]).map { ProgramOption(nil, $0) }
        table += [
            ProgramOption(nil, "l", value: .optional), ProgramOption(nil, "M", value: .optional),
            ProgramOption("check"), ProgramOption("socket", value: .required),
        ]
        // `-l all` and `-M /usr/bin/m4` have their value as the next word in mon.
        let given = try ProgramArguments(joined(arguments), options: table)
        if let word = given.operands.first { throw UsageError("unexpected word '\(word)'") }
        var options = MonitorOptions()
        options.paths = given.common.paths
        if let folder = given.common.configurationDirectory { options.configuration = folder + "/mon.cf" }
        for option in given.options { try options.take(option.name, option.value ?? "") }
        if given.common.wantsHelp { options.action = .help }
        if given.common.wantsVersion { options.action = .version }
        return options
    }

    private static func joined(_ words: [String]) -> [String] {
        var result: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            let next = rest.first ?? ""
            let isValue =
                word == "-l" && ["disabled", "opstatus", "all"].contains(next) || word == "-M" && next.hasPrefix("/")
            result.append(isValue ? word + next : word)
            if isValue { rest.removeFirst() }
        }
        return result
    }

    private mutating func take(_ name: String, _ value: String) throws(UsageError) {
        func folders() -> [String] { value.split(separator: ":").map(String.init) }
        switch name {
        case "a": alertdir = folders()
        case "s": mondir = folders()
        case "A": authfile = value
        case "b": basedir = value
        case "B": cfbasedir = value
        case "c": configuration = value
        case "D": statedir = value
        case "L": logdir = value
        case "P": pidfile = value
        case "O": facility = value
        case "socket": socket = value
        case "d": debug += 1
        case "f": daemonizes = true
        case "S": startsStopped = true
        case "v": action = .version
        case "check": action = .check
        case "M": m4 = value.isEmpty ? "m4" : value
        case "l":
            guard ["", "disabled", "opstatus", "all"].contains(value) else {
                throw UsageError("-l takes disabled, opstatus or all, not '\(value)'")
            }
            loadsDisabled = value != "opstatus"
            loadsStatus = value == "opstatus" || value == "all"
        case "k": histlength = try number(name, value, 0...100_000)
        case "m": maxprocs = try number(name, value, 0...100_000)
        case "p": serverport = UInt16(try number(name, value, 1...65535))
        case "t": trapport = UInt16(try number(name, value, 1...65535))
        case "r":
            guard let time = IntervalText.parse(value) else {
                throw UsageError("-r takes \(IntervalText.expectation), not '\(value)'")
            }
            randstart = time
        default: break
        }
    }

    private func number(_ name: String, _ value: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw UsageError("-\(name) takes a number, \(range.lowerBound) to \(range.upperBound), not '\(value)'")
        }
        return number
    }

    /// The command line wins over the file.
    func applied(to configuration: MonitorConfiguration) -> MonitorConfiguration {
        var result = configuration
        if let alertdir { result.globals.alertdir = alertdir }
        if let mondir { result.globals.mondir = mondir }
        if let histlength { result.globals.histlength = histlength }
        if let maxprocs { result.globals.maxprocs = maxprocs }
        if let facility { result.globals.syslogFacility = facility }
        if let serverport { result.globals.serverport = serverport }
        if let trapport { result.globals.trapport = trapport }
        if let randstart { result.globals.randstart = randstart }
        return result
    }
}
