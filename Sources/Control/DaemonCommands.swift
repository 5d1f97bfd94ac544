// What `heartbeat` does in the foreground of an operator: start, stop, status, reload, check, with the texts and exit
// codes that init scripts know (specs/heartbeat.md 8.1).
import Admin
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem

struct DaemonCommands {
    /// Exit codes of the init script's world.
    private enum ExitCode {
        static let permission: Int32 = 4
        static let configuration: Int32 = 6
    }

    private let options: Options

    init(_ options: Options) { self.options = options }

    func run() -> Int32 {
        switch options.action {
        case .help:
            print(Options.usage, terminator: "")
            return 0
        case .version:
            print("heartbeat \(Product.version)")
            return 0
        case .check: return CheckCommand.run(ConfigurationFolder(options.paths.configurationDirectory))
        case .status: return status()
        case .stop: return stop()
        case .reload: return reload()
        case .start(let foreground): return start(foreground: foreground)
        }
    }

    private func say(_ text: String) { print(text) }
    private func complain(_ text: String) { fputs("heartbeat: \(text)\n", cl_stderr()) }

    private func status() -> Int32 {
        switch PidFile.holder(options.paths.processFile) {
        case .running(let pid):
            say("heartbeat OK [pid \(pid) et al] is running on \(ConfigurationFolder.hostName) [\(nodeName)]...")
            return 0
        case .stale:
            say("heartbeat is stopped. No process")
            return 1
        case .none:
            say("heartbeat is stopped. No process")
            return 3
        }
    }

    private var nodeName: String { ConfigurationFolder(options.paths.configurationDirectory).read().facts.localNode }

    private func stop() -> Int32 {
        guard case .running(let pid) = PidFile.holder(options.paths.processFile) else {
            say("INFO: Heartbeat already stopped.")
            return 0
        }
        if let code = signal(pid, SIGTERM) { return code }
        waitForEnd(pid)
        return 0
    }

    /// Returns an exit code where the daemon cannot be signalled.
    private func signal(_ pid: pid_t, _ number: Int32) -> Int32? {
        if kill(pid, number) == 0 { return nil }
        let code = cl_errno()
        if code == ESRCH { return nil }
        complain("cannot signal pid \(pid): \(SystemError.text(code))")
        return code == EPERM ? ExitCode.permission : 1
    }

    /// Waits without a limit, as the release of resources has none.
    private func waitForEnd(_ pid: pid_t) {
        let raw = cl_pidfd_open(pid, 0)
        guard raw >= 0 else { return }
        let descriptor = Descriptor(owning: raw)
        var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, -1) == -1 && cl_errno() == EINTR {}
    }

    private func reload() -> Int32 {
        guard case .running(let pid) = PidFile.holder(options.paths.processFile) else {
            return start(foreground: false)
        }
        let result = ConfigurationFolder(options.paths.configurationDirectory).read()
        let (configuration, diagnostics) = ConfigurationReader.read(files: result.files, facts: result.facts)
        Terminal.complain(Terminal.printable(diagnostics.rendered))
        guard configuration != nil else {
            complain("Config errors: Heartbeat pid \(pid) NOT restarted")
            return 1
        }
        do throws(AdminError) {
            // The socket rather than SIGHUP: a signal says nothing of what became of it.
            let (_, response) = try AdminClient.ask(.reload, options.paths, deadline: Clock.now() + .seconds(30))
            if response.outcome == .done {
                say("heartbeat: Signalling heartbeat pid \(pid) to reread config files")
                return 0
            }
            complain(response.text)
            return response.outcome == .denied ? ExitCode.permission : 1
        } catch {
            complain("\(error)")
            if case .notPermitted = error { return ExitCode.permission }
            return 1
        }
    }

    private func start(foreground: Bool) -> Int32 {
        let folder = ConfigurationFolder(options.paths.configurationDirectory)
        let (files, facts) = folder.read()
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        Terminal.complain(Terminal.printable(diagnostics.rendered))
        guard var configuration else {
            complain("Configuration error, heartbeat not started.")
            return ExitCode.configuration
        }
        configuration.logging.debug += options.debug
        if !options.realtime { configuration.processes.realtime = false }
        if geteuid() != 0 {
            complain("heartbeat must be started by root")
            return ExitCode.permission
        }
        do throws(SystemError) {
            // One that comes before the loop runs is obeyed then, and does not end a daemon that is about to take over
            // what runs.
            Signals.hold([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
            let paths = options.paths
            for directory in [paths.runDirectory, paths.stateDirectory] { try makeDirectory(directory) }
            guard let pidFile = try PidFile.lock(paths.processFile) else {
                say("heartbeat: already running [pid \(runningPid)].")
                return 0
            }
            if !foreground {
                switch fork() {
                case -1: throw SystemError.last("fork")
                case 0:
                    _ = setsid()
                    detach()
                    try pidFile.writeOwn()
                default: return 0
                }
            }
            let state = StateFiles(directory: paths.stateDirectory, runDirectory: paths.runDirectory)
            let control = try ControlProcess(
                configuration: configuration, files: files, paths: paths, state: state, foreground: foreground)
            let code = try control.run()
            // The daemon that follows writes it over: there is room for that on a full disk, too.
            if !control.isHandingOver { _ = unlink(paths.processFile) }
            return code
        } catch {
            complain("\(error)")
            return error.code == EACCES || error.code == EPERM ? ExitCode.permission : 1
        }
    }

    private var runningPid: pid_t {
        if case .running(let pid) = PidFile.holder(options.paths.processFile) { pid } else { 0 }
    }

    private func makeDirectory(_ path: String) throws(SystemError) {
        if mkdir(path, 0o755) == -1 && cl_errno() != EEXIST { throw SystemError.last("mkdir \(path)") }
    }

    private func detach() {
        let null = cl_open("/dev/null", O_RDWR, 0)
        guard null >= 0 else { return }
        for number: Int32 in 0...2 { _ = dup2(null, number) }
        if null > 2 { close(null) }
    }
}
