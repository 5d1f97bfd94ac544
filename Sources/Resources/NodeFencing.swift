// The fences that this node carries out: one at a time for each node.
import ClusterModel
import Reactor
import ResourceAgents

/// Powers other nodes off with the devices that ha.cf gives to this one.
final class NodeFencing {
    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private var configuration: Configuration
    private var settings: FenceRun.Settings
    private var runs: [(node: String, run: FenceRun, waiting: [(String?) -> Void])] = []

    init(
        _ configuration: Configuration, configurationDirectory: String, loop: EventLoop,
        log: @escaping (LogRecord) -> Void
    ) {
        self.configuration = configuration
        self.loop = loop
        self.log = log
        settings = FenceRun.Settings(configuration, configurationDirectory: configurationDirectory)
    }

    /// Takes over changed devices; a fence that is under way goes on as it began.
    func configure(_ configuration: Configuration, configurationDirectory: String) {
        self.configuration = configuration
        settings = FenceRun.Settings(configuration, configurationDirectory: configurationDirectory)
    }

    /// Powers a node off. `completion` is called once, with nil where that has succeeded. An order for a node that is
    /// being fenced joins the one before: a status process that was started anew repeats what its predecessor ordered.
    func fence(_ node: String, completion: @escaping (String?) -> Void) {
        if let index = runs.firstIndex(where: { $0.node == node }) { return runs[index].waiting.append(completion) }
        let local = configuration.localName
        let devices = configuration.processes.stonith.filter { $0.isUsable(from: local) && $0.covers(node) }
        let run = FenceRun(node, devices: devices, settings: settings, loop: loop, log: log) { [unowned self] failure in
            guard let index = runs.firstIndex(where: { $0.node == node }) else { return }
            for waiting in runs.remove(at: index).waiting { waiting(failure) }
        }
        runs.append((node, run, [completion]))
        run.start()
    }
}
