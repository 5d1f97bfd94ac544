// The door to this duty: the command line of `mon`.
import Admin
import CLinux
import CSystemd
import ClusterConfig
import ClusterModel
import Journal
import LinuxSystem
import Monitoring
import Reactor

/// The service monitor.
package enum MonitorDuty {
    private enum ExitCode {
        static let configuration: Int32 = 2
        static let system: Int32 = 1
    }

    /// Carries out a command line; as the daemon it runs until it is ended. `arguments`: the words after the program's
    /// name. `native`: makes what the daemon carries out itself, on its loop; the paths are those of the heartbeat of
    /// this machine. Returns the exit code; 2 for a wrong command line or configuration.
    package static func main(
        _ arguments: [String],
        native: (EventLoop, Log, Paths) throws -> NativeRunners = { _, _, _ in NativeRunners() }
    ) -> Int32 {
        if let code = HelperProcess.main(arguments) { return code }
        do {
            let options = try MonitorOptions.parse(arguments)
            switch options.action {
            case .help: fputs(MonitorOptions.usage, cl_stdout())
            case .version: fputs("mon-1.3.6 (\(Product.versionLine(tool: "mon")))\n", cl_stdout())
            case .check, .run: return try run(options, native)
            }
            return 0
        } catch let error as UsageError {
            complain("\(error)\nTry 'mon --help'.")
            return ExitCode.configuration
        } catch {
            complain("\(error)")
            return ExitCode.system
        }
    }

    private static func run(
        _ options: MonitorOptions, _ native: (EventLoop, Log, Paths) throws -> NativeRunners
    ) throws -> Int32 {
        Signals.hold([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
        let isCheck = options.action == .check
        if !isCheck && options.daemonizes && !goToBackground() { return 0 }
        var settings = LogSettings()
        // Until the configuration is in force.
        settings.facility = options.facility ?? MonitorGlobals().syslogFacility
        settings.debug = options.debug
        let log = Log(
            settings: settings, node: "", process: "monitor", foreground: !options.daemonizes, identifier: "mon")
        let loop = try EventLoop()
        let runners = try native(loop, log, options.paths)
        let source = ConfigurationSource(options: options, native: runners)
        let (loaded, diagnostics) = source.load()
        Terminal.complain(Terminal.printable(diagnostics.rendered))
        if isCheck { return diagnostics.exitStatus }
        guard let loaded else {
            for diagnostic in diagnostics where diagnostic.severity == .error {
                log.write(.error, "configuration", diagnostic.summary)
            }
            complain("configuration error, not started")
            return ExitCode.configuration
        }
        let daemon = MonitorDaemon(
            loop: loop, options: options, source: source, loaded: loaded, log: log, native: runners)
        try daemon.start()
        if let path = loaded.places.pidfile {
            daemon.attempt { () throws(SystemError) in
                try StateFolder.replace(path, Array("\(getpid())\n".utf8))
            }
        }
        _ = sd_notify(0, "READY=1\nSTATUS=\(loaded.configuration.services.count) services")
        loop.feedServiceWatchdog()
        let code = try loop.run()
        if let path = loaded.places.pidfile { _ = unlink(path) }
        return code
    }

    /// Whether this is the process that goes on: in a session of its own, with nothing of the caller's terminal.
    private static func goToBackground() -> Bool {
        guard fork() == 0 else { return false }
        _ = setsid()
        guard fork() == 0 else { exit(0) }
        umask(0o022)
        if let null = try? Descriptor.open("/dev/null", O_RDWR) {
            for number: Int32 in 0...2 { _ = dup2(null.raw, number) }
        }
        return true
    }

    private static func complain(_ text: String) { fputs("mon: \(text)\n", cl_stderr()) }
}
