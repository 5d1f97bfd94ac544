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
        /// Longest run of one operation of one script, unit or mount.
        package var timeout: Duration
        /// The executable whose `agent filesystem` mounts.
        package var helper = "/proc/self/exe"

        package init(_ configuration: Configuration, configurationDirectory: String) {
            locations = ResourceLocations(configurationDirectory: configurationDirectory)
            environment = ScriptEnvironment.entries(
                configuration, configurationDirectory: configurationDirectory)
            timeout = configuration.policy.operationTimeout
        }
    }

    package let loop: EventLoop
    package let addresses: AddressKeeper
    package let log: (LogRecord) -> Void
    package var settings: Settings

    private let units: SystemdUnits
    private let ledger: ProgramLedger?

    package init(
        loop: EventLoop, settings: Settings, lease: (any AddressLease)? = nil, ledger: ProgramLedger? = nil,
        log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.ledger = ledger
        self.loop = loop
        self.settings = settings
        self.log = log
        units = SystemdUnits(loop: loop)
        addresses = try AddressKeeper(loop: loop, lease: lease, log: log)
    }

    /// What a resource is, as this machine is now.
    package func kind(of resource: ResourceSpecification) -> ResourceKind {
        ResourceKind(
            resource, hasScript: { settings.locations.script($0) != nil },
            hasUnit: { settings.locations.hasUnit($0) })
    }

    /// Says of the next start of a group whether nobody is known to have had it just before.
    package func expectStart(of group: ResourceGroup, isCold: Bool) {
        let addresses = group.resources.compactMap { resource -> AddressSpecification? in
            if case .address(let specification) = kind(of: resource) { specification } else { nil }
        }
        self.addresses.expectStart(addresses, isCold: isCold)
    }

    /// Carries out an operation of one resource that is no address, or of any number of addresses. `completion` is
    /// called once with an outcome for each, here or from the event loop. What is returned can be cancelled.
    package func run(
        _ operation: ResourceOperation, _ resources: [ResourceSpecification],
        completion: @escaping ([ResourceOutcome]) -> Void
    ) -> (any RunningOperation)? {
        let kinds = resources.map(kind)
        let specifications = kinds.compactMap { kind -> AddressSpecification? in
            if case .address(let specification) = kind { specification } else { nil }
        }
        if specifications.count == kinds.count {
            if operation == .start { return addresses.start(specifications, completion: completion) }
            completion(run(operation, addresses: specifications))
            return nil
        }
        precondition(kinds.count == 1, "only addresses are operated on together")
        return run(operation, kinds[0], name: resources[0].text) { completion([$0]) }
    }

    private func run(
        _ operation: ResourceOperation, addresses specifications: [AddressSpecification]
    ) -> [ResourceOutcome] {
        switch operation {
        case .start: addresses.start(specifications)
        case .stop: addresses.stop(specifications)
        case .status: addresses.status(specifications)
        }
    }

    private func run(
        _ operation: ResourceOperation, _ kind: ResourceKind, name: String,
        completion: @escaping (ResourceOutcome) -> Void
    ) -> (any RunningOperation)? {
        switch kind {
        case .address(let specification):
            if operation == .start { return addresses.start([specification]) { completion($0[0]) } }
            completion(run(operation, addresses: [specification])[0])
            return nil
        case .filesystem(let arguments):
            return filesystem(operation, arguments, name: name, completion)
        case .unit(let unit):
            return units.run(operation, unit: unit, timeout: settings.timeout, completion: completion)
        case .script(let script, let arguments):
            guard let path = settings.locations.script(script) else {
                completion(absent(operation, "Cannot locate resource script \(script)", name: name))
                return nil
            }
            return self.script(operation, path, arguments, name: name, completion)
        case .invalid(let reason):
            completion(absent(operation, reason, name: name))
            return nil
        }
    }

    /// The outcome for a resource that this node does not have: it cannot be started, and does not run.
    private func absent(_ operation: ResourceOperation, _ reason: String, name: String) -> ResourceOutcome {
        switch operation {
        case .start: return .failed(reason)
        case .status: return .stopped
        case .stop:
            log(LogRecord(.error, "resource-absent", "\(name): \(reason)", [Setting(name: "RESOURCE", value: name)]))
            return .done
        }
    }

    // MARK: Programs

    private func script(
        _ operation: ResourceOperation, _ path: String, _ arguments: [String], name: String,
        _ completion: @escaping (ResourceOutcome) -> Void
    ) -> (any RunningOperation)? {
        var spawn = Spawn(program: path, arguments: [path] + arguments + [operation.rawValue])
        spawn.environment = settings.environment
        if operation != .status {
            let text = (["Running", path] + arguments + [operation.rawValue]).joined(separator: " ")
            log(LogRecord(.info, "script", text, [Setting(name: "RESOURCE", value: name)]))
        }
        return program(spawn, operation, name: name, completion) { result in
            ScriptStatus.outcome(result)
        }
    }

    private func filesystem(
        _ operation: ResourceOperation, _ arguments: FilesystemArguments, name: String,
        _ completion: @escaping (ResourceOutcome) -> Void
    ) -> (any RunningOperation)? {
        var spawn = Spawn(
            program: settings.helper,
            arguments: ["hb_resource", "agent", "filesystem", operation.rawValue] + arguments.words)
        spawn.environment = settings.environment
        return program(spawn, operation, name: name, completion) { result in
            switch result.ending {
            case .ended(.exited(FilesystemCommand.Exit.success)): .running
            case .ended(.exited(FilesystemCommand.Exit.stopped)): .stopped
            case .ended, .timedOut, .cancelled: .unknown(result.failure ?? "")
            }
        }
    }

    private func program(
        _ spawn: Spawn, _ operation: ResourceOperation, name: String,
        _ completion: @escaping (ResourceOutcome) -> Void, status: @escaping (ProgramRun.Result) -> ResourceOutcome
    ) -> (any RunningOperation)? {
        do throws(SystemError) {
            return try ProgramRun(
                spawn, timeout: settings.timeout, loop: loop, ledger: ledger, log: log
            ) { [self] result in
                report(result, operation, name: name)
                switch (operation, result.ending) {
                case (.status, .ended): completion(status(result))
                case (.status, .timedOut), (.status, .cancelled): completion(.unknown(result.failure ?? ""))
                case (.start, _), (.stop, _): completion(result.failure.map { .failed($0) } ?? .done)
                }
            }
        } catch {
            completion(operation == .status ? .unknown("\(error)") : .failed("\(error)"))
            return nil
        }
    }

    /// Logs what a program said: a start's and a stop's words always, a status's only for who debugs.
    private func report(_ result: ProgramRun.Result, _ operation: ResourceOperation, name: String) {
        let level: LogLevel = operation == .status ? .debug : result.failure == nil ? .info : .warning
        let fields = [Setting(name: "RESOURCE", value: name)]
        let lines = OutputLines.split(result.output) + OutputLines.split(result.errors)
        for line in lines { log(LogRecord(level, "script-output", "\(name) \(operation.rawValue): \(line)", fields)) }
        if result.isTruncated {
            log(LogRecord(level, "script-output", "\(name) \(operation.rawValue): more output was left out", fields))
        }
        if operation != .status, let failure = result.failure {
            // One that was ended because nobody wants its work any more has not failed.
            let level: LogLevel = result.ending == .cancelled ? .notice : .error
            log(LogRecord(level, "script-failed", "\(name) \(operation.rawValue): \(failure)", fields))
        }
    }
}
