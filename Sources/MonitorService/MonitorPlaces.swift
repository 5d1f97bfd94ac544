// Where the files of the service monitor are: what the command line says, else mon.cf, else what there is.
import CLinux
import LinuxSystem
import Monitoring

/// The files and folders in force.
struct MonitorPlaces: Equatable {
    /// The configuration of this project, and that of Debian's package, which is used where ours does not exist.
    static let configurations = ["/etc/ha.d/mon.cf", "/etc/mon/mon.cf"]

    var configuration: String
    var basedir: String
    var cfbasedir: String
    var logdir: String
    var statedir: String
    var authfile: String
    var userfile: String
    /// nil: none.
    var pidfile: String?
    /// nil: histories are not kept in a file.
    var historicfile: String?
    var dtlogfile: String
    var monerrfile: String

    /// The file that is read where the command line names none.
    static var configurationByDefault: String {
        configurations.first { FileSystem.kind(of: $0) != nil } ?? configurations[0]
    }

    init(_ options: MonitorOptions, _ globals: MonitorGlobals) {
        let configuration = options.configuration ?? MonitorPlaces.configurationByDefault
        self.configuration = configuration
        basedir = options.basedir ?? globals.basedir
        let folder = configuration.split(separator: "/").dropLast().joined(separator: "/")
        cfbasedir = options.cfbasedir ?? globals.cfbasedir ?? (configuration.hasPrefix("/") ? "/" : "") + folder
        if cfbasedir.isEmpty { cfbasedir = "." }
        func under(_ folder: String, _ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }
        func existing(_ paths: [String]) -> String? { paths.first { FileSystem.kind(of: $0) == .directory } }
        logdir = under(basedir, options.logdir ?? globals.logdir ?? existing(["/var/log/mon"]) ?? "log.d")
        statedir = under(
            basedir, options.statedir ?? globals.statedir ?? existing(["/var/state/mon", "/var/lib/mon"]) ?? "state.d")
        authfile = under(cfbasedir, options.authfile ?? globals.authfile)
        userfile = under(cfbasedir, globals.userfile)
        historicfile = globals.historicfile.isEmpty ? nil : under(logdir, globals.historicfile)
        dtlogfile = under(logdir, globals.dtlogfile)
        monerrfile = globals.monerrfile
        let named = options.pidfile ?? globals.pidfile
        pidfile = named ?? (existing(["/run/mon"]) == nil ? "/run/mon.pid" : "/run/mon/mon.pid")
        if pidfile == "" { pidfile = nil }
    }
}
