// The resource manager under measurement: the real program in a namespace, with this process in the place of control
// and of the status process.
import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Rig

/// A running resource manager and the folder that it works in.
final class BenchManager {
    let pid: pid_t
    private let control: Channel
    private let status: Channel
    private let folder: String
    private var operation: OperationID = 0

    /// Starts one that knows these lines of ha.cf and haresources. `scripts` come into its resource.d.
    init(
        _ network: BenchNetwork, binaries: String, directives: [String] = [], groups: [String],
        scripts: [(name: String, text: String)] = []
    ) throws {
        folder = try Folder.makeUnique(prefix: "hbxbench")
        for script in scripts {
            try Folder.write(script.text, to: BenchManager.place(script.name, folder), mode: 0o755)
        }
        let pair = try SocketPair()
        var spawn = Spawn(
            program: binaries + "/heartbeat", arguments: ["hb_resource", "\(Launch.protocolVersion)", "\(getpid())"])
        spawn.descriptors = [3: pair.second.raw]
        spawn.environment = ["SWIFT_BACKTRACE=enable=no", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        pid = try network.inside(network.taker) { try spawn.start() }
        control = Channel(pair.first)
        let haConfig = ["node alpha beta", "bcast eth0", "auto_failback on", "logfile \(folder)/log"] + directives
        let bundle = ConfigurationBundle(
            configurationDirectory: folder, stateDirectory: folder, runDirectory: folder, nodeName: "alpha",
            haConfig: haConfig.joined(separator: "\n") + "\n", haResources: groups.joined(separator: "\n") + "\n",
            authKeys: [])
        let file = try MemoryFile.write(bundle.encoded())
        let statusPair = try SocketPair()
        guard try control.send(ControlToHelper.configure, descriptors: [file.raw]) == .sent,
            try control.send(ControlToHelper.statusProcess, descriptors: [statusPair.second.raw]) == .sent
        else { throw RigError("the resource manager does not take its configuration") }
        status = Channel(statusPair.first)
        try order(.takeInventory)
        _ = try outcome()
        // No fault happens in a measurement: the right to hold lasts.
        try order(.entitled(until: Clock.now() + .seconds(3600)))
    }

    deinit {
        try? Children.signal(pid, SIGKILL)
        _ = try? Children.wait(pid)
        Folder.remove(folder)
    }

    private static func place(_ script: String, _ folder: String) throws -> String {
        try Folder.make(folder + "/resource.d")
        return "\(folder)/resource.d/\(script)"
    }

    /// A group in haresources, whose lines may not be very long.
    static func line(_ words: [String]) -> String { "alpha \\\n" + words.joined(separator: " \\\n") }

    /// The place of a script given at the start.
    func script(_ name: String) -> String { "\(folder)/resource.d/\(name)" }

    /// Readable when the manager has answered.
    var raw: Int32 { status.raw }

    /// Orders a start, and does not wait for its end: `finish` does.
    func start(_ group: String) throws {
        operation += 1
        try order(.start(operation: operation, group: group, epoch: operation))
    }

    func stop(_ group: String) throws {
        operation += 1
        try order(.stop(operation: operation, group: group))
    }

    /// Waits for the answer to the last order; throws where it has failed.
    func finish() throws {
        while true {
            guard case .finished(let number, let failure, _) = try outcome() else { continue }
            if let failure { throw RigError("the resource manager: \(failure)") }
            if number == operation { return }
        }
    }

    private func order(_ frame: StatusToResource) throws {
        guard try status.send(frame) == .sent else { throw RigError("the resource manager takes no orders") }
    }

    private func outcome() throws -> ResourceToStatus {
        while true {
            var ready = [Readiness(status.raw, read: true)]
            try Readiness.wait(&ready, timeout: .seconds(60))
            guard case .frame(let bytes, _) = try status.receive() else {
                throw RigError("the resource manager does not answer: \(Folder.read(folder + "/log").suffix(500))")
            }
            let frame = try ResourceToStatus(decoding: bytes)
            // What is only recorded.
            if case .worked = frame { continue }
            return frame
        }
    }
}
