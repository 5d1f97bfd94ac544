// The service monitor as a process: what the value in `Monitoring` decides is carried out here, and what happens here
// is told to it. One thread, one event loop.
import CLinux
import ClusterConfig
import ClusterModel
import Journal
import LinuxSystem
import Monitoring
import Reactor

final class MonitorDaemon {
    /// How often the status is saved, so that a killed daemon knows most of what it knew.
    private static let saveInterval: Duration = .seconds(60)

    let loop: EventLoop
    let options: MonitorOptions
    let source: ConfigurationSource
    let log: Log
    let native: NativeRunners
    private(set) lazy var passwords = PasswordCheck(LoginHelpers(loop: loop) { [unowned self] in note($0) })
    private lazy var trapHosts = TrapHosts(loop: loop) { [unowned self] in note($0) }
    var loaded: LoadedConfiguration
    var monitor: Monitor
    private var clock = LocalClock()
    private var limits = RateLimit(burst: 50, interval: .milliseconds(200))
    private(set) var server: ClientServer?
    private var traps: TrapListener?
    private var checks: ProgramChecks?
    private var alerts: AlertPrograms?
    private var running: [RunID: any RunningCheck] = [:]
    private var timer: EventSource?
    private var saver: EventSource?
    private var signals: [EventSource] = []
    /// Who waits for the configuration to be read; the first one's reading is under way.
    private var readings: [ConfigurationSource.Completion] = []
    private var m4: M4Run?

    init(
        loop: EventLoop, options: MonitorOptions, source: ConfigurationSource, loaded: LoadedConfiguration, log: Log,
        native: NativeRunners
    ) {
        self.loop = loop
        self.options = options
        self.source = source
        self.loaded = loaded
        self.log = log
        self.native = native
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        monitor = Monitor(
            seed: UInt64.random(in: .min ... .max), serverPID: getpid(),
            hostName: name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" },
            allowsDump: options.debug > 0)
    }

    // MARK: The beginning

    /// Opens every door, and starts to watch. Throws where the ports cannot be had.
    func start() throws(SystemError) {
        let write: (LogRecord) -> Void = { [unowned self] in note($0) }
        let inherited = ProgramEnvironment.own
        checks = ProgramChecks(loop: loop, inherited: inherited, log: write)
        alerts = try AlertPrograms(loop: loop, inherited: inherited, output: loaded.places.monerrfile, log: write)
        let globals = loaded.configuration.globals
        let server = try ClientServer(loop: loop, log: write) { [unowned self] in deliver($0) }
        self.server = server
        try server.listen(on: try address(globals.serverbind, globals.serverport))
        do throws(SystemError) {
            try server.listen(at: options.socketPath)
        } catch {
            note(LogRecord(.warning, "local-socket", "no socket for clients of this machine: \(error)"))
        }
        traps = try TrapListener(on: try address(globals.trapbind, globals.trapport), loop: loop) { [unowned self] in
            trapped($0, $1)
        }
        timer = try loop.onTime(.distantFuture) { [unowned self] in deliver(.wake) }
        try watchSignals()
        let state = StateFolder(path: loaded.places.statedir)
        state.prepare()
        if globals.dtlogging { beginDowntimeLog() }
        apply(.atStart(stopped: options.startsStopped))
        if options.loadsDisabled || options.loadsStatus {
            _ = load(disabled: options.loadsDisabled, status: options.loadsStatus)
        }
        recallHistory(globals)
        saver = try loop.onTime(Clock.now() + MonitorDaemon.saveInterval) { [unowned self] in
            _ = save(disabled: nil, status: monitor.statusText(clock.moment()))
            saver?.schedule(Clock.now() + MonitorDaemon.saveInterval)
        }
        note(LogRecord(.info, "started", "mon server started"))
    }

    private func address(_ bind: String?, _ port: UInt16?) throws(SystemError) -> SocketAddress {
        let service = getservbyname("mon", "tcp").map { UInt16(truncatingIfNeeded: $0.pointee.s_port).byteSwapped }
        let text = bind ?? "0.0.0.0"
        do throws(NameError) {
            var address = try NameLookup.address(of: text, family: AF_UNSPEC)
            address.port = port ?? service ?? 2583
            return address
        } catch {
            throw SystemError(code: EADDRNOTAVAIL, operation: "listen on \(text): \(error)")
        }
    }

    private func watchSignals() throws(SystemError) {
        Signals.ignore(SIGPIPE)
        signals = [
            try loop.onSignal(SIGHUP) { [unowned self] in
                note(LogRecord(.info, "reload", "caught HUP signal, reading the configuration"))
                read { [unowned self] new, diagnostics in
                    _ = putInForce(new, diagnostics, .all(stopped: monitor.stoppedSince != nil))
                }
            },
            try loop.onSignal(SIGTERM) { [unowned self] in end("TERM") },
            try loop.onSignal(SIGINT) { [unowned self] in end("INT") },
        ]
    }

    private func recallHistory(_ globals: MonitorGlobals) {
        guard let path = loaded.places.historicfile, let lines = StateFolder.lines(path, limit: 4 << 20) else { return }
        let age = globals.historictime.wholeMilliseconds / 1000
        let oldest = age == 0 ? 0 : clock.moment().epoch - age
        let recent = lines.filter { line in HistoryLine.epoch(of: line).map { $0 >= oldest } ?? false }
        deliver(.recalled(history: Array(recent.suffix(globals.histlength))))
    }

    /// Reads the configuration beside everything else, one reading after the other: each has the files as they are when
    /// it begins, and a later one is in force later.
    func read(_ completion: @escaping ConfigurationSource.Completion) {
        readings.append(completion)
        if readings.count == 1 { beginReading() }
    }

    private func beginReading() {
        let run = source.load(on: loop) { [unowned self] loaded, diagnostics in
            m4 = nil
            let completion = readings[0]
            completion(loaded, diagnostics)
            readings.removeFirst()
            if !readings.isEmpty { beginReading() }
        }
        if let run { m4 = run }
    }

    /// Puts what was read in force.
    func apply(_ kept: KeptState) {
        let globals = loaded.configuration.globals
        log.use(facility: globals.syslogFacility)
        server?.filter = ClientFilter(globals.clientallow)
        server?.idleMax = globals.cltimeout
        let places = loaded.places
        monitor.setFolders(Monitor.Folders(
            state: places.statedir, logs: places.logdir, configuration: places.cfbasedir))
        authorize()
        deliver(.configured(loaded.configuration, loaded.programs, kept))
    }

    /// Puts the rights that were read in force, and the addresses of the hosts in them as they are found.
    func authorize() {
        passwords.forget()
        deliver(.authorized(trapHosts.filled(loaded.authorization)))
        trapHosts.lookUp(loaded.authorization) { [unowned self] in
            deliver(.authorized(trapHosts.filled(loaded.authorization)))
        }
    }

    func beginDowntimeLog() {
        attempt { () throws(SystemError) in
            try StateFolder.append(
                loaded.places.dtlogfile, HistoryLine.downtimeHeader(clock.moment().epoch))
        }
    }

    // MARK: Events and effects

    /// Tells the monitor what happened, and does what it orders.
    func deliver(_ event: MonitorEvent) {
        var effects: [MonitorEffect] = []
        monitor.handle(event, at: clock.moment(), effects: &effects)
        for effect in effects { carryOut(effect) }
        // Early is harmless, late is not: the timer is what stands now.
        if let next = monitor.nextDeadline { timer?.schedule(next) } else { timer?.disable() }
    }

    private func carryOut(_ effect: MonitorEffect) {
        switch effect {
        case .start(let order): startCheck(order)
        case .cancel(let run): running.removeValue(forKey: run)?.cancel()
        case .alert(let order):
            switch order.source {
            case .file: alerts?.start(order)
            case .native: native.alerts?.start(order)
            }
        case .remote(let command, let words): runRemote(command, words)
        case .reply(let client, let bytes): server?.reply(client, bytes)
        case .close(let client): server?.finish(client)
        case .ask(let client, let question):
            guard let answer = answer(question, for: client) else { server?.hold(client); break }
            deliver(.answered(client, answer))
        case .saveDisabled(let text): _ = save(disabled: text, status: nil)
        case .history(let line): attemptAppend(loaded.places.historicfile, line)
        case .downtime(let line): attemptAppend(loaded.places.dtlogfile, line)
        case .log(let record): note(record)
        case .terminate: end(nil)
        }
    }

    private func startCheck(_ order: CheckOrder) {
        let runner: (any CheckRunner)?
        switch order.source {
        case .file: runner = checks
        case .native: runner = native.checks
        }
        guard let runner else { return deliver(.finished(order.run, .notStarted("nobody runs \(order.source)"))) }
        var hasEnded = false
        let check = runner.start(order) { [unowned self] outcome in
            hasEnded = true
            running[order.run] = nil
            deliver(.finished(order.run, outcome))
        }
        guard let check, !hasEnded else { return }
        running[order.run] = check
        if check.pid > 0 { deliver(.started(order.run, pid: check.pid)) }
    }

    /// Nobody waits for it: an alert without a history.
    private func runRemote(_ command: String, _ words: [String]) {
        let quoted = words.map { word in
            "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        alerts?.start(AlertOrder(
            group: "monremote", service: words.first ?? "", source: .file("/bin/sh"),
            flags: ["-c", ([command] + quoted).joined(separator: " ")]))
    }

    private func trapped(_ trap: TrapMessage, _ host: String) {
        let isAuthorized =
            switch monitor.authorization.trapRule(host: host, user: trap.user) {
            case .welcome: true
            case .password(let hashes): passwords.accepts(trap: trap.password, hashes: hashes)
            case .refused: false
            }
        deliver(.trap(trap, host: host, isAuthorized: isAuthorized))
    }

    // MARK: The end

    /// Ends the daemon: what is known is saved, checks are ended, alerts go on.
    private func end(_ signal: String?) {
        if let signal { note(LogRecord(.info, "ended", "caught \(signal) signal, exiting")) }
        _ = save(disabled: monitor.disabledText, status: monitor.statusText(clock.moment()))
        endChecks()
        m4?.kill()
        server?.flushAll()
        _ = unlink(options.socketPath)
        loop.stop()
    }

    /// Programs have half a second to end; then they are killed, with all that they have started.
    private func endChecks() {
        var left = running.values.map(\.pid).filter { $0 > 0 }
        for check in running.values { check.cancel() }
        running = [:]
        let deadline = Clock.now() + .milliseconds(500)
        while !left.isEmpty, Clock.now() < deadline {
            left.removeAll { pid in
                do throws(SystemError) { return try Children.poll(pid) != nil } catch { return true }
            }
            if !left.isEmpty { Clock.wait(.milliseconds(5)) }
        }
        for pid in left { try? Children.signalGroup(pid, SIGKILL) }
    }

    // MARK: Logging

    /// A record of one kind comes at a bounded rate: a flood of traps must not become one of log lines.
    func note(_ record: LogRecord) {
        if record.level == .debug && options.debug == 0 { return }
        guard let withheld = limits.admit(record.event, now: Clock.now()) else { return }
        if withheld > 0 { log.write(.notice, "log-withheld", "\(withheld) lines of the kind \(record.event) withheld") }
        log.write(record)
    }

    func attempt(_ body: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try body()
        } catch {
            note(LogRecord(.error, "file", "\(error)"))
        }
    }

    private func attemptAppend(_ path: String?, _ line: String) {
        guard let path else { return }
        attempt { () throws(SystemError) in try StateFolder.append(path, line + "\n") }
    }
}
