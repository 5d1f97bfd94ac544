// All groups of this node, by name.
import ClusterModel
import Leases
import LinuxSystem
import Privsep
import Reactor
import ResourceAgents

/// The groups, and the orders under way.
final class NodeGroups {
    /// Who is told of outcomes now; outcomes of orders of an earlier status process are dropped, because its successor
    /// counts its orders anew.
    weak var listener: StatusLink?

    /// Until when this node may hold groups, as a status process said last.
    private var entitlement: Entitlement
    private let epochs: Epochs
    private var timing: Timing

    private struct Order {
        weak var sender: StatusLink?
        var operation: OperationID
    }

    /// An order, or a step of one, that was read too late.
    private struct HeldOrder {
        /// nil for a step of an order that is being carried out, which the order to stop its group ends itself.
        var group: String?
        var carryOut: () -> Void
        var refuse: () -> Void
    }

    private let operations: ResourceOperations
    private let monitor: ResourceMonitor
    private let log: (LogRecord) -> Void
    private var runners: [GroupRunner] = []
    private var orders: [GroupRun.OrderID: Order] = [:]
    private var lastOrder: GroupRun.OrderID = 0
    private var heldOrders = HeldOrders<HeldOrder>()
    private var fencing: NodeFencing
    private var silence: SilenceWatch?
    /// How the kernel ends held addresses, where it is not as ha.cf has it.
    private let leaseLack: String?

    init(
        _ configuration: Configuration, configurationDirectory: String, runDirectory: String, loop: EventLoop,
        log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.log = log
        timing = configuration.timing
        entitlement = Entitlement(directory: runDirectory) { error in
            log(LogRecord(.warning, "entitlement", "\(error): a restart of this process releases what it holds"))
        }
        epochs = Epochs(directory: runDirectory, loop: loop) { error in
            log(LogRecord(.warning, "epochs", "\(error): a restart of this process forgets who took a group last"))
        }
        let ledger = ProgramLedger(directory: runDirectory) { error in
            log(LogRecord(.warning, "program-ledger", "\(error): scripts outlive a restart of this process"))
        }
        for pid in ledger.endLeftovers() {
            let text = "process \(pid), started by an earlier resource manager, was still at work: ended"
            log(LogRecord(.warning, "program-left", text))
        }
        let controlGroups = NodeGroups.controlGroups(loop, log)
        let (lease, lack) = NodeGroups.lease(configuration, log)
        leaseLack = lack
        operations = try ResourceOperations(
            loop: loop,
            settings: ResourceOperations.Settings(configuration, configurationDirectory: configurationDirectory),
            lease: lease, ledger: ledger, groups: controlGroups, log: log)
        fencing = NodeFencing(
            configuration, configurationDirectory: configurationDirectory, ledger: ledger, groups: controlGroups,
            loop: loop, log: log)
        monitor = ResourceMonitor(operations)
        operations.holdsBack = { [unowned self] in holdsBack($0, $1) }
        operations.addresses.onLost = { [unowned self] group, reason in
            listener?.send(.lost(group: group, reason: reason))
        }
        operations.addresses.onContest = { [unowned self] group, contest in tell(contest, of: group) }
        operations.groups?.onLeft = { [unowned self] resource, reason in
            for runner in runners { runner.noteLeft(resource, reason) }
        }
        silence = SilenceWatch(loop: loop, keepalive: configuration.timing.keepalive) { [unowned self] in
            releaseUnasked()
        }
        configure(configuration, configurationDirectory: configurationDirectory)
        operations.addresses.removeAbandoned(
            except: configuration.groups.flatMap(\.resources).compactMap { resource in
                ResourceKind(resource, hasScript: { _ in false }, hasUnit: { _ in false }).address
            })
        if let until = entitlement.until { silence?.heard(until: until) }
        rehearse(configuration.policy)
    }

    /// Goes the way of an order once, for a group whose address has no place here: what this language looks up when it
    /// comes to a type for the first time takes longer than a start does.
    private func rehearse(_ policy: ResourcePolicy) {
        let address = ResourceSpecification(type: "IPaddr", arguments: ["0.0.0.0/32/-"], text: "0.0.0.0/32/-")
        let group = ResourceGroup(name: address.text, preferred: "", resources: [address], line: 0)
        let nobody = runner(group, policy, log: { _ in })
        nobody.expectStart(isCold: false)
        lastOrder += 1
        orders[lastOrder] = Order(sender: nil, operation: 0)
        // Fails, and has stopped when this returns.
        nobody.take(.start(lastOrder))
    }

    /// The best lease that this machine has, nil where ha.cf wants none; and what it lacks.
    private static func lease(
        _ configuration: Configuration, _ log: @escaping (LogRecord) -> Void
    ) -> (lease: (any AddressLease)?, lack: String?) {
        guard configuration.policy.leasesAddresses else {
            do throws(SystemError) { try KernelLease.remove(node: configuration.localName) } catch {
                log(LogRecord(.warning, "lease-tables", "\(error): what an earlier daemon leased may fall silent"))
            }
            return (nil, nil)
        }
        let reason: String
        do {
            return (try KernelLease(node: configuration.localName, log: log), nil)
        } catch {
            reason = "nftables cannot lease addresses (\(error))"
        }
        let lifetimes = try? AddressLifetimes(log: log)
        let instead = lifetimes == nil ? "no kernel ends them" : "their lifetimes do it, in whole seconds"
        let lack = "\(reason): \(instead)"
        log(LogRecord(.warning, "lease-fallback", lack))
        return (lifetimes, lack)
    }

    /// Below the group of the service, where systemd leaves it to this process; else nil, and programs run in process
    /// groups alone.
    private static func controlGroups(
        _ loop: EventLoop, _ log: @escaping (LogRecord) -> Void
    ) -> ResourceControlGroups? {
        guard let own = ControlGroup.delegated() else { return nil }
        do throws(SystemError) {
            return try ResourceControlGroups(below: own, loop: loop, log: log)
        } catch {
            log(LogRecord(.warning, "control-group", "\(error): programs run without control groups"))
            return nil
        }
    }

    /// This node may hold its groups until then; `keepEntitlement` MUST follow, after what clients wait for.
    func prolong(until: Instant) {
        entitlement.note(until)
        operations.addresses.renew(until: until, now: Clock.now())
        silence?.heard(until: until)
        for order in heldOrders.heard(until: until, timing, now: Clock.now()) { order.carryOut() }
    }

    /// Has the next resource manager know until when this node may hold its groups.
    func keepEntitlement() { entitlement.keep() }

    /// A status process that knows what runs here is judged by its own interval, not by what an earlier one asked for:
    /// the right ends as early before it speaks. It may be stopped at any moment after.
    private func limitRight() {
        let now = Clock.now()
        guard let until = entitlement.until, until > now else { return }
        prolong(until: timing.inherited(until, at: now))
        keepEntitlement()
    }

    /// The right to hold has ended, and the status process says nothing: others may start what runs here.
    private func releaseUnasked() {
        let running = runners.filter(\.mayRun)
        guard !running.isEmpty else { return }
        let reason = "the right to hold it has ended, and the status process is silent"
        log(LogRecord(.critical, "status-silent", "stopping everything: \(reason)"))
        for runner in running {
            listener?.send(.forfeited(group: runner.group.name, reason: reason))
            runner.removeAddresses()
            lastOrder += 1
            runner.take(.stop(lastOrder))
        }
    }

    /// The daemon ends, whatever runs stays.
    func end() {
        fencing.end()
        operations.addresses.end()
        epochs.keep()
    }

    /// Takes over changed settings and groups. A group that is at work, or may run, keeps its old resources until it is
    /// stopped and the configuration comes again; one that is no longer configured can still be stopped.
    func configure(_ configuration: Configuration, configurationDirectory: String) {
        operations.settings = ResourceOperations.Settings(
            configuration, configurationDirectory: configurationDirectory)
        fencing.configure(configuration, configurationDirectory: configurationDirectory)
        for group in configuration.groups {
            if let index = runners.firstIndex(where: { $0.group.name == group.name }) {
                if runners[index].isIdle, !runners[index].mayRun, runners[index].group.resources != group.resources {
                    runners[index] = runner(group, configuration.policy)
                }
            } else {
                runners.append(runner(group, configuration.policy))
            }
        }
        epochs.configure(configuration.groups.map(\.name))
        for runner in runners {
            runner.policy = configuration.policy
            runner.monitorAnew()
        }
        operations.addresses.probeTime = configuration.policy.addressProbe
        operations.addresses.connections = configuration.policy.connections
        operations.addresses.configure(configuration.policy.announcement)
        timing = configuration.timing
        operations.addresses.linkPause = timing.keepalive * 2
        silence?.keepalive = timing.keepalive
    }

    private func tell(_ contest: AddressContest, of group: String) {
        let claim = contest.claim
        guard let listener else {
            return log(
                LogRecord(
                    .critical, "address-contested",
                    "\(claim.place.address) on \(claim.interface) is also claimed by \(claim.hardware.machine)",
                    [Setting(name: "GROUP", value: group)]))
        }
        listener.send(
            .contested(
                ContestedAddress(
                    group: group, address: "\(claim.place.address)", interface: claim.interface,
                    machine: claim.hardware.machine, count: UInt32(clamping: contest.count))))
    }

    private func runner(
        _ group: ResourceGroup, _ policy: ResourcePolicy, log: ((LogRecord) -> Void)? = nil
    ) -> GroupRunner {
        let runner = GroupRunner(group, policy: policy, operations: operations, monitor: monitor, log: log) {
            [unowned self] order, failure, remains in
            guard let order = orders.removeValue(forKey: order) else { return }
            order.sender?.send(.finished(operation: order.operation, failure: failure, remains: remains))
        }
        let name = group.name
        runner.onLost = { [unowned self] reason in listener?.send(.lost(group: name, reason: reason)) }
        runner.onFailure = { [unowned self, unowned runner] in
            listener?.send(.failures(group: name, runner.failures))
        }
        runner.onSteps = { [unowned self] steps in listener?.send(.worked(steps)) }
        return runner
    }

    /// An operator wants earlier failures to be forgotten.
    func forgetFailures(of name: String) { runners.first { $0.group.name == name }?.forgetFailures() }

    /// Whether nothing of a group is to be started or stopped by this node's own decision.
    func suspend(_ name: String, _ isSuspended: Bool) {
        runners.first { $0.group.name == name }?.suspend(isSuspended)
    }

    /// Somebody found a resource of a held group dead.
    func fail(_ name: String, resource: Int, _ reason: String) {
        runners.first { $0.group.name == name }?.fail(resource, reason)
    }

    // MARK: What the status process asks for

    func start(_ name: String, epoch: UInt64, isCold: Bool, operation: OperationID, for sender: StatusLink) {
        whenEntitled(name, operation, sender) { groups, sender in
            groups.runners.first { $0.group.name == name }?.expectStart(isCold: isCold)
            groups.order(name, operation, sender, epoch: epoch) { .start($0) }
        }
    }

    func reassert(_ name: String, epoch: UInt64, operation: OperationID, for sender: StatusLink) {
        whenEntitled(name, operation, sender) { groups, sender in
            groups.order(name, operation, sender, epoch: epoch) { .reassert($0) }
        }
    }

    /// Carries out an order at once, but for one that was read too late.
    private func whenEntitled(
        _ name: String, _ operation: OperationID, _ sender: StatusLink,
        _ carryOut: @escaping (NodeGroups, StatusLink) -> Void
    ) {
        guard isRightOver else { return carryOut(self, sender) }
        log(
            LogRecord(
                .warning, "order-late",
                "group \(name) was to be started while this node had a right to hold it, which has ended: waiting for "
                    + "a word of the status process", [Setting(name: "GROUP", value: name)]))
        let order = HeldOrder(group: name) { [unowned self, weak sender] in
            if let sender { carryOut(self, sender) }
        } refuse: { [weak sender] in
            sender?.send(.finished(operation: operation, failure: "ended by a stop", remains: false))
        }
        heldOrders.hold(order, now: Clock.now())
    }

    /// As `whenEntitled`, of a step of what is carried out already.
    private func holdsBack(_ resource: ResourceSpecification, _ start: LateStart) -> Bool {
        guard isRightOver else { return false }
        log(
            LogRecord(
                .warning, "start-late",
                "\(resource.text) is to be started after this node's right to hold it has ended: waiting for a word of "
                    + "the status process", [Setting(name: "RESOURCE", value: resource.text)]))
        heldOrders.hold(HeldOrder(carryOut: start.carryOut, refuse: start.cancel), now: Clock.now())
        return true
    }

    /// The right to hold that was said last has ended.
    private var isRightOver: Bool { entitlement.until.map { $0 <= Clock.now() } == true }

    func stop(_ name: String, isForfeit: Bool, operation: OperationID, for sender: StatusLink) {
        // Somebody else has the addresses of a group that it has a better claim on, and may have those of one that is
        // stopped because the right to hold it has ended: they do not wait for the group's services to stop. The lease
        // keeps the latter silent only until the right is back.
        if isForfeit || isRightOver {
            runners.first { $0.group.name == name }?.removeAddresses()
        }
        for order in heldOrders.remove(where: { $0.group == name }) { order.refuse() }
        order(name, operation, sender) { .stop($0) }
    }

    func fence(_ node: String, until: Instant, operation: OperationID, for sender: StatusLink) {
        fencing.fence(node, until: until, operation: operation) { [weak sender] failure in
            sender?.send(.fenced(operation: operation, failure: failure))
        }
    }

    func recall(_ operation: OperationID) { fencing.recall(operation) }

    private func order(
        _ name: String, _ operation: OperationID, _ sender: StatusLink, epoch: UInt64? = nil,
        _ make: (GroupRun.OrderID) -> GroupRun.Order
    ) {
        guard let runner = runners.first(where: { $0.group.name == name }) else {
            return sender.send(
                .finished(operation: operation, failure: "no group \(name) is configured here", remains: false))
        }
        lastOrder += 1
        orders[lastOrder] = Order(sender: sender, operation: operation)
        runner.take(make(lastOrder))
        if let epoch { epochs.note(epoch, of: name) }
    }

    /// Asks every group what of it runs here, all at the same time.
    func takeInventory(for sender: StatusLink) {
        let asked = runners
        // Whoever gave the orders is gone; what is being carried out has to end.
        for order in heldOrders.remove() where order.group == nil { order.refuse() }
        fencing.end()
        silence?.setBusy(true)
        for runner in asked { runner.suspend(false) }
        var missing = asked.count
        var found = [GroupRunner.Found](repeating: .partial, count: asked.count)
        let report = { [weak sender, unowned self] in
            let groups = zip(asked, found).map { runner, found in
                GroupInventory(group: runner.group.name, state: found.state, epoch: epochs[runner.group.name])
            }
            limitRight()
            silence?.setBusy(false)
            sender?.send(.inventory(groups, entitledUntil: entitlement.until))
            if let leaseLack { sender?.send(.leaseLacks(leaseLack)) }
            for runner in asked where !runner.failures.isEmpty {
                sender?.send(.failures(group: runner.group.name, runner.failures))
            }
        }
        if asked.isEmpty { return report() }
        for (index, runner) in asked.enumerated() {
            runner.takeInventory { state in
                found[index] = state
                missing -= 1
                if missing == 0 { report() }
            }
        }
    }
}

extension GroupRunner.Found {
    fileprivate var state: GroupInventory.State {
        switch self {
        case .stopped: .stopped
        case .held: .held
        case .partial: .partial
        }
    }
}
