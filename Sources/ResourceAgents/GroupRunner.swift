// One group of this node at work: carries out what `GroupRun` decides.
import ClusterModel
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
    package var epoch: UInt64 { run.epoch }
    package var isIdle: Bool { run.isIdle }
    /// Whether something of the group may run, as far as this process knows.
    package private(set) var mayRun = false
    /// The retries of stops from now on.
    package var policy: ResourcePolicy {
        get { run.policy }
        set { run.policy = newValue }
    }

    private let operations: ResourceOperations
    private let answer: Answer
    private var run: GroupRun
    private var events: [GroupRun.Event] = []
    private var isHandling = false
    private var running: (any RunningOperation)?
    private var pause: EventSource?
    private var lastStart: GroupRun.OrderID?

    package init(
        _ group: ResourceGroup, policy: ResourcePolicy, operations: ResourceOperations, answer: @escaping Answer
    ) {
        self.group = group
        self.operations = operations
        self.answer = answer
        run = GroupRun(
            group: group, isAddress: group.resources.map { operations.kind(of: $0).isAddress }, policy: policy)
    }

    /// Takes an order; its answer may come before this returns.
    package func take(_ order: GroupRun.Order) {
        switch order {
        case .start(let id, _), .reassert(let id, _):
            lastStart = id
            mayRun = true
        case .stop: break
        }
        handle(.ordered(order))
    }

    /// Finds out what of the group runs; what is wholly here is held from now on. `completion` may be called before
    /// this returns. A group that is being brought up or taken down is partly here.
    package func takeInventory(_ completion: @escaping (Found) -> Void) {
        if !isIdle { return completion(.partial) }
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
        let rest = group.resources[index...]
        let addresses = rest.prefix { operations.kind(of: $0).isAddress }
        let step = addresses.isEmpty ? Array(rest.prefix(1)) : Array(addresses)
        _ = operations.run(.status, step) { [self] answers in
            ask(from: index + step.count, outcomes + answers, completion)
        }
    }

    /// Removes the group's addresses at once, whatever else is under way. An order to stop the group MUST follow.
    package func removeAddresses() {
        let specifications = addresses
        // One that cannot be removed here is tried again, and complained of, in its turn.
        if !specifications.isEmpty { _ = operations.addresses.stop(specifications) }
    }

    private func hold(announce: Bool) {
        let specifications = addresses
        if !specifications.isEmpty {
            operations.addresses.hold(specifications, group: group.name, announce: announce)
        }
    }

    private var addresses: [AddressSpecification] {
        group.resources.compactMap { resource in
            if case .address(let specification) = operations.kind(of: resource) { specification } else { nil }
        }
    }

    /// One event at a time: what an action brings about at once waits for the actions before it.
    private func handle(_ event: GroupRun.Event) {
        events.append(event)
        if isHandling { return }
        isHandling = true
        while !events.isEmpty {
            var actions: [GroupRun.Action] = []
            run.handle(events.removeFirst(), actions: &actions)
            for action in actions { perform(action) }
        }
        isHandling = false
    }

    private func perform(_ action: GroupRun.Action) {
        switch action {
        case .run(let operation, let resources): begin(operation, resources)
        case .cancel: running?.cancel()
        case .pause(let duration): rest(duration)
        case .hold(let announce): hold(announce: announce)
        case .answer(let order, let failure, let remains):
            mayRun = remains || (order == lastStart && failure == nil)
            answer(order, failure, remains)
        case .log(let record): operations.log(record)
        }
    }

    private func begin(_ operation: ResourceOperation, _ resources: [Int]) {
        var isFinished = false
        let started = operations.run(operation, resources.map { group.resources[$0] }) { [self] outcomes in
            isFinished = true
            running = nil
            handle(.finished(outcomes))
        }
        if !isFinished { running = started }
    }

    private func rest(_ duration: Duration) {
        do throws(SystemError) {
            pause = try operations.loop.onTime(Clock.now() + duration) { [self] in
                pause = nil
                handle(.pauseEnded)
            }
        } catch {
            operations.log(LogRecord(.error, "group-pause", "\(error)"))
            handle(.pauseEnded)
        }
    }
}
