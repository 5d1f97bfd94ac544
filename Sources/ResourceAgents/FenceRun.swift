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
        package var locations: FenceLocations
        /// Of plugins and agents: `NAME=VALUE` entries.
        package var environment: [String]
        /// Longest run of one call of a device.
        package var timeout: Duration
        /// How often a device is tried before the next one is.
        package var attempts = 3
        /// Between two attempts.
        package var pause = Duration.seconds(1)

        /// As the configuration has it; `operation_timeout` holds for devices too.
        package init(_ configuration: Configuration, configurationDirectory: String) {
            locations = FenceLocations(configurationDirectory: configurationDirectory)
            environment = ScriptEnvironment.entries(configuration, configurationDirectory: configurationDirectory)
            timeout = configuration.policy.operationTimeout
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

    /// `completion` is called once, with nil when a device has said that the node was powered off, else with what
    /// failed. `devices` in the order in which they are tried.
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
    package func start() { tryDevice() }

    private func tryDevice() {
        guard level < devices.count else {
            return completion(failures.isEmpty ? "no device here reaches it" : failures.joined(separator: "; "))
        }
        let device = devices[level]
        note(.info, "fence-device", "Resetting node \(node) with [\(device.type)], attempt \(attempt)")
        do throws(ArgumentError) {
            guard let method = device.method else { throw ArgumentError(reason: "Invalid Stonith type") }
            switch method {
            case .null: completion(nil)
            case .suicide: nextLevel("it powers off its own node only")
            case .plugin: try askForNames(try settings.locations.program(method), try FenceParameters(device))
            case .agent:
                let parameters = try FenceParameters(device)
                guard case .named(let named) = parameters else {
                    throw ArgumentError(reason: "expected parameters of the form NAME=VALUE")
                }
                if let other = FenceMethod.harmlessAction(named) {
                    throw ArgumentError(reason: "action=\(other) powers nothing off")
                }
                // What a file says was not known when this node was chosen.
                guard parameters.reaches(node) else { return nextLevel("it does not list the node") }
                try runAgent(try settings.locations.program(method), named)
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
            guard FenceMethod.hosts(result.output).contains(node) else { return nextLevel("it does not list the node") }
            try run(path, ["reset", node], parameters) { [self] _ in completion(nil) }
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
        try run(path, [], [], input: input.raw) { [self] _ in completion(nil) }
    }

    // MARK: Calls

    /// Runs a program to its end; `next` is called when that is a success.
    private func run(
        _ path: String, _ arguments: [String], _ parameters: [Setting], input: Int32? = nil,
        _ next: @escaping (ProgramRun.Result) throws(ArgumentError) -> Void
    ) throws(ArgumentError) {
        var spawn = Spawn(program: path, arguments: [path] + arguments)
        spawn.environment = settings.environment + parameters.map { "\($0.name)=\($0.value)" }
        if let input { spawn.descriptors[0] = input }
        do throws(SystemError) {
            program = try ProgramRun(spawn, timeout: settings.timeout, loop: loop, log: log) { [self] result in
                program = nil
                let action = arguments.first ?? "reboot"
                for line in OutputLines.split(result.output) + OutputLines.split(result.errors) {
                    note(.info, "fence-output", "\(devices[level].type) \(action): \(line)")
                }
                if let failure = result.failure { return retry("\(action): \(failure)") }
                do throws(ArgumentError) { try next(result) } catch { nextLevel(error.reason) }
            }
        } catch {
            throw ArgumentError(reason: "\(error)")
        }
    }

    private func retry(_ failure: String) {
        let type = devices[level].type
        note(.warning, "fence-attempt", "\(type): attempt \(attempt) to reset \(node) failed: \(failure)")
        guard attempt < settings.attempts else { return nextLevel(failure) }
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

    private func nextLevel(_ failure: String) {
        failures.append("\(devices[level].type): \(failure)")
        note(.error, "fence-device-failed", "\(devices[level].type) cannot reset \(node): \(failure)")
        level += 1
        attempt = 1
        tryDevice()
    }

    private func note(_ level: LogLevel, _ event: String, _ text: String) {
        log(LogRecord(level, event, text, [Setting(name: "NODE", value: node)]))
    }
}
