// Units of systemd as resources: a job is asked for, its end awaited, and the unit's state then decides
// (specs/agents.md 4).
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// What systemd's words mean.
package enum UnitState {
    /// What `status` answers for an ActiveState. A unit on its way up or down is neither running nor stopped.
    package static func outcome(activeState: String) -> ResourceOutcome {
        switch activeState {
        case "active", "reloading", "refreshing": .running
        case "inactive", "failed": .stopped
        default: .unknown("systemd says \(activeState.isEmpty ? "nothing" : activeState)")
        }
    }

    /// Whether systemd may have given up on processes of a unit that SIGKILL does not end: then the unit has failed for
    /// it, and its control group is not empty.
    package static func mayHoldUndead(activeState: String) -> Bool { activeState == "failed" }

    /// The interface of a unit that has its control group; nil where it has no processes of its own.
    package static func processInterface(_ unit: String) -> String? {
        switch unit.split(separator: ".").last {
        case "service": "Service"
        case "socket": "Socket"
        case "mount": "Mount"
        case "swap": "Swap"
        default: nil
        }
    }

    /// What `validate` answers for a LoadState.
    package static func outcome(loadState: String) -> ResourceOutcome {
        loadState == "loaded" ? .done : .failed("systemd says that the unit is \(loadState)")
    }

    /// What a start or a stop came to, from its job's result and the state after it.
    package static func outcome(
        of operation: ResourceOperation, jobResult: String, activeState: String, unit: String
    ) -> ResourceOutcome {
        let wanted: ResourceOutcome = operation == .stop ? .stopped : .running
        if outcome(activeState: activeState) == wanted { return .done }
        return .failed("job \(jobResult), then \(activeState): journalctl -u \(unit) has the unit's own words")
    }

    /// What an error to StartUnit or StopUnit means: nothing needs stopping that systemd does not know.
    package static func outcome(of operation: ResourceOperation, error: BusError) -> ResourceOutcome {
        switch operation {
        case .stop where error.name == "org.freedesktop.systemd1.NoSuchUnit": .done
        case .start, .stop, .promote, .demote, .validate: .failed(error.text)
        case .status: .unknown(error.text)
        case .monitor: .unasked(error.text)
        }
    }
}

/// Starts, stops and asks about units.
package final class SystemdUnits {
    /// Ends of jobs that are remembered: a short job may be over before the answer that names it.
    private static let removedMax = 64

    private let loop: EventLoop
    private let bus: SystemdBus
    /// Where control groups are.
    private let controlGroups: String
    private var operations: [UnitOperation] = []
    private var removed: [(job: String, result: String)] = []

    /// `busAddress`: of a bus other than the system's.
    package init(loop: EventLoop, busAddress: String? = nil, controlGroups: String = "/sys/fs/cgroup") {
        self.loop = loop
        self.controlGroups = controlGroups
        bus = SystemdBus(loop: loop, address: busAddress)
        bus.onJobRemoved = { [unowned self] job, result in jobRemoved(job, result) }
        bus.onLost = { [unowned self] in
            for operation in operations { operation.lost() }
        }
    }

    /// Carries out one operation; `completion` is called once, here or from the event loop.
    package func run(
        _ operation: ResourceOperation, unit: String, timeout: Duration,
        completion: @escaping (ResourceOutcome) -> Void
    ) -> (any RunningOperation)? {
        guard bus.isAvailable else {
            let reason = "systemd units are not available: systemd does not run this machine"
            switch operation {
            case .start, .promote, .demote, .validate: completion(.failed(reason))
            case .stop: completion(.done)
            case .status: completion(.stopped)
            case .monitor: completion(.unasked(reason))
            }
            return nil
        }
        if operation == .promote || operation == .demote {
            completion(.failed("\(unit): a unit has one role, it cannot \(operation.rawValue)"))
            return nil
        }
        let running = UnitOperation(operation, unit: unit, units: self, timeout: timeout, completion: completion)
        operations.append(running)
        running.begin(loop)
        return running
    }

    fileprivate func call(
        _ method: String, _ unit: String, _ timeout: Duration,
        _ completion: @escaping (Result<String, BusError>) -> Void
    ) throws(SystemError) -> SystemdBus.Call {
        try bus.call(method, [unit, "replace"], timeout: timeout, completion)
    }

    fileprivate func property(
        _ property: String, _ unit: String, _ timeout: Duration,
        _ completion: @escaping (Result<String, BusError>) -> Void
    ) throws(SystemError) -> SystemdBus.Call {
        try bus.property(property, ofUnit: unit, timeout: timeout, completion)
    }

    fileprivate func controlGroup(
        _ unit: String, _ interface: String, _ timeout: Duration,
        _ completion: @escaping (Result<String, BusError>) -> Void
    ) throws(SystemError) -> SystemdBus.Call {
        try bus.property("ControlGroup", ofUnit: unit, interface: interface, timeout: timeout, completion)
    }

    /// The processes of a control group, by its path for systemd, that were killed and have not ended.
    fileprivate func undead(_ path: String) -> [pid_t] {
        // A unit without processes has no path.
        path.isEmpty || path == "/" ? []
            : ControlGroup(path: controlGroups + path).processes.filter(ProcessGroup.isDying)
    }

    fileprivate func result(ofJob job: String) -> String? { removed.last { $0.job == job }?.result }

    fileprivate func ended(_ operation: UnitOperation) { operations.removeAll { $0 === operation } }

    /// Calls back whenever a property of a unit has changed, or may have: the connection was lost. Valid until the
    /// answer is released.
    package func watch(_ unit: String, _ changed: @escaping () -> Void) -> AnyObject {
        bus.watch(unit, changed)
    }

    private func jobRemoved(_ job: String, _ result: String) {
        if operations.isEmpty { return }
        removed.append((job, result))
        if removed.count > SystemdUnits.removedMax { removed.removeFirst() }
        for operation in operations { operation.jobRemoved(job, result) }
    }
}

/// One operation of one unit.
private final class UnitOperation: RunningOperation {
    private enum Stage {
        /// The job is asked for. Can transition to: waiting, asking, finished.
        case calling
        /// The job runs. Can transition to: asking, finished.
        case waiting(job: String)
        /// The state is asked for. Can transition to: searching, finished.
        case asking(jobResult: String)
        /// It has failed: whether something of it is left is asked for. Can transition to: finished.
        case searching(otherwise: ResourceOutcome)
        case finished
    }

    private let operation: ResourceOperation
    private let unit: String
    private unowned let units: SystemdUnits
    private let timeout: Duration
    private let completion: (ResourceOutcome) -> Void
    private var stage = Stage.calling
    private var call: SystemdBus.Call?
    private var timer: EventSource?

    init(
        _ operation: ResourceOperation, unit: String, units: SystemdUnits, timeout: Duration,
        completion: @escaping (ResourceOutcome) -> Void
    ) {
        self.operation = operation
        self.unit = unit
        self.units = units
        self.timeout = timeout
        self.completion = completion
    }

    func begin(_ loop: EventLoop) {
        do throws(SystemError) {
            let seconds = timeout.wholeMilliseconds / 1000
            timer = try loop.onTime(Clock.now() + timeout) { [weak self] in
                self?.fail("timed out after \(seconds) s")
            }
            switch operation {
            case .start: try request("StartUnit")
            case .stop: try request("StopUnit")
            case .status, .monitor, .validate, .promote, .demote: try ask(jobResult: "")
            }
        } catch {
            fail("\(error)")
        }
    }

    /// The job itself goes on; the stop that follows replaces it.
    func cancel() { fail("ended early") }

    func lost() { fail("the connection to systemd was lost") }

    func jobRemoved(_ job: String, _ result: String) {
        guard case .waiting(let own) = stage, own == job else { return }
        askOrFail(jobResult: result)
    }

    private func request(_ method: String) throws(SystemError) {
        call = try units.call(method, unit, timeout) { [weak self] answer in self?.requested(answer) }
    }

    private func requested(_ answer: Result<String, BusError>) {
        switch answer {
        case .failure(let error): finish(UnitState.outcome(of: operation, error: error))
        case .success(let job):
            stage = .waiting(job: job)
            if let result = units.result(ofJob: job) { jobRemoved(job, result) }
        }
    }

    private func askOrFail(jobResult: String) {
        do throws(SystemError) {
            try ask(jobResult: jobResult)
        } catch {
            fail("\(error)")
        }
    }

    private func ask(jobResult: String) throws(SystemError) {
        stage = .asking(jobResult: jobResult)
        let property = operation == .validate ? "LoadState" : "ActiveState"
        call = try units.property(property, unit, timeout) { [weak self] answer in self?.told(answer) }
    }

    private func told(_ answer: Result<String, BusError>) {
        guard case .asking(let jobResult) = stage else { return }
        switch (answer, operation) {
        case (.failure(let error), _): finish(UnitState.outcome(of: operation, error: error))
        case (.success(let state), .status), (.success(let state), .monitor):
            finish(UnitState.outcome(activeState: state), state)
        case (.success(let state), .validate): finish(UnitState.outcome(loadState: state))
        case (.success(let state), _):
            finish(UnitState.outcome(of: operation, jobResult: jobResult, activeState: state, unit: unit), state)
        }
    }

    /// With this outcome, unless the unit is down for systemd alone.
    private func finish(_ outcome: ResourceOutcome, _ activeState: String) {
        guard UnitState.mayHoldUndead(activeState: activeState), operation == .status || operation == .stop,
            let interface = UnitState.processInterface(unit)
        else { return finish(outcome) }
        stage = .searching(otherwise: outcome)
        do throws(SystemError) {
            call = try units.controlGroup(unit, interface, timeout) { [weak self] answer in self?.found(answer) }
        } catch {
            fail("\(error)")
        }
    }

    private func found(_ answer: Result<String, BusError>) {
        guard case .searching(let outcome) = stage else { return }
        switch answer {
        case .failure(let error): fail(error.text)
        case .success(let path):
            let undead = units.undead(path)
            if undead.isEmpty { return finish(outcome) }
            let numbers = undead.map(String.init).joined(separator: ", ")
            fail("processes that were killed do not end: \(numbers)")
        }
    }

    private func fail(_ reason: String) {
        switch operation {
        case .status: finish(.unknown(reason))
        // A systemd that does not answer is no reason to restart what it runs.
        case .monitor: finish(.unasked(reason))
        case .start, .stop, .promote, .demote, .validate: finish(.failed(reason))
        }
    }

    private func finish(_ outcome: ResourceOutcome) {
        if case .finished = stage { return }
        stage = .finished
        timer = nil
        units.ended(self)
        completion(outcome)
    }
}
