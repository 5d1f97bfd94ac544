// How a group of resources is brought up and taken down: order, retries, and what follows a failure, as a value. It
// does nothing itself: `handle` takes what happened and appends what must be done.
import ClusterModel

/// One group's way from order to answer (specs/heartbeat.md 5.2).
package struct GroupRun: Sendable {
    /// Names an order; its answer carries it.
    package typealias OrderID = UInt64

    /// What the status process asks for a group.
    package enum Order: Equatable, Sendable {
        /// Start what does not run, in order.
        case start(OrderID)
        /// As `start`; addresses are announced even where nothing was missing.
        case reassert(OrderID)
        /// Stop everything in reverse order.
        case stop(OrderID)
    }

    /// What happens to a run.
    package enum Event: Equatable, Sendable {
        case ordered(Order)
        /// The answer to `.run`: one outcome for each of its resources, in its order.
        case finished([ResourceOutcome])
        /// The answer to `.pause`.
        case pauseEnded
        /// A resource of the held group has failed: it and those after it are stopped and started again. Ignored
        /// unless idle, for whatever is under way sees to it.
        case restart(from: Int)
    }

    /// What the shell is to do next.
    package enum Action: Equatable, Sendable {
        /// MUST be answered by `.finished`. Never issued while another runs.
        case run(ResourceOperation, resources: [Int])
        /// End what runs early; its `.finished` still comes.
        case cancel
        /// MUST be answered by `.pauseEnded`.
        case pause(Duration)
        /// Everything of the group runs: watch its addresses from now on, and announce them again where `announce`.
        case hold(announce: Bool)
        /// The order is done. `remains`: something of the group may run.
        case answer(OrderID, failure: String?, remains: Bool)
        /// A restart is over; `failure`: the group is to be given up. Not said of one that a stop has ended.
        case restarted(failure: String?)
        case log(LogRecord)
    }

    private enum Phase: Equatable {
        /// Nothing is under way. Can transition to: checking (start, reassert), stopping (stop).
        case idle
        /// The status of a step is asked for. Can transition to: starting (something is missing), checking (the next
        /// step), stopping (a stop arrived), idle (that was the last step).
        case checking(step: Int)
        /// The missing resources of a step are started. Can transition to: checking, stopping (a start failed or a stop
        /// arrived), idle.
        case starting(step: Int, resources: [Int])
        /// A step is stopped. Can transition to: stopping (the step before), pausing, verifying, idle.
        case stopping(step: Int, attempt: Int)
        /// A failed stop waits for its next attempt. Can transition to: stopping.
        case pausing(step: Int, attempt: Int)
        /// All attempts to stop have failed; the status decides. Can transition to: stopping (the step before), idle.
        case verifying(step: Int, resources: [Int], reason: String)
    }

    /// Stops that may wait for one release; more are refused, so that a babbling sender costs nothing.
    private static let stopCountMax = 16
    private static let stopPause: Duration = .seconds(1)
    /// Without an end to its retries a stop waits longer from try to try, up to this.
    private static let stopPauseMax: Duration = .seconds(60)
    /// A restart in place tries a stop again so often, then the group is given up: it is not served meanwhile.
    private static let restartRetries = 2

    package var isIdle: Bool { phase == .idle }
    /// Whether a part of the held group is started again, by this node's own decision.
    package var isRestarting: Bool { restartFloor != nil }
    /// Applies to stops from now on.
    package var policy: ResourcePolicy

    private let group: ResourceGroup
    /// Resources that are operated on together, in start order: neighbouring addresses, else each for itself.
    private let steps: [[Int]]
    private var phase = Phase.idle
    /// The start or reassert that is answered when the run ends.
    private var starting: OrderID?
    private var announces = false
    /// Why the start failed; from then on the group is released.
    private var failure: String?
    /// The stops that are answered when the run ends.
    private var stops: [OrderID] = []
    /// A start or reassert that arrived meanwhile.
    private var next: Order?
    /// The first step of a restart in place.
    private var restartFloor: Int?

    /// `isAddress` tells for each resource whether it is a native address.
    package init(group: ResourceGroup, isAddress: [Bool], policy: ResourcePolicy) {
        precondition(isAddress.count == group.resources.count, "one flag for each resource")
        self.group = group
        self.policy = policy
        var steps: [[Int]] = []
        for index in isAddress.indices {
            if index > 0, isAddress[index], isAddress[index - 1] {
                steps[steps.count - 1].append(index)
            } else {
                steps.append([index])
            }
        }
        self.steps = steps
    }

    /// Applies one event; appends actions in the order in which they must be carried out.
    package mutating func handle(_ event: Event, actions: inout [Action]) {
        switch event {
        case .ordered(let order): accept(order, &actions)
        case .finished(let outcomes): finished(outcomes, &actions)
        case .pauseEnded:
            guard case .pausing(let step, let attempt) = phase else { return }
            stop(step: step, attempt: attempt, &actions)
        case .restart(let resource):
            guard isIdle, let floor = steps.firstIndex(where: { $0.contains(resource) }) else { return }
            restartFloor = floor
            stop(step: steps.count - 1, attempt: 0, &actions)
        }
    }

    // MARK: Orders

    private mutating func accept(_ order: Order, _ actions: inout [Action]) {
        switch order {
        case .start, .reassert:
            if isIdle { return begin(order, &actions) }
            refuseNext("replaced by a later order", &actions)
            next = order
        case .stop(let id):
            refuseNext("ended by a stop", &actions)
            guard stops.count < GroupRun.stopCountMax else {
                return actions.append(.answer(id, failure: "too many orders to stop", remains: true))
            }
            stops.append(id)
            // Whatever was to be started again is not.
            restartFloor = nil
            switch phase {
            case .idle: release(&actions)
            case .checking, .starting:
                if failure == nil {
                    failure = "ended by a stop"
                    actions.append(.cancel)
                }
            case .stopping, .pausing, .verifying: break
            }
        }
    }

    private mutating func refuseNext(_ reason: String, _ actions: inout [Action]) {
        switch next {
        case .start(let id), .reassert(let id): actions.append(.answer(id, failure: reason, remains: true))
        case .stop, nil: break
        }
        next = nil
    }

    private mutating func begin(_ order: Order, _ actions: inout [Action]) {
        switch order {
        case .start(let id), .reassert(let id):
            starting = id
            if case .reassert = order { announces = true } else { announces = false }
            log(.info, "group-acquiring", "Acquiring resource group: \(line)", [], &actions)
            check(step: 0, &actions)
        case .stop(let id):
            stops.append(id)
            release(&actions)
        }
    }

    // MARK: Bringing up

    private mutating func check(step: Int, _ actions: inout [Action]) {
        guard step < steps.count else { return end(remains: false, &actions) }
        phase = .checking(step: step)
        actions.append(.run(.status, resources: steps[step]))
    }

    private mutating func finished(_ outcomes: [ResourceOutcome], _ actions: inout [Action]) {
        switch phase {
        case .checking(let step):
            if failure != nil { return release(&actions) }
            // Whatever is not known to run is started: that succeeds where it runs after all.
            let missing = zip(steps[step], outcomes).filter { $0.1 != .running }.map(\.0)
            if missing.isEmpty { return check(step: step + 1, &actions) }
            phase = .starting(step: step, resources: missing)
            actions.append(.run(.start, resources: missing))
        case .starting(let step, let resources):
            if failure == nil, let (index, reason) = GroupRun.firstFailure(resources, outcomes) {
                failure = "\(name(index)) start: \(reason)"
                log(
                    .critical, "resource-start-failed",
                    "Giving up resources due to failure of \(name(index)): \(reason)",
                    [Setting(name: "RESOURCE", value: name(index))], &actions)
            }
            if failure == nil { return check(step: step + 1, &actions) }
            if isRestarting { end(remains: true, &actions) } else { release(&actions) }
        case .stopping(let step, let attempt):
            stopped(step: step, attempt: attempt, outcomes, &actions)
        case .verifying(let step, let resources, let reason):
            verified(step: step, resources, reason: reason, outcomes, &actions)
        case .idle, .pausing: break
        }
    }

    // MARK: Taking down

    /// Stops the whole group, what was not reached by a start too: it may have been running before.
    private mutating func release(_ actions: inout [Action]) {
        log(.info, "group-releasing", "Releasing resource group: \(line)", [], &actions)
        stop(step: steps.count - 1, attempt: 0, &actions)
    }

    private mutating func stop(step: Int, attempt: Int, _ actions: inout [Action]) {
        if let restartFloor, step < restartFloor { return check(step: restartFloor, &actions) }
        guard step >= 0 else { return end(remains: false, &actions) }
        phase = .stopping(step: step, attempt: attempt)
        actions.append(.run(.stop, resources: steps[step].reversed()))
    }

    private mutating func stopped(
        step: Int, attempt: Int, _ outcomes: [ResourceOutcome], _ actions: inout [Action]
    ) {
        let resources: [Int] = steps[step].reversed()
        guard let (index, reason) = GroupRun.firstFailure(resources, outcomes) else {
            return stop(step: step - 1, attempt: 0, &actions)
        }
        let fields = [Setting(name: "RESOURCE", value: name(index))]
        let isEndless = policy.stopRetries <= 0 && !isRestarting
        let retries = isRestarting ? GroupRun.restartRetries : policy.stopRetries
        if isEndless || attempt < retries {
            log(
                .warning, "resource-stop-retried", "Retrying failed stop operation [\(name(index))]: \(reason)", fields,
                &actions)
            phase = .pausing(step: step, attempt: attempt + 1)
            actions.append(.pause(pause(attempt: attempt, isEndless)))
        } else {
            let failed = zip(resources, outcomes).filter { $0.1.failure != nil }.map(\.0)
            phase = .verifying(step: step, resources: failed, reason: reason)
            actions.append(.run(.status, resources: failed))
        }
    }

    private func pause(attempt: Int, _ isEndless: Bool) -> Duration {
        guard isEndless, attempt >= 10 else { return GroupRun.stopPause }
        return min(GroupRun.stopPauseMax, GroupRun.stopPause * (1 << min(attempt - 9, 6)))
    }

    private mutating func verified(
        step: Int, _ resources: [Int], reason: String, _ outcomes: [ResourceOutcome], _ actions: inout [Action]
    ) {
        if let (index, _) = zip(resources, outcomes).first(where: { $0.1 != .stopped }) {
            let text = "\(name(index)) stop: \(reason)"
            log(
                .critical, "resource-stop-failed", "Resource STOP failure: \(text)",
                [Setting(name: "RESOURCE", value: name(index))], &actions)
            failure = failure.map { "\($0); \(text)" } ?? text
            return end(remains: true, &actions)
        }
        for index in resources {
            log(
                .error, "resource-stop-unclear",
                "Resource script for \(name(index)) probably not LSB-compliant: its stop failed, it is stopped",
                [Setting(name: "RESOURCE", value: name(index))], &actions)
        }
        stop(step: step - 1, attempt: 0, &actions)
    }

    // MARK: The end

    private mutating func end(remains: Bool, _ actions: inout [Action]) {
        if isRestarting {
            restartFloor = nil
            phase = .idle
            if failure == nil { actions.append(.hold(announce: false)) }
            actions.append(.restarted(failure: failure))
        }
        if starting != nil, failure == nil { actions.append(.hold(announce: announces)) }
        if let starting { actions.append(.answer(starting, failure: failure, remains: remains)) }
        // A stop is not failed by the start that it ended.
        for stop in stops { actions.append(.answer(stop, failure: remains ? failure : nil, remains: remains)) }
        phase = .idle
        starting = nil
        failure = nil
        stops = []
        if let order = next {
            next = nil
            begin(order, &actions)
        }
    }

    // MARK: Words

    private func name(_ resource: Int) -> String { group.resources[resource].text }
    private var line: String { ([group.preferred] + group.resources.map(\.text)).joined(separator: " ") }

    private func log(
        _ level: LogLevel, _ event: String, _ text: String, _ fields: [Setting], _ actions: inout [Action]
    ) {
        actions.append(.log(LogRecord(level, event, text, [Setting(name: "GROUP", value: group.name)] + fields)))
    }

    private static func firstFailure(_ resources: [Int], _ outcomes: [ResourceOutcome]) -> (Int, String)? {
        for (resource, outcome) in zip(resources, outcomes) {
            if let reason = outcome.failure { return (resource, reason) }
        }
        return nil
    }
}
