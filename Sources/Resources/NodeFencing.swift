// The fences that this node carries out: one at a time for each node.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor
import ResourceAgents

/// Powers other nodes off with the devices that ha.cf gives to this one.
final class NodeFencing {
    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private let ledger: ProgramLedger
    private let groups: ResourceControlGroups?
    private var configuration: Configuration
    private var configurationDirectory: String
    private var runs: [(node: String, operation: OperationID, run: FenceRun)] = []

    init(
        _ configuration: Configuration, configurationDirectory: String, ledger: ProgramLedger,
        groups: ResourceControlGroups?, loop: EventLoop, log: @escaping (LogRecord) -> Void
    ) {
        self.configuration = configuration
        self.configurationDirectory = configurationDirectory
        self.ledger = ledger
        self.groups = groups
        self.loop = loop
        self.log = log
    }

    /// Takes over changed devices; a fence that is under way goes on as it began.
    func configure(_ configuration: Configuration, configurationDirectory: String) {
        self.configuration = configuration
        self.configurationDirectory = configurationDirectory
    }

    /// Powers a node off. `completion` is called once, with nil where that has succeeded, unless `end` comes before.
    /// An order that is read after `until` is not carried out but fails: this process, or all of its node, has stood
    /// still, and the node may be back. Whoever gave it orders it again where that is still wanted.
    func fence(
        _ node: String, until: Instant, operation: OperationID, completion: @escaping (String?) -> Void
    ) {
        let late = Clock.now() - until
        if late > .zero {
            let text = "the order was read \(late.wholeMilliseconds) ms too late"
            let record = LogRecord(
                .error, "fence-late", "Node \(node) is not reset: \(text)", [Setting(name: "NODE", value: node)])
            log(record)
            return completion(text)
        }
        let local = configuration.localName
        let devices = configuration.processes.stonith.filter { $0.isUsable(from: local) && $0.covers(node) }
        let settings = FenceRun.Settings(
            configuration, configurationDirectory: configurationDirectory, ledger: ledger, groups: groups)
        let run = FenceRun(node, devices: devices, settings: settings, loop: loop, log: log) { [unowned self] failure in
            runs.removeAll { $0.operation == operation }
            completion(failure)
        }
        runs.append((node, operation, run))
        run.start()
    }

    /// What an order was about is back: nothing more is tried for it.
    func recall(_ operation: OperationID) { runs.first { $0.operation == operation }?.run.recall() }

    /// Whoever gave the orders is gone, or this process ends: no device is called any more, and what it was at is
    /// killed, for nobody could call it back when the node is well again.
    func end() {
        for run in runs {
            log(LogRecord(
                .warning, "fence-ended", "the fence of node \(run.node) is ended: nobody waits for it any more",
                [Setting(name: "NODE", value: run.node)]))
            run.run.end()
        }
        runs.removeAll()
    }
}
