// Powers one node off: the devices of ha.cf that reach it are levels, tried in order; each as often as its bound says,
// and no step longer than its timeout.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// One order to fence, under way.
package final class FenceRun {
    /// What all fences of a node work with.
    package struct Settings {
        package var configurationDirectory: String
        /// Of plugins and agents: `NAME=VALUE` entries.
        package var environment: [String]
        /// Longest run of one call of a device.
        package var timeout: Duration
        /// How often a device is tried before the next one is.
        package var attempts = 3
        /// Between two attempts.
        package var pause = Duration.seconds(1)
        /// A process that stood still for longer begins no call any more.
        package var stillnessMax: Duration
        /// Where the next resource manager finds what runs, so that it can end it.
        package var ledger: ProgramLedger?
        /// nil where this process has no control groups to give.
        package var groups: ResourceControlGroups?

        /// As the configuration has it; `operation_timeout` holds for devices too.
        package init(
            _ configuration: Configuration, configurationDirectory: String, ledger: ProgramLedger? = nil,
            groups: ResourceControlGroups? = nil
        ) {
            self.configurationDirectory = configurationDirectory
            self.ledger = ledger
            self.groups = groups
            // Plugins of cluster-glue call its ha_log.sh by its name.
            environment = ScriptEnvironment.entries(configuration, configurationDirectory: configurationDirectory)
                .map { $0.hasPrefix("PATH=") ? $0 + ":/usr/share/cluster-glue" : $0 }
            timeout = configuration.policy.operationTimeout
            stillnessMax = configuration.timing.deadtime
        }
    }

    private let node: String
    private let devices: [StonithDevice]
    private let settings: Settings
    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private let completion: (String?) -> Void
    private var level = 0
    private var attempt = 1
    private var failures: [String] = []
    private var program: ProgramRun?
    private var timer: EventSource?
    private var pulse: EventSource?
    private var awakeAt = Clock.now()
    private var hasStoodStill = false
    private var isRecalled = false
    private var isOver = false

    /// `completion` is called once, unless `end` comes before, with nil when a device has said that the node was
    /// powered off, else with what failed. `devices` in the order in which they are tried.
    package init(
        _ node: String, devices: [StonithDevice], settings: Settings, loop: EventLoop,
        log: @escaping (LogRecord) -> Void, completion: @escaping (String?) -> Void
    ) {
        self.node = node
        self.devices = devices
        self.settings = settings
        self.loop = loop
        self.log = log
        self.completion = completion
    }

    /// Begins. MUST be called once.
    package func start() {
        awakeAt = Clock.now()
        beat()
        tryDevice()
    }

    /// Kills what runs for it, and begins nothing more: nobody waits for the outcome.
    package func end() {
        isOver = true
        pulse = nil
        timer = nil
        program?.kill()
    }

    /// The node is back: no call begins any more. One that is under way goes on to its end, for a device must not be
    /// left half way.
    package func recall() {
        isRecalled = true
        guard timer != nil else { return }
        timer = nil
        finishRecalled()
    }

    private func finishRecalled() { finish((failures + ["the node is heard again"]).joined(separator: "; ")) }

    private func finish(_ failure: String?) {
        if isOver { return }
        isOver = true
        pulse = nil
        completion(failure)
    }

    // MARK: Standing still

    /// Notices that this process stood still, with its machine or alone: the node may have come back meanwhile.
    private func beat() {
        noteWake()
        pulse = try? loop.onTime(Clock.now() + settings.stillnessMax / 4) { [unowned self] in beat() }
    }

    private func noteWake() {
        let now = Clock.now()
        if now - awakeAt > settings.stillnessMax { hasStoodStill = true }
        awakeAt = now
    }

    // MARK: Levels

    private func tryDevice() {
        if isRecalled { return finishRecalled() }
        guard level < devices.count else {
            return finish(failures.isEmpty ? "no device here reaches it" : failures.joined(separator: "; "))
        }
        let device = devices[level]
        note(.info, "fence-device", "Resetting node \(node) with [\(device.type)], attempt \(attempt)")
        do throws(ArgumentError) {
            guard let method = device.method else { throw ArgumentError(reason: "Invalid Stonith type") }
            switch method {
            case .null: finish(nil)
            case .suicide: nextLevel("it powers off its own node only")
            case .plugin:
                try askForNames(try method.program(settings.configurationDirectory), try FenceParameters(device))
            case .agent:
                let parameters = try FenceParameters(device)
                guard case .named(let named) = parameters else {
                    throw ArgumentError(reason: "expected parameters of the form NAME=VALUE")
                }
                if let other = FenceMethod.harmlessAction(named) {
                    throw ArgumentError(reason: "action=\(other) powers nothing off")
                }
                // What a file says was not known when this node was chosen.
                guard parameters.reaches(node) else { return passOver() }
                try runAgent(try method.program(settings.configurationDirectory), named)
            }
        } catch {
            nextLevel(error.reason)
        }
    }

    // MARK: Plugins of cluster-glue

    private func askForNames(_ path: String, _ parameters: FenceParameters) throws(ArgumentError) {
        if case .named(let named) = parameters { return try askForHosts(path, named) }
        try run(path, ["getconfignames"], []) { [self] result throws(ArgumentError) in
            let names = String(decoding: result.output, as: UTF8.self)
                .split { $0 == "\n" || $0 == " " }.map(String.init)
            try askForHosts(path, try parameters.named(names))
        }
    }

    private func askForHosts(_ path: String, _ parameters: [Setting]) throws(ArgumentError) {
        try run(path, ["gethosts"], parameters) { [self] result throws(ArgumentError) in
            let hosts = FenceMethod.hosts(result.output)
            guard let host = FenceMethod.spelling(of: node, in: hosts) else { return passOver() }
            try run(path, ["reset", host], parameters) { [self] _ in finish(nil) }
        }
    }

    // MARK: Fence agents

    private func runAgent(_ path: String, _ parameters: [Setting]) throws(ArgumentError) {
        let input: Descriptor
        do throws(SystemError) {
            input = try MemoryFile.write(FenceMethod.agentInput(parameters, node: node))
        } catch {
            throw ArgumentError(reason: "\(error)")
        }
        try run(path, [], [], input: input.raw) { [self] _ in finish(nil) }
    }

    // MARK: Calls

    /// Runs a program to its end; `next` is called when that is a success.
    private func run(
        _ path: String, _ arguments: [String], _ parameters: [Setting], input: Int32? = nil,
        _ next: @escaping (ProgramRun.Result) throws(ArgumentError) -> Void
    ) throws(ArgumentError) {
        if isRecalled { return finishRecalled() }
        noteWake()
        if hasStoodStill {
            note(.error, "fence-late", "Node \(node) is not reset: this process stood still")
            return finish("this node stood still while it was at work on it")
        }
        var spawn = Spawn(program: path, arguments: [path] + arguments)
        spawn.environment = settings.environment + parameters.map { "\($0.name)=\($0.value)" }
        if let input { spawn.descriptors[0] = input }
        do throws(SystemError) {
            program = try ProgramRun(
                spawn, of: "fence \(node)", timeout: settings.timeout, loop: loop, ledger: settings.ledger,
                groups: settings.groups, keeps: { $0 == .ended(.exited(0)) }, log: log
            ) { [self] result in
                program = nil
                if isOver { return }
                let action = arguments.first ?? "reboot"
                for line in OutputLines.split(result.output) + OutputLines.split(result.errors) {
                    note(.info, "fence-output", "\(devices[level].type) \(action): \(line)")
                }
                if let failure = FenceRun.failure(result) { return retry("\(action): \(failure)") }
                do throws(ArgumentError) { try next(result) } catch { nextLevel(error.reason) }
            }
        } catch {
            throw ArgumentError(reason: "\(error)")
        }
    }

    /// Why a call failed. Behind the reason fence agents print how they are used.
    private static func failure(_ result: ProgramRun.Result) -> String? {
        var result = result
        result.errors = Array(
            OutputLines.split(result.errors).filter { !$0.contains("use '-h' for usage") }
                .joined(separator: "\n").utf8)
        return result.failure
    }

    private func retry(_ failure: String) {
        let type = devices[level].type
        note(.warning, "fence-attempt", "\(type): attempt \(attempt) to reset \(node) failed: \(failure)")
        guard attempt < settings.attempts, !isRecalled else { return nextLevel(failure) }
        attempt += 1
        do throws(SystemError) {
            timer = try loop.onTime(Clock.now() + settings.pause) { [self] in
                timer = nil
                tryDevice()
            }
        } catch {
            nextLevel("\(error)")
        }
    }

    /// As it is where each node has a device of its own.
    private func passOver() { nextLevel("it does not list the node", .info) }

    private func nextLevel(_ failure: String, _ logLevel: LogLevel = .error) {
        failures.append("\(devices[level].type): \(failure)")
        note(logLevel, "fence-device-failed", "\(devices[level].type) cannot reset \(node): \(failure)")
        level += 1
        attempt = 1
        tryDevice()
    }

    private func note(_ level: LogLevel, _ event: String, _ text: String) {
        log(LogRecord(level, event, text, [Setting(name: "NODE", value: node)]))
    }
}
