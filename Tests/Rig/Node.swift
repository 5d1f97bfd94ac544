// One node of a cluster: a machine that can be switched on and off, and the daemon on it.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

package final class Node {
    /// What a node needs from its cluster.
    struct Site {
        var network: Switch
        /// Executable of `RigProgram`.
        var rigProgram: String
        /// The folder with the daemon and the tools.
        var commands: String
        /// Where every node has its `devicesFolder`.
        var devicesFolder: String
        var waiting: Waiting
    }

    package let name: String
    /// Its number among the nodes, from 0.
    package let index: Int
    /// Holds everything of the node that outlives a power cut.
    package let folder: String

    private let site: Site
    private var holder: HeldProcess?
    /// Process 1 of the node, as the host sees it.
    private var initial: pid_t?
    private var kernel: NetlinkSession?
    /// The command that runs `heartbeat -f`, and outlives it by nothing.
    private var daemonCommand: pid_t?

    init(name: String, index: Int, folder: String, site: Site) throws {
        self.name = name
        self.index = index
        self.folder = folder
        self.site = site
        try Folder.make(configurationFolder + "/resource.d")
        try Folder.make(runFolder)
        try Folder.make(devicesFolder)
    }

    package var configurationFolder: String { folder + "/ha.d" }
    package var runFolder: String { folder + "/run" }
    /// What is plugged into this node; in the node it is under the cluster's `devicesFolder`.
    package var devicesFolder: String { folder + "/dev" }
    /// Empty after a power cut, as /run is: for what scripts note down.
    package var volatileFolder: String { folder + "/volatile" }
    /// Everything that the daemon wrote to its standard error, over all its starts.
    package var logPath: String { folder + "/log" }
    package var log: String { Folder.read(logPath) }
    package var paths: Paths { Paths(configurationDirectory: configurationFolder, runDirectory: runFolder) }

    // MARK: The machine

    package var isOn: Bool { initial != nil }

    /// Switches the machine on: namespaces, network, nothing else.
    package func powerOn() throws {
        precondition(!isOn, "\(name) is on")
        Folder.remove(volatileFolder)
        try Folder.make(volatileFolder)
        let (process, lines) = try HeldProcess.start(
            site.rigProgram, ["rig-node", name, devicesFolder, site.devicesFolder], waiting: site.waiting)
        guard let pid = lines.first.flatMap({ pid_t($0) }) else { throw RigError("\(name) has no process 1") }
        holder = process
        initial = pid
        try site.network.plugIn(index, pid: pid, bridges: 0..<site.network.bridgeCount)
        kernel = try Namespace(pid: pid).inside { try NetlinkSession() }
    }

    /// Cuts the power: the cables first, so that nothing a dying process sends gets out, then every process at once.
    /// Addresses and mounts go with the node's namespaces.
    package func cutPower() throws {
        guard let initial else { return }
        for bridge in 0..<site.network.bridgeCount { try site.network.set(index, bridge: bridge, up: false) }
        try Children.signal(initial, SIGKILL)
        try reapMachine()
        try site.network.remove(index, bridges: 0..<site.network.bridgeCount)
    }

    /// Ends what is left of the machine, with everything that runs in it.
    func destroy() {
        if let initial { try? Children.signal(initial, SIGKILL) }
        try? reapMachine()
    }

    /// Takes note that the machine has gone down by itself; it can then be powered on again.
    package func noteDown() throws {
        try reapMachine()
        try site.network.remove(index, bridges: 0..<site.network.bridgeCount)
    }

    /// Whether the machine has process and network namespaces of its own, so that nothing in it can touch the host.
    package var isIsolated: Bool {
        guard let initial else { return false }
        return ["pid", "net", "mnt"].allSatisfy { kind in
            let own = FileSystem.target(ofLink: "/proc/self/ns/\(kind)")
            let other = FileSystem.target(ofLink: "/proc/\(initial)/ns/\(kind)")
            return own != nil && other != nil && own != other
        }
    }

    private func reapMachine() throws {
        kernel = nil
        initial = nil
        // Where nsenter is stopped with what it waited for, it keeps its dead child from being reaped, and process 1
        // from ending.
        if let daemonCommand { try? Children.signal(daemonCommand, SIGCONT) }
        holder?.finish()
        holder = nil
        if let command = daemonCommand {
            try Children.signal(command, SIGKILL)
            _ = try Children.wait(command)
        }
        daemonCommand = nil
    }

    /// Stops every process of the node in its tracks, or has them go on: a machine that hangs.
    package func freeze() throws {
        // Until a look finds nothing new: what was started between the look and the signals is found by the next one.
        while true {
            let running = processes.dropFirst().filter { $0.state != "T" && $0.state != "Z" }
            if running.isEmpty { return }
            for process in running { try Children.signal(process.pid, SIGSTOP) }
            try site.waiting.pause()
        }
    }

    package func thaw() throws {
        for process in processes.dropFirst() { try Children.signal(process.pid, SIGCONT) }
        // nsenter stops with the command that it waits for.
        if let daemonCommand { try Children.signal(daemonCommand, SIGCONT) }
    }

    /// Pulls the cable to a bridge out, or plugs it in.
    package func cutLink(_ bridge: Int) throws { try site.network.set(index, bridge: bridge, up: false) }
    package func restoreLink(_ bridge: Int) throws { try site.network.set(index, bridge: bridge, up: true) }

    /// Takes the card of a bridge out: the interface is no longer there.
    package func removeInterface(_ bridge: Int) throws { try site.network.remove(index, bridges: bridge..<bridge + 1) }
    /// Puts a card in again: an interface with the same name, address and another index.
    package func insertInterface(_ bridge: Int) throws {
        guard let initial else { throw RigError("\(name) is off") }
        try site.network.plugIn(index, pid: initial, bridges: bridge..<bridge + 1)
    }

    /// Loses so many of a hundred frames that this node sends over a bridge; 0 ends it.
    package func lose(percent: Int, bridge: Int) throws {
        try site.network.lose(percent: percent, of: index, bridge: bridge)
    }

    // MARK: What is seen from outside

    /// Processes of the node; process 1 first.
    package var processes: [NodeProcess] { initial.map(ProcessTable.processes) ?? [] }

    /// The process with exactly this title: `heartbeat: status process`.
    package func process(titled title: String) -> NodeProcess? { processes.first { $0.title == title } }

    /// Whether the kernel of the node has an address.
    package func holds(_ address: String) -> Bool {
        guard let wanted = IPAddress(address), let list = try? kernel?.addresses() else { return false }
        return list.contains { $0.address == wanted }
    }

    /// Whether something is mounted on a folder in the node.
    package func hasMounted(_ folder: String) -> Bool {
        guard let initial else { return false }
        return MountTable.directories(of: "\(initial)").contains(folder)
    }

    /// A command that runs in the node as if typed there.
    package func command(_ arguments: [String]) throws -> Command { Command(try words + arguments) }

    /// The words before a command that is to run in the node.
    package var words: [String] {
        get throws {
            guard let initial else { throw RigError("\(name) is off") }
            return ["nsenter", "--target", "\(initial)", "--net", "--mount", "--pid", "--uts", "--ipc", "--"]
        }
    }

    /// Runs a command of the product in the node: `heartbeat`, `hb`, `hb_standby`, with the options that name the
    /// node's folders.
    package func run(
        _ program: String, _ arguments: [String], within limit: Duration = .seconds(20)
    ) throws -> Command.Outcome {
        try command(["\(site.commands)/\(program)"] + arguments + folderOptions(program))
            .run(within: limit, waiting: site.waiting)
    }

    /// `--run-dir` and, for the daemon, `--config-dir`.
    package func folderOptions(_ program: String) -> [String] {
        (program == "heartbeat" ? ["--config-dir", configurationFolder] : []) + ["--run-dir", runFolder]
    }

    // MARK: The daemon

    /// Writes the files of the cluster for this node.
    package func write(_ files: ClusterFiles, nodes: [String], ttys: [String]) throws {
        let interfaces = (0..<site.network.bridgeCount).map { "eth\($0)" }
        let haConfig = files.haConfig(nodes: nodes, interfaces: interfaces, ttys: ttys)
        try Folder.write(haConfig, to: configurationFolder + "/ha.cf")
        let groups = files.groups.map { $0 + "\n" }.joined()
        try Folder.write(groups, to: configurationFolder + "/haresources")
        try Folder.write(files.keys, to: configurationFolder + "/authkeys", mode: 0o600)
        if !files.devices.isEmpty { try Folder.make(configurationFolder + "/stonith.d") }
        for device in files.devices {
            try Folder.write(device.text, to: "\(configurationFolder)/stonith.d/\(device.name)", mode: 0o755)
        }
        for script in files.scripts {
            try Folder.write(script.text, to: "\(configurationFolder)/resource.d/\(script.name)", mode: 0o755)
        }
    }

    /// Starts the daemon in the foreground; its log goes to `logPath`.
    package func startDaemon() throws {
        try start(["\(site.commands)/heartbeat", "-f"] + folderOptions("heartbeat"))
        runsThisVersion = true
    }

    /// Starts a program as the node's daemon; what it prints goes to `logPath`.
    package func start(_ arguments: [String]) throws {
        precondition(daemonCommand == nil, "the daemon of \(name) was started before")
        let file = try Descriptor.open(logPath, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        daemonCommand = try command(arguments).start(descriptors: [1: file.raw, 2: file.raw])
        runsThisVersion = false
    }

    /// Whether the daemon that was started is of this version.
    package private(set) var runsThisVersion = false

    /// Whether the daemon was started and has not been seen to end.
    package var hasDaemon: Bool { daemonCommand != nil }

    /// The control process, while it runs.
    package var control: NodeProcess? {
        guard let daemonCommand else { return nil }
        return processes.first { $0.parent == daemonCommand && $0.state != "Z" }
    }

    /// How the daemon ended; nil while it runs. The daemon can then be started again.
    package func daemonEnd() throws -> ChildStatus? {
        guard let command = daemonCommand, let status = try Children.poll(command) else { return nil }
        daemonCommand = nil
        return status
    }

    /// Waits until the daemon has ended.
    @discardableResult
    package func awaitDaemonEnd(within limit: Duration = .seconds(20)) throws -> ChildStatus {
        var status: ChildStatus?
        try site.waiting.until("the end of the daemon of \(name)", within: limit) {
            status = try daemonEnd()
            return status != nil
        }
        return status ?? .exited(0)
    }

    /// Asks the daemon to shut down, as `systemctl stop` does, and waits for its end.
    @discardableResult
    package func stopDaemon(within limit: Duration = .seconds(20)) throws -> ChildStatus {
        guard let control else { throw RigError("no daemon runs on \(name)") }
        try Children.signal(control.pid, SIGTERM)
        return try awaitDaemonEnd(within: limit)
    }

    /// Kills every process of the daemon at once, with SIGKILL; what its scripts have started goes on.
    package func killDaemon() throws {
        guard let control else { throw RigError("no daemon runs on \(name)") }
        let helpers = processes.filter { $0.parent == control.pid }
        for process in [control] + helpers { try Children.signal(process.pid, SIGKILL) }
        try awaitDaemonEnd()
    }

    /// What the daemon says of the cluster; nil while it does not answer.
    package func report(within limit: Duration = .seconds(2)) -> ClusterReport? {
        guard let answer = try? AdminClient.ask(.status, paths, deadline: Clock.now() + limit) else { return nil }
        return try? ClusterReport(answer.records)
    }
}
