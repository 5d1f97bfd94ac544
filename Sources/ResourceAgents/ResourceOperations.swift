// Carries out one operation of resources: hands each kind to what knows it. A word of haresources is understood anew
// each time, so that a script that was installed meanwhile is found.
import CLinux
import ClusterModel
import Leases
import LinuxSystem
import Reactor

/// What all groups of a node share to work with.
package final class ResourceOperations {
    /// What the configuration says; may be replaced at any time, and then holds for what begins after.
    package struct Settings {
        package var locations: ResourceLocations
        /// Of scripts: `NAME=VALUE` entries.
        package var environment: [String]
        /// What ha.cf says of timeouts and monitors.
        package var policy: ResourcePolicy
        /// The executable that mounts (`FilesystemCommand.runIfCalled`): any that has these operations.
        package var helper = "/proc/self/exe"

        package init(_ configuration: Configuration, configurationDirectory: String) {
            locations = ResourceLocations(configurationDirectory: configurationDirectory)
            environment = ScriptEnvironment.entries(
                configuration, configurationDirectory: configurationDirectory)
            policy = configuration.policy
        }

        /// Longest run of an operation of a resource: ha.cf, then what the agent itself `declares`, then the default.
        package func timeout(
            _ operation: ResourceOperation, _ resource: ResourceSpecification, declared: Duration? = nil
        ) -> Duration {
            let configured = operation.timed.flatMap { policy.timeout(of: $0, for: resource) }
            return configured ?? declared ?? policy.operationTimeout
        }
    }

    package let loop: EventLoop
    package let addresses: AddressKeeper
    package let log: (LogRecord) -> Void
    package var settings: Settings

    /// Called when a mount has come or gone, at most a few times a second.
    package var onMountChange: () -> Void = {}

    /// Asked before a resource that is no address is started: whether that has to wait, for this node's right to hold
    /// anything has ended. Then the start is to be carried out, or cancelled, later.
    package var holdsBack: (ResourceSpecification, LateStart) -> Bool = { _, _ in false }

    private let gate: OperationGate
    private let units: SystemdUnits
    private let ledger: ProgramLedger?
    /// nil where this process has no control groups to give.
    package let groups: ResourceControlGroups?
    let advice: AgentAdvice
    private let mounts: MountWatch?
    /// What programs printed when they failed last, by resource.
    private var words: [String: String] = [:]
    /// Resources of scripts that this process has started or seen running, and not seen stopped since.
    private var seen: Set<String> = []
    /// Resources of which a program that changes them hangs in the kernel, and how many do. Whatever is found before
    /// its end may change by it: a mount that waits for its device, or an unmount that still writes to it, though the
    /// filesystem is gone from the table of mounts.
    private var hanging: [String: Int] = [:]

    package init(
        loop: EventLoop, settings: Settings, lease: (any AddressLease)? = nil, ledger: ProgramLedger? = nil,
        groups: ResourceControlGroups? = nil, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.ledger = ledger
        self.groups = groups
        advice = AgentAdvice(loop: loop, ledger: ledger, log: log)
        self.loop = loop
        self.settings = settings
        self.log = log
        gate = OperationGate(loop: loop)
        units = SystemdUnits(loop: loop)
        addresses = try AddressKeeper(loop: loop, lease: lease, log: log)
        mounts = try? MountWatch(loop: loop)
        mounts?.onChange = { [unowned self] in onMountChange() }
    }

    /// What the last operation of a resource printed, where it failed; at most `ResourceFailure.outputLengthMax` bytes.
    package func output(of resource: ResourceSpecification) -> String { words[resource.text] ?? "" }

    /// How a resource is monitored while it runs; nil where it is not. Addresses are watched by the kernel's word.
    package func monitor(for resource: ResourceSpecification) -> MonitorPolicy? {
        let isNative: Bool
        switch kind(of: resource) {
        case .filesystem, .unit: isNative = true
        case .address, .script, .invalid: isNative = false
        }
        return settings.policy.monitor(for: resource, byDefault: isNative)
    }

    /// Calls back when something may have happened to a resource, where its kind can tell; valid until the answer is
    /// released.
    package func watch(_ resource: ResourceSpecification, _ changed: @escaping () -> Void) -> AnyObject? {
        switch kind(of: resource) {
        case .unit(let unit): units.watch(unit, changed)
        case .address, .filesystem, .script, .invalid: nil
        }
    }

    /// Whether a resource is a filesystem, of which `onMountChange` tells.
    package func isFilesystem(_ resource: ResourceSpecification) -> Bool {
        if case .filesystem = kind(of: resource) { true } else { false }
    }

    /// What a resource is, as this machine is now.
    package func kind(of resource: ResourceSpecification) -> ResourceKind {
        ResourceKind(
            resource, hasScript: { settings.locations.script($0) != nil },
            hasUnit: { settings.locations.hasUnit($0) })
    }

    /// Carries out an operation of one resource. `completion` is called once, here or from the event loop. What is
    /// returned can be cancelled. `monitor`: how long and how closely to look, for monitors.
    package func run(
        _ operation: ResourceOperation, _ resource: ResourceSpecification, monitor: MonitorPolicy? = nil,
        completion: @escaping (ResourceOutcome) -> Void
    ) -> (any RunningOperation)? {
        let task = Task(
            operation: operation, resource: resource, timeout: settings.timeout(operation, resource),
            monitor: monitor, completion: completion)
        return pass(task, kind(of: resource))
    }

    /// The same of any number of addresses at once, with an outcome for each.
    package func run(
        _ operation: ResourceOperation, addresses specifications: [AddressSpecification],
        completion: @escaping ([ResourceOutcome]) -> Void
    ) -> (any RunningOperation)? {
        if operation == .start { return addresses.start(specifications, completion: completion) }
        completion(run(operation, addresses: specifications))
        return nil
    }

    /// Begins an operation when it has its turn.
    private func pass(_ task: Task, _ kind: ResourceKind) -> (any RunningOperation)? {
        if kind.isAddress { return carryOut(task, kind) }
        return gate.pass(
            OperationQueue.Urgency(task.operation),
            begin: { [self] end in
                var counted = task
                counted.completion = { outcome in
                    end()
                    task.completion(outcome)
                }
                return whenEntitled(counted) { [self] in carryOut(counted, kind) }
            },
            abandon: { task.completion(task.operation.asks ? .unknown("ended early") : .failed("ended early")) })
    }

    /// One operation of one resource.
    struct Task {
        var operation: ResourceOperation
        var resource: ResourceSpecification
        /// For monitors `monitor` has it.
        var timeout: Duration
        var monitor: MonitorPolicy?
        var completion: (ResourceOutcome) -> Void

        var probe: MonitorProbe { monitor?.probe ?? .none }
        var limit: Duration { monitor?.timeout ?? timeout }

        var name: String { resource.text }
        var fields: [Setting] { [Setting(name: "RESOURCE", value: resource.text)] }
    }

    private func run(
        _ operation: ResourceOperation, addresses specifications: [AddressSpecification]
    ) -> [ResourceOutcome] {
        switch operation {
        case .start: addresses.start(specifications)
        case .stop: addresses.stop(specifications)
        case .status, .monitor: addresses.status(specifications)
        case .validate: specifications.map { _ in .done }
        case .promote, .demote: specifications.map { _ in .failed("an address has one role") }
        }
    }

    private func carryOut(_ task: Task, _ kind: ResourceKind) -> (any RunningOperation)? {
        if hanging[task.name, default: 0] > 0 || ledger?.isHanging(task.name) == true {
            task.completion(hung(task))
            return nil
        }
        switch kind {
        case .address(let specification):
            return run(task.operation, addresses: [specification]) { task.completion($0[0]) }
        case .filesystem(let arguments): return filesystem(task, arguments)
        case .unit(let unit):
            return units.run(task.operation, unit: unit, timeout: task.limit, completion: task.completion)
        case .script(let script, let arguments):
            guard let path = settings.locations.script(script) else {
                task.completion(absent(task, "Cannot locate resource script \(script)"))
                return nil
            }
            let watched = watched(task)
            return script == "ocf" ? agent(watched, path, arguments) : self.script(watched, path, arguments)
        case .invalid(let reason):
            task.completion(absent(task, reason))
            return nil
        }
    }

    /// The same, taking note of whether the resource may run from here on.
    private func watched(_ task: Task) -> Task {
        if task.operation == .start { seen.insert(task.name) }
        var watched = task
        watched.completion = { [self] outcome in
            switch (task.operation, outcome) {
            case (.status, .running), (.monitor, .running): seen.insert(task.name)
            case (.status, .stopped), (.stop, .done): seen.remove(task.name)
            default: break
            }
            task.completion(outcome)
        }
        return watched
    }

    /// The outcome for a resource that this node does not have: it cannot be started, and does not run. But what this
    /// process has seen running may do so still, though whoever could stop it is gone: another node must not start it.
    func absent(_ task: Task, _ reason: String) -> ResourceOutcome {
        switch task.operation {
        case .start, .promote, .demote, .validate: return .failed(reason)
        case .status where seen.contains(task.name): return .unknown(reason)
        case .stop where seen.contains(task.name): return .failed("\(reason): it may run")
        case .status: return .stopped
        // What it started may run on: that its script is being replaced is no reason to stop anything.
        case .monitor: return .unasked(reason)
        case .stop:
            log(LogRecord(.error, "resource-absent", "\(task.name): \(reason)", task.fields))
            return .done
        }
    }

    /// The outcome of any operation while an earlier one hangs in the kernel. It may succeed after everybody has given
    /// it up, so nothing that is found before that says that the resource is stopped.
    private func hung(_ task: Task) -> ResourceOutcome {
        let reason = "an earlier start or stop hangs in the kernel, and may succeed yet"
        switch task.operation {
        case .status: return .unknown(reason)
        case .monitor: return .unasked(reason)
        case .start, .stop, .promote, .demote, .validate: return .failed(reason)
        }
    }

    // MARK: Programs

    private func filesystem(_ task: Task, _ arguments: FilesystemArguments) -> (any RunningOperation)? {
        var word = task.operation.rawValue
        if task.operation == .monitor {
            if task.probe == .none, mounts?.isConfirmed(arguments.directory) == true {
                task.completion(.running)
                return nil
            }
            word += "-\(task.probe.rawValue)"
        }
        let number = mounts?.number(arguments.directory)
        var spawn = Spawn(
            program: settings.helper, arguments: FilesystemCommand.commandLine(word, arguments))
        spawn.environment = settings.environment
        return program(spawn, task) { [self] result in
            switch result.ending {
            case .ended(.exited(FilesystemCommand.Exit.success)):
                mounts?.confirm(arguments.directory, number)
                return .running
            case .ended(.exited(FilesystemCommand.Exit.stopped)): return .stopped
            case .ended, .timedOut, .cancelled: return .unknown(result.failure ?? "")
            }
        }
    }

    func program(
        _ spawn: Spawn, _ task: Task, status: @escaping (ProgramRun.Result) -> ResourceOutcome
    ) -> ProgramRun? {
        let asks = task.operation.asks
        let changes = !asks && task.operation != .validate
        do throws(SystemError) {
            return try ProgramRun(
                spawn, of: task.name, changes: changes, timeout: task.limit, loop: loop, ledger: ledger, groups: groups,
                keeps: { $0 == .ended(.exited(0)) || asks && $0.isAnswer }, log: log,
                buried: { [self] in if changes { hanging[task.name, default: 0] -= 1 } }
            ) { [self] result in
                if result.isUndead, changes { hanging[task.name, default: 0] += 1 }
                var outcome: ResourceOutcome
                switch (task.operation.asks, result.ending) {
                case (true, .ended): outcome = status(result)
                case (true, .timedOut), (true, .cancelled): outcome = .unknown(result.failure ?? "")
                case (false, _): outcome = result.failure.map { .failed($0) } ?? .done
                }
                if task.operation == .monitor, outcome == .stopped { outcome = .failed(stopped(result)) }
                report(result, task, isFailure: outcome.failure != nil && result.ending != .cancelled)
                if task.operation == .stop, outcome == .done { groups?.stopped(task.name) }
                task.completion(outcome)
            }
        } catch {
            switch task.operation {
            case .status: task.completion(.unknown("\(error)"))
            case .monitor: task.completion(.unasked("\(error)"))
            case .start, .stop, .promote, .demote, .validate: task.completion(.failed("\(error)"))
            }
            return nil
        }
    }

    private func stopped(_ result: ProgramRun.Result) -> String {
        result.lastLine.map { "it does not run: \($0)" } ?? "it does not run"
    }

    /// Logs what a program said: what changes something always, what asks only for who debugs, unless it fails.
    private func report(_ result: ProgramRun.Result, _ task: Task, isFailure: Bool) {
        let lines = OutputLines.split(result.output) + OutputLines.split(result.errors)
        words[task.name] = isFailure ? OutputLines.end(of: lines, bytes: ResourceFailure.outputLengthMax) : nil
        let isQuiet = task.operation == .status || task.operation == .monitor && !isFailure
        let level: LogLevel = isQuiet ? .debug : isFailure ? .warning : .info
        let prefix = "\(task.name) \(task.operation.rawValue)"
        for line in lines { log(LogRecord(level, "script-output", "\(prefix): \(line)", task.fields)) }
        if result.isTruncated {
            log(LogRecord(level, "script-output", "\(prefix): more output was left out", task.fields))
        }
        if !task.operation.asks, let failure = result.failure {
            // One that was ended because nobody wants its work any more has not failed.
            let level: LogLevel = result.ending == .cancelled ? .notice : .error
            log(LogRecord(level, "script-failed", "\(prefix): \(failure)", task.fields))
        }
    }
}
