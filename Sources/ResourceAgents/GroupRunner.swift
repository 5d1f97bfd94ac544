// One group of this node at work: carries out what `GroupRun` decides.
import ClusterModel
import Failovers
import LinuxSystem
import Reactor

/// Runs the orders for one group.
package final class GroupRunner {
    /// Called with an order's answer: why it failed, and whether something of the group may run.
    package typealias Answer = (_ order: GroupRun.OrderID, _ failure: String?, _ remains: Bool) -> Void

    /// What of a group runs.
    package enum Found: Equatable, Sendable {
        case stopped, held, partial
    }

    package let group: ResourceGroup
    /// What went wrong with each of its resources since the last cleanup: one entry for each that has failed, and one
    /// for each that has left something behind.
    package var failures: [ResourceFailure] { Array((failed + left).suffix(GroupRunner.failuresMax)) }
    private var failed: [ResourceFailure] = []
    private var left: [ResourceFailure] = []
    /// Called when `failures` has changed.
    package var onFailure: () -> Void = {}
    /// Called with a reason when the held group has failed, and this node did not bring it up again.
    package var onLost: (String) -> Void = { _ in }
    /// Called with what was done, for the record of failovers: after the answer that came of it.
    package var onSteps: ([FailoverStep]) -> Void = { _ in }
    package var isIdle: Bool { run.isIdle }
    /// Whether something of the group may run, as far as this process knows.
    package private(set) var mayRun = false
    /// The retries of stops from now on.
    package var policy: ResourcePolicy {
        get { run.policy }
        set { run.policy = newValue }
    }

    /// Of the group, for its monitors.
    let number: Int

    /// Resources of one group whose failures are kept, the latest ones: they must fit into a frame.
    private static let failuresMax = 32

    private let operations: ResourceOperations
    private let monitor: ResourceMonitor
    private let answer: Answer
    private let log: (LogRecord) -> Void
    /// Of each resource that is a native address, what its word says: that is the same at any time.
    private let addresses: [AddressSpecification?]
    private var run: GroupRun
    private var events: [GroupRun.Event] = []
    /// What is logged when the event under way has been handled.
    private var records: [LogRecord] = []
    private var isHandling = false
    private var running: (any RunningOperation)?
    private var isCancelled = false
    private var pause: EventSource?
    private var lastStart: GroupRun.OrderID?
    /// What was done and not told yet.
    private var steps: [FailoverStep] = []

    /// `log`: who is told what is decided for the group; nil: as for its operations.
    package init(
        _ group: ResourceGroup, policy: ResourcePolicy, operations: ResourceOperations, monitor: ResourceMonitor,
        log: ((LogRecord) -> Void)? = nil, answer: @escaping Answer
    ) {
        self.group = group
        self.operations = operations
        self.monitor = monitor
        number = monitor.number()
        self.answer = answer
        self.log = log ?? operations.log
        addresses = group.resources.map { operations.kind(of: $0).address }
        run = GroupRun(group: group, isAddress: addresses.map { $0 != nil }, policy: policy)
    }

    deinit { monitor.leave(number) }

    /// Takes an order; its answer may come before this returns.
    package func take(_ order: GroupRun.Order) {
        switch order {
        case .start(let id), .reassert(let id):
            lastStart = id
            mayRun = true
        case .stop: break
        }
        handle(.ordered(order))
    }

    /// Finds out what of the group runs; what is wholly here is held from now on. `completion` may be called before
    /// this returns. A group that is being brought up or taken down is partly here; one of which a part is started
    /// again is held, until that fails (`onLost`).
    package func takeInventory(_ completion: @escaping (Found) -> Void) {
        if !isIdle { return completion(run.isRestarting ? .held : .partial) }
        ask(from: 0, []) { [self] outcomes in
            let found: Found
            if !isIdle {
                found = .partial
            } else if outcomes.allSatisfy({ $0 == .running }) {
                found = .held
                hold(announce: false)
            } else {
                found = outcomes.allSatisfy { $0 == .stopped } ? .stopped : .partial
            }
            mayRun = found != .stopped
            completion(found)
        }
    }

    /// Asks for the status of one resource after the other, neighbouring addresses together.
    private func ask(
        from index: Int, _ outcomes: [ResourceOutcome], _ completion: @escaping ([ResourceOutcome]) -> Void
    ) {
        if index >= group.resources.count { return completion(outcomes) }
        let step = index..<index + max(1, addresses[index...].prefix { $0 != nil }.count)
        _ = operate(.status, Array(step)) { [self] answers in
            ask(from: step.upperBound, outcomes + answers, completion)
        }
    }

    /// Says of the next start whether nobody is known to have had the group just before.
    package func expectStart(isCold: Bool) { operations.addresses.expectStart(allAddresses, isCold: isCold) }

    /// Removes the group's addresses at once, whatever else is under way. An order to stop the group MUST follow.
    package func removeAddresses() {
        let specifications = allAddresses
        // One that cannot be removed here is tried again, and complained of, in its turn.
        if !specifications.isEmpty { _ = operations.addresses.stop(specifications) }
    }

    private func hold(announce: Bool) {
        let specifications = allAddresses
        if !specifications.isEmpty {
            operations.addresses.hold(specifications, group: group.name, announce: announce)
        }
        isWatched = true
        monitor.hold(self)
    }

    // MARK: Monitoring

    private var isWatched = false

    /// ha.cf was read again: the group is watched as it says now.
    package func monitorAnew() { if isWatched { monitor.hold(self) } }

    /// Whether failures are only told: an operator wants nothing to be started or stopped.
    package func suspend(_ isSuspended: Bool) { monitor.suspend(number, isSuspended) }

    /// An operator's cleanup: what failed is forgotten.
    package func forgetFailures() {
        monitor.forget(number)
        if failures.isEmpty { return }
        failed = []
        left = []
        onFailure()
    }

    /// Somebody found a resource dead; nothing follows unless the group is held, for whatever is under way sees to it.
    package func fail(_ resource: Int, _ reason: String) {
        if isWatched, group.resources.indices.contains(resource) { monitor.report(number, resource, reason) }
    }

    /// Starts a failed resource again, with those after it.
    func restart(from resource: Int) { handle(.restart(from: resource)) }

    /// The group cannot be kept here.
    func giveUp(_ reason: String) {
        isWatched = false
        onLost(reason)
    }

    /// Counts a failed operation of one resource.
    func note(_ resource: Int, _ operation: ResourceOperation, _ reason: String) {
        let specification = group.resources[resource]
        let earlier = failed.first { $0.resource == specification.text }?.count ?? 0
        failed.removeAll { $0.resource == specification.text }
        failed.append(
            ResourceFailure(
                resource: specification.text, count: earlier + 1, operation: operation.rawValue, reason: reason,
                output: operations.output(of: specification), at: Clock.now()))
        if failed.count > GroupRunner.failuresMax { failed.removeFirst() }
        onFailure()
    }

    /// A stop that succeeded has left processes of a resource running, or, with nil, they have ended.
    package func noteLeft(_ resource: String, _ reason: String?) {
        guard group.resources.contains(where: { $0.text == resource }) else { return }
        let known = left.count
        left.removeAll { $0.resource == resource }
        if let reason {
            left.append(
                ResourceFailure(
                    resource: resource, count: 1, operation: ResourceOperation.stop.rawValue, reason: reason,
                    output: "", at: Clock.now()))
            if left.count > GroupRunner.failuresMax { left.removeFirst() }
        }
        if reason != nil || left.count != known { onFailure() }
    }

    private var allAddresses: [AddressSpecification] { addresses.compactMap(\.self) }

    /// One event at a time: what an action brings about at once waits for the actions before it.
    private func handle(_ event: GroupRun.Event) {
        defer { if !isHandling { writeLog() } }
        events.append(event)
        if isHandling { return }
        isHandling = true
        while !events.isEmpty {
            var actions: [GroupRun.Action] = []
            run.handle(events.removeFirst(), actions: &actions)
            for action in actions { perform(action) }
        }
        isHandling = false
        if isWatched, !isIdle {
            isWatched = false
            monitor.leave(number)
        }
        if !steps.isEmpty { tellSteps() }
    }

    private func tellSteps() {
        onSteps(steps)
        steps.removeAll()
    }

    private func perform(_ action: GroupRun.Action) {
        switch action {
        case .run(let operation, let resources): begin(operation, resources)
        case .cancel:
            isCancelled = true
            running?.cancel()
        case .pause(let duration): rest(duration)
        case .hold(let announce): hold(announce: announce)
        case .answer(let order, let failure, let remains):
            mayRun = remains || (order == lastStart && failure == nil)
            answer(order, failure, remains)
        case .restarted(let failure):
            if let failure { giveUp("could not be started again: \(failure)") }
        case .log(let record): records.append(record)
        }
    }

    /// Nobody waits for a line of the log, and clients wait for what else there was to do.
    private func writeLog() {
        for record in records { log(record) }
        records.removeAll(keepingCapacity: true)
    }

    private func begin(_ operation: ResourceOperation, _ resources: [Int]) {
        var isFinished = false
        isCancelled = false
        let begunAt = Clock.now()
        let started = operate(operation, resources) { [self] outcomes in
            isFinished = true
            running = nil
            if !operation.asks { record(operation, resources, since: begunAt, outcomes) }
            // What a stop has ended early has not failed.
            if !operation.asks, !isCancelled {
                for (resource, outcome) in zip(resources, outcomes) {
                    if let reason = outcome.failure { note(resource, operation, reason) }
                }
            }
            handle(.finished(outcomes))
        }
        if !isFinished { running = started }
    }

    /// Of one resource that is no address, or of any number of addresses.
    private func operate(
        _ operation: ResourceOperation, _ resources: [Int], completion: @escaping ([ResourceOutcome]) -> Void
    ) -> (any RunningOperation)? {
        let specifications = resources.compactMap { addresses[$0] }
        if specifications.count == resources.count {
            return operations.run(operation, addresses: specifications, completion: completion)
        }
        precondition(resources.count == 1, "only addresses are operated on together")
        return operations.run(operation, group.resources[resources[0]]) { completion([$0]) }
    }

    /// Keeps what an operation has taken, for the record of failovers.
    private func record(
        _ operation: ResourceOperation, _ resources: [Int], since begunAt: Instant, _ outcomes: [ResourceOutcome]
    ) {
        let first = resources.first.map { group.resources[$0].text } ?? ""
        let others = resources.count > 1 ? " and \(resources.count - 1) more" : ""
        func step(_ kind: FailoverStep.Kind, _ at: Instant) -> FailoverStep {
            var step = FailoverStep(kind, at: at, group: group.name)
            step.resource = (kind == .worked ? "\(operation.rawValue) " : "") + first + others
            return step
        }
        let now = Clock.now()
        if operation == .start, let start = operations.addresses.lastStart, start.confirmed >= begunAt,
            resources.allSatisfy({ addresses[$0] != nil })
        {
            steps.append(step(.addressUp, start.confirmed))
            steps.append(step(.announced, start.announced))
        }
        var done = step(.worked, now)
        done.duration = now - begunAt
        done.text = outcomes.lazy.compactMap(\.failure).first
        steps.append(done)
    }

    private func rest(_ duration: Duration) {
        do throws(SystemError) {
            pause = try operations.loop.onTime(Clock.now() + duration) { [self] in
                pause = nil
                handle(.pauseEnded)
            }
        } catch {
            log(LogRecord(.error, "group-pause", "\(error)"))
            handle(.pauseEnded)
        }
    }
}
