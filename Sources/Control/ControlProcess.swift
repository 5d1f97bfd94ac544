// The control process: opens what needs root, starts one helper for each duty, and starts again what dies. It is not
// in the way of a heartbeat.
import Admin
import CLinux
import CSystemd
import ClusterConfig
import ClusterModel
import Journal
import LinuxSystem
import Media
import Privsep
import Reactor

final class ControlProcess {
    /// After the status process has finished, how long its writers may take to send what is queued.
    private static let drainTime = Duration.milliseconds(200)
    /// How long the notifier may take at the end of the node; what is not told by then is told at the next start.
    private static let tellingTime = Duration.seconds(2)

    let configuration: Configuration
    let paths: Paths
    let loop: EventLoop
    let log: Log
    let helpers = HelperPrograms()
    /// This process feeds the watchdog, and waits for no name server.
    let names = HostNames(patience: .milliseconds(100))

    private let state: StateFiles
    /// As they were when the configuration in force was read: a process that is started anew has the same one as the
    /// rest, whatever somebody is writing into the files by then.
    private var files: ConfigurationFiles
    /// ha.cf as it was at the start of the daemon: its nodes and media are in force until the end.
    private let firstConfig: ConfigurationFile
    private var uuid: [UInt8] = []
    let isForeground: Bool
    private var sources: [EventSource] = []
    private var networkChanges: EventSource?
    /// From a change of the network to the look at the media: a takeover changes it hundreds of times, and must not
    /// wait for this process.
    private static let networkPause = Duration.milliseconds(20)
    private var media: [MediumSupervisor] = []
    private var status: Helper?
    private var statusChannel: Channel?
    private var statusSource: EventSource?
    private var statusCheckIn: CheckIn?
    private var resources: Helper?
    private var resourceCheckIn: CheckIn?
    private var resourceChannel: Channel?
    private var resourceSource: EventSource?
    private var watchdog: Watchdog?
    private var server: AdminServer?
    /// From the moment at which this node is active.
    private var clientService: ClientServiceSupervisor?
    private var notifier: NotifierSupervisor?
    private var respawned: RespawnSupervisor?
    private let logFile: LogFile?
    private var isEnding = false
    private(set) var isHandingOver = false
    /// How this run is to end, once that was said. A status process that is started anew is told again.
    private var ending: ControlToStatus?
    private var endTimer: EventSource?

    /// `files`: what `configuration` was read from.
    init(
        configuration: Configuration, files: ConfigurationFiles, paths: Paths, state: StateFiles, foreground: Bool
    ) throws(SystemError) {
        self.configuration = configuration
        self.files = files
        firstConfig = files.haConfig
        self.paths = paths
        self.state = state
        isForeground = foreground
        loop = try EventLoop()
        var file: LogFile?
        if let path = configuration.logging.logfile { file = try LogFile(path, loop: loop) }
        logFile = file
        log = Log(
            settings: configuration.logging, node: configuration.localName, process: "control",
            logfile: try file?.writer(), foreground: foreground)
    }

    /// Runs until the node is shut down. Returns the exit code.
    func run() throws(SystemError) -> Int32 {
        Signals.ignore(SIGPIPE)
        uuid = try state.uuid(fromName: configuration.uuidFromName ? configuration.localName : nil)
        ProcessTitle.set("heartbeat: control process")
        log.write(.info, "start", "Configuration validated. Starting heartbeat \(Product.version)")
        for signal in [SIGTERM, SIGINT] {
            sources.append(try loop.onSignal(signal) { [unowned self] in shutDown() })
        }
        sources.append(try loop.onSignal(SIGHUP) { [unowned self] in _ = reload() })
        sources.append(try loop.onSignal(SIGUSR1) { [unowned self] in handOver() })
        loop.feedServiceWatchdog()
        server = try AdminServer(
            paths: paths, loop: loop, log: log, reload: { [unowned self] in reload() },
            forward: { [unowned self] in tellStatus($0) })
        media = configuration.media.enumerated().map { MediumSupervisor(MediumID($0.offset), $0.element, of: self) }
        if let device = configuration.processes.watchdog, let timeout = configuration.timing.watchdogTimeout {
            watchdog = Watchdog(device, timeout: timeout, log: log.write)
        }
        try startResourceManager()
        try startStatusProcess()
        notifier = NotifierSupervisor(self)
        notifier?.configure(configuration)
        tellProcesses()
        try watchNetwork()
        let code = try loop.run()
        server?.close()
        log.write(.info, "end", "\(configuration.localName) Heartbeat shutdown complete.")
        return code
    }

    /// Where helpers write what belongs into the log file.
    var logDescriptor: Int32? { logFile?.writeEnd }

    // MARK: The status process

    private func startStatusProcess() throws(SystemError) {
        let generation = try state.nextGeneration(fromTime: configuration.generationFromTime)
        let pair = try SocketPair()
        let identity = helpers.identity
        let priority = configuration.processes.realtime ? String(configuration.processes.realtimePriority) : "-"
        var spawn = helpers.spawn(
            "hb_status",
            [
                String(Launch.protocolVersion), String(getpid()), String(identity.user), String(identity.group),
                priority,
            ] + (isForeground ? ["foreground"] : []) + (logFile == nil ? [] : ["log"]))
        spawn.descriptors[3] = pair.second.raw
        if let logFile { spawn.descriptors[5] = logFile.writeEnd }
        let channel = Channel(pair.first)
        statusChannel = channel
        statusSource = try loop.onReadable(channel.raw) { [unowned self] in takeStatusFrames() }
        let first = try MemoryFile.write(bundle(keys: true, haConfig: firstConfig).encoded())
        tellStatus(.configure(generation: generation, uuid: uuid, confirmedFor: state.confirmedFor), [first.raw])
        // What was read since it takes as its predecessor did: intervals and keys, no other nodes or media.
        if files.haConfig.bytes != firstConfig.bytes { try tellStatusOfReload() }
        statusCheckIn = try CheckIn(loop: loop, patience: patience) { [unowned self] in
            end(silent: status, "status-silent", $0)
        }
        status = try Helper("status process", spawn, loop: loop) { [unowned self] in statusEnded($0) }
        try joinStatusAndResources()
        clientService?.join()
        notifier?.join()
        for medium in media { medium.start() }
        tellProcesses()
        if let ending { tellStatus(ending) }
    }

    /// How long the status process and the resource manager may be silent, which check in each second. Where deadtime
    /// is shorter, the others have taken over by then from a silent status process, and its successor finds that and
    /// gives up. A silent resource manager renews no lease.
    private var patience: Duration { max(.seconds(3), configuration.timing.deadtime / 2) }

    private func end(silent helper: Helper?, _ event: String, _ time: Duration) {
        guard let helper, !isEnding else { return }
        log.write(.critical, event, "the \(helper.role) has not checked in for \(time): ending it")
        helper.end()
    }

    private func statusEnded(_ how: ChildStatus) {
        takeLastWords()
        statusChannel = nil
        statusSource = nil
        statusCheckIn = nil
        server?.statusProcessLost()
        if isEnding { return endClients() }
        log.write(.error, "status-died", "the status process ended (\(how)): starting it again, resources stay")
        restart(&statusRestarts, \.statusRestart) { [unowned self] () throws(SystemError) in try startStatusProcess() }
    }

    private var statusRestarts = RestartPolicy()
    private var resourceRestarts = RestartPolicy()
    private var statusRestart: EventSource?
    private var resourceRestart: EventSource?

    private typealias Timer = ReferenceWritableKeyPath<ControlProcess, EventSource?>

    private func restart(
        _ policy: inout RestartPolicy, _ timer: Timer, _ start: @escaping () throws(SystemError) -> Void
    ) {
        attempt(start, after: policy.died(at: Clock.now()), timer)
    }

    /// Tries until it succeeds: without this process there is no resource manager either, and nobody to stop what the
    /// node may no longer hold.
    private func attempt(_ start: @escaping () throws(SystemError) -> Void, after pause: Duration, _ timer: Timer) {
        do throws(SystemError) {
            if pause == .zero { return try start() }
        } catch {
            log.write(.critical, "control", "\(error): trying again")
            return attempt(start, after: RestartPolicy.pause, timer)
        }
        do throws(SystemError) {
            self[keyPath: timer] = try loop.onTime(Clock.now() + pause) { [unowned self] in
                attempt(start, after: .zero, timer)
            }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: SystemError) {
        log.write(.critical, "control", "\(error)")
        loop.stop(code: 1)
    }

    /// Sends a frame to the status process, if there is one.
    func tellStatus(_ frame: ControlToStatus, _ descriptors: [Int32] = []) {
        do throws(SystemError) {
            guard let statusChannel else { return }
            if try statusChannel.send(frame, descriptors: descriptors) == .wouldBlock {
                log.write(.error, "status-behind", "the status process does not take what it is told")
            }
        } catch {
            log.write(.error, "status-channel", "\(error)")
        }
    }

    private func takeStatusFrames() {
        guard let statusChannel else { return }
        do {
            let isClosed = try statusChannel.drain { (frame: StatusToControl, _) in take(frame) }
            if isClosed { statusSource = nil }
        } catch {
            log.write(.error, "status-channel", "\(error)")
        }
    }

    /// What a status process that has ended left in the channel, to the end: that it has finished must not be taken for
    /// a crash.
    private func takeLastWords() {
        do {
            _ = try statusChannel?.drain(atMost: .max) { (frame: StatusToControl, _) in take(frame) }
        } catch {
            log.write(.error, "status-channel", "\(error)")
        }
    }

    private func take(_ frame: StatusToControl) {
        switch frame {
        case .state(let active, let line):
            _ = sd_notify(0, active ? "READY=1\nSTATUS=\(line)" : "STATUS=\(line)")
            if active { serveClients() }
        case .response(let client, let bytes, let last): server?.respond(client, bytes, last: last)
        case .alive(let time):
            statusCheckIn?.heard()
            watchdog?.statusIsWell(at: time)
        case .confirms(let time): keepConfirmation(time)
        case .finished: isEnding = true
        }
    }

    private func keepConfirmation(_ time: Duration) {
        do throws(SystemError) {
            try state.keep(confirmedFor: time)
        } catch {
            log.write(.error, "not-kept", "a daemon that follows cannot know what this one confirmed: \(error)")
        }
    }

    // MARK: Clients

    /// Once, when this node is active for the first time. Without it the cluster works all the same.
    private func serveClients() {
        guard respawned == nil, !isEnding, ending == nil else { return }
        do throws(SystemError) {
            clientService = try ClientServiceSupervisor(self)
        } catch {
            log.write(.error, "client-service", "no client can sign on: \(error)")
        }
        let lines = configuration.processes.respawn
        respawned = RespawnSupervisor(
            lines + Hooks.clients(paths, besides: lines), helpers: helpers, loop: loop, log: log)
        tellProcesses()
    }

    /// Ends the clients, then the rest.
    private func endClients() {
        guard let respawned else { return end(after: ControlProcess.drainTime) }
        respawned.end { [unowned self] in end(after: ControlProcess.drainTime) }
    }

    // MARK: The resource manager

    private func startResourceManager() throws(SystemError) {
        let pair = try SocketPair()
        var spawn = helpers.spawn(
            "hb_resource",
            [String(Launch.protocolVersion), String(getpid())]
                + (configuration.processes.realtime ? ["realtime"] : []) + (isForeground ? ["foreground"] : []))
        spawn.descriptors[3] = pair.second.raw
        let channel = Channel(pair.first)
        resourceChannel = channel
        resourceSource = try loop.onReadable(channel.raw) { [unowned self] in takeResourceFrames() }
        resourceCheckIn = try CheckIn(loop: loop, patience: patience) { [unowned self] in
            end(silent: resources, "resource-manager-silent", $0)
        }
        let bundle = try MemoryFile.write(bundle(keys: false).encoded())
        _ = try channel.send(ControlToHelper.configure, descriptors: [bundle.raw])
        resources = try Helper("resource manager", spawn, loop: loop) { [unowned self] in resourcesEnded($0) }
    }

    private func takeResourceFrames() {
        guard let resourceChannel else { return }
        do {
            let isClosed = try resourceChannel.drain { (frame: ResourceToControl, _) in
                switch frame {
                case .alive:
                    resourceCheckIn?.heard()
                    watchdog?.resourcesAreWell()
                }
            }
            if isClosed { resourceSource = nil }
        } catch {
            log.write(.error, "resource-channel", "\(error)")
        }
    }

    private func resourcesEnded(_ how: ChildStatus) {
        resourceSource = nil
        resourceChannel = nil
        resourceCheckIn = nil
        resources = nil
        if isEnding { return }
        log.write(.error, "resource-manager-died", "the resource manager ended (\(how)): starting it again")
        restart(&resourceRestarts, \.resourceRestart) { [unowned self] () throws(SystemError) in
            try startResourceManager()
            try joinStatusAndResources()
            tellProcesses()
        }
    }

    /// Joins the two processes by a channel of their own.
    private func joinStatusAndResources() throws(SystemError) {
        guard statusChannel != nil, let resourceChannel else { return }
        let pair = try SocketPair()
        _ = try resourceChannel.send(ControlToHelper.statusProcess, descriptors: [pair.first.raw])
        tellStatus(.resourceManager, [pair.second.raw])
    }

    // MARK: What the node is told

    /// `haConfig`: nil where it is the one in force.
    func bundle(keys: Bool, haConfig: ConfigurationFile? = nil) -> ConfigurationBundle {
        func text(_ file: ConfigurationFile) -> String { String(decoding: file.bytes ?? [], as: UTF8.self) }
        return ConfigurationBundle(
            configurationDirectory: paths.configurationDirectory, stateDirectory: paths.stateDirectory,
            runDirectory: paths.runDirectory, nodeName: configuration.localName,
            haConfig: text(haConfig ?? files.haConfig), haResources: text(files.resources),
            authKeys: keys ? files.keys.bytes ?? [] : [])
    }

    func tellProcesses() {
        var list = [RunningProcess(role: "control process", pid: getpid())]
        if let status { list.append(RunningProcess(role: status.role, pid: status.pid)) }
        if let resources { list.append(RunningProcess(role: resources.role, pid: resources.pid)) }
        if let process = clientService?.process { list.append(process) }
        if let process = notifier?.process { list.append(process) }
        for medium in media { list += medium.processes }
        list += respawned?.processes ?? []
        tellStatus(.processes(list, watchdog: watchdog?.lack))
    }

    /// Reads the files again. Returns why the old configuration stays in force; nil where the new one is.
    private func reload() -> String? {
        let (files, facts) = ConfigurationFolder(paths.configurationDirectory).read()
        let (new, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        for diagnostic in diagnostics where diagnostic.severity != .note {
            log.write(diagnostic.severity == .error ? .error : .warning, "configuration", diagnostic.summary)
        }
        guard let new else {
            log.write(.error, "reload-refused", "the configuration has errors: the old one stays in force")
            return diagnostics.filter { $0.severity == .error }.map(\.summary).joined(separator: "\n")
        }
        // What runs was started as haresources was then, and is stopped so.
        var applied = files
        applied.resources = self.files.resources
        guard ConfigurationReader.read(files: applied, facts: facts).configuration != nil else {
            let reason = "ha.cf does not go with the haresources that is in force: restart heartbeat"
            log.write(.error, "reload-refused", reason)
            return reason
        }
        let changed = [
            new.groups != configuration.groups ? "haresources" : nil,
            new.processes.watchdog != configuration.processes.watchdog ? "watchdog" : nil,
        ].compactMap { $0 }
        if !changed.isEmpty {
            let names = changed.joined(separator: ", ")
            log.write(.warning, "restart-needed", "not applied until heartbeat is restarted: \(names)")
        }
        self.files = applied
        if let timeout = new.timing.watchdogTimeout { watchdog?.change(timeout: timeout) }
        do throws(SystemError) {
            try tellStatusOfReload()
            let plain = try MemoryFile.write(bundle(keys: false).encoded())
            _ = try resourceChannel?.send(ControlToHelper.configure, descriptors: [plain.raw])
            clientService?.configure()
            notifier?.configure(new)
            tellProcesses()
            return nil
        } catch {
            log.write(.error, "reload-refused", "\(error)")
            return "\(error)"
        }
    }

    private func tellStatusOfReload() throws(SystemError) {
        let bundle = try MemoryFile.write(bundle(keys: true).encoded())
        tellStatus(.configure(generation: 0, uuid: uuid, confirmedFor: nil), [bundle.raw])
    }

    private func watchNetwork() throws(SystemError) {
        let monitor = try NetworkMonitor(links: true, addresses: true)
        let look = try loop.onTime(.distantFuture, priority: 10) { [unowned self] in
            // Which interface it was does not matter: each medium knows what it depends on.
            while let events = try? monitor.events(), !events.isEmpty {}
            networkChanges?.enable()
            for medium in media { medium.networkChanged() }
        }
        sources.append(look)
        networkChanges = try loop.onReadable(monitor.raw) { [unowned self] in
            networkChanges?.disable()
            look.schedule(Clock.now() + ControlProcess.networkPause)
        }
    }

    // MARK: The end

    private func shutDown() {
        if ServiceJob.isRestart { return handOver() }
        _ = sd_notify(0, "STOPPING=1")
        log.write(.info, "shutdown", "Heartbeat shutdown in progress. (\(getpid()))")
        isHandingOver = false
        end(by: .shutdown)
    }

    private func handOver() {
        // What is being given away cannot stay.
        if ending == .shutdown { return }
        log.write(.notice, "hand-over", "the daemon ends, resources stay where they are")
        isHandingOver = true
        guard let respawned else { return end(by: .handOver) }
        // First the clients, however long they take: the others wait for this node's next daemon only for some seconds.
        respawned.end { [unowned self] in if isHandingOver { end(by: .handOver) } }
    }

    private func end(by way: ControlToStatus) {
        ending = way
        tellStatus(way)
    }

    private func end(after pause: Duration) {
        for medium in media { medium.end() }
        clientService?.end()
        notifier?.end(isHandingOver: isHandingOver)
        if isHandingOver { watchdog?.leave(for: Timing.handOverPatience) } else { watchdog?.disarm() }
        _ = try? resourceChannel?.send(ControlToHelper.finish)
        do throws(SystemError) {
            let deadline = Clock.now() + max(pause, ControlProcess.tellingTime)
            endTimer = try loop.onTime(Clock.now() + pause) { [unowned self] in
                // Whoever is to be told that this node stops is told now, not at its next start.
                if notifier?.process == nil || Clock.now() >= deadline { return loop.stop() }
                endTimer?.schedule(Clock.now() + .milliseconds(20))
            }
        } catch {
            loop.stop()
        }
    }
}
