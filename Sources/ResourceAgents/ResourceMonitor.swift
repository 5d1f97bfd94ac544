// Watches what runs: carries out what `MonitorPlan` decides, for all groups of the node.
import ClusterModel
import LinuxSystem
import Reactor

/// The monitors of a node's resources.
package final class ResourceMonitor {
    private struct Watched {
        weak var runner: GroupRunner?
        var number: Int
        var filesystems: [Int]
        /// Where a resource's kind tells of changes by itself.
        var watches: [AnyObject]
    }

    private let operations: ResourceOperations
    private var plan = MonitorPlan()
    private var groups: [Watched] = []
    private var checks: [MonitorPlan.CheckID: any RunningOperation] = [:]
    private var events: [MonitorPlan.Event] = []
    private var isHandling = false
    private var timer: EventSource?
    private var numberLast = 0

    package init(_ operations: ResourceOperations) {
        self.operations = operations
        operations.onMountChange = { [unowned self] in noticeMounts() }
    }

    /// A number for a group, never used twice.
    func number() -> Int {
        numberLast += 1
        return numberLast
    }

    /// Everything of a group runs: it is watched from now on, as ha.cf says now.
    func hold(_ runner: GroupRunner) {
        let resources = runner.group.resources
        let policies = resources.indices.compactMap { index in
            operations.monitor(for: resources[index]).map { (resource: index, policy: $0) }
        }
        let number = runner.number
        groups.removeAll { $0.number == number }
        groups.append(
            Watched(
                runner: runner, number: number,
                filesystems: policies.map(\.resource).filter { operations.isFilesystem(resources[$0]) },
                watches: policies.compactMap { index, _ in
                    operations.watch(resources[index]) { [weak self] in
                        self?.handle(.noticed(MonitorPlan.ID(group: number, resource: index)))
                    }
                }))
        handle(.held(group: number, policies))
    }

    /// The group is operated on, or gone.
    func leave(_ number: Int) {
        guard groups.contains(where: { $0.number == number }) else { return }
        groups.removeAll { $0.number == number }
        handle(.left(group: number))
    }

    /// Whether failures of a group are only told.
    func suspend(_ number: Int, _ isSuspended: Bool) { handle(.suspended(group: number, isSuspended)) }

    /// Earlier restarts of a group do not count any more.
    func forget(_ number: Int) { handle(.forgotten(group: number)) }

    /// Somebody else found a resource dead, whether it is monitored here or not.
    func report(_ number: Int, _ resource: Int, _ reason: String) {
        let id = MonitorPlan.ID(group: number, resource: resource)
        guard let (_, specification) = find(id) else { return }
        handle(.reported(id, operations.monitor(for: specification) ?? MonitorPolicy(), reason))
    }

    private func noticeMounts() {
        for group in groups {
            for resource in group.filesystems {
                handle(.noticed(MonitorPlan.ID(group: group.number, resource: resource)))
            }
        }
    }

    // MARK: The plan

    /// One event at a time: what an effect brings about at once waits for the effects before it.
    private func handle(_ event: MonitorPlan.Event) {
        events.append(event)
        if isHandling { return }
        isHandling = true
        while !events.isEmpty {
            var effects: [MonitorPlan.Effect] = []
            plan.handle(events.removeFirst(), now: Clock.now(), effects: &effects)
            for effect in effects { perform(effect) }
        }
        isHandling = false
        schedule()
    }

    private func schedule() {
        guard let deadline = plan.nextDeadline else {
            timer = nil
            return
        }
        if let timer { return timer.schedule(deadline) }
        do throws(SystemError) {
            timer = try operations.loop.onTime(deadline) { [unowned self] in handle(.wake) }
        } catch {
            operations.log(LogRecord(.error, "monitor", "resources are not monitored: \(error)"))
        }
    }

    private func perform(_ effect: MonitorPlan.Effect) {
        switch effect {
        case .check(let id, let check, let policy): self.check(id, check, policy)
        case .cancel(let check): checks.removeValue(forKey: check)?.cancel()
        case .failed(let id, let reason):
            guard let (runner, resource) = find(id) else { return }
            log(.error, "monitor-failed", "\(resource.text) failed: \(reason)", resource)
            runner.note(id.resource, .monitor, reason)
        case .unasked(let id, let reason):
            guard let (_, resource) = find(id) else { return }
            log(.warning, "monitor-unasked", "\(resource.text) cannot be monitored: \(reason)", resource)
        case .restart(let id, _, let attempt):
            guard let (runner, resource) = find(id) else { return }
            let limit = (operations.monitor(for: resource) ?? MonitorPolicy()).restarts
            log(
                .warning, "resource-restart",
                "Restarting \(resource.text) and what comes after it in its group, attempt \(attempt) of \(limit)",
                resource)
            runner.restart(from: id.resource)
        case .giveUp(let id, let reason):
            guard let (runner, resource) = find(id) else { return }
            runner.giveUp("\(resource.text): \(reason)")
        }
    }

    private func check(_ id: MonitorPlan.ID, _ check: MonitorPlan.CheckID, _ policy: MonitorPolicy) {
        guard let (_, resource) = find(id) else { return handle(.finished(check, .unasked("it is gone"))) }
        var isFinished = false
        let started = operations.run(.monitor, resource, monitor: policy) { [weak self] outcome in
            isFinished = true
            self?.checks[check] = nil
            self?.handle(.finished(check, ResourceMonitor.finding(outcome)))
        }
        if !isFinished, let started { checks[check] = started }
    }

    private static func finding(_ outcome: ResourceOutcome) -> MonitorPlan.Finding {
        switch outcome {
        case .running, .done: .running
        case .stopped: .failed("it does not run")
        case .failed(let reason): .failed(reason)
        case .unknown(let reason): .unclear(reason)
        case .unasked(let reason): .unasked(reason)
        }
    }

    private func find(_ id: MonitorPlan.ID) -> (GroupRunner, ResourceSpecification)? {
        guard let runner = groups.first(where: { $0.number == id.group })?.runner,
            runner.group.resources.indices.contains(id.resource)
        else { return nil }
        return (runner, runner.group.resources[id.resource])
    }

    private func log(_ level: LogLevel, _ event: String, _ text: String, _ resource: ResourceSpecification) {
        operations.log(LogRecord(level, event, text, [Setting(name: "RESOURCE", value: resource.text)]))
    }
}
