// The client service from the control process's side: its socket is opened when the node is active, because programs of
// heartbeat's client library take a socket for a cluster that is up (specs/heartbeat.md section 7).
import Admin
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Privsep
import Reactor

final class ClientServiceSupervisor {
    private unowned let control: ControlProcess
    private let listener: Descriptor
    private var helper: Helper?
    private var channel: Channel?
    private var restarts = RestartPolicy()
    private var retry: EventSource?
    private var isEnding = false

    /// Opens the socket and starts the service.
    init(_ control: ControlProcess) throws(SystemError) {
        self.control = control
        // Who may sign on is told by the credentials of the connection.
        listener = try AdminSocket.listen(at: control.paths.registerSocket, mode: 0o777, stream: true)
        try start()
    }

    var process: RunningProcess? { helper.map { RunningProcess(role: $0.role, pid: $0.pid) } }

    private func start() throws(SystemError) {
        let pair = try SocketPair()
        let identity = control.helpers.identity
        var spawn = control.helpers.spawn(
            "hb_client",
            [String(Launch.protocolVersion), String(getpid()), String(identity.user), String(identity.group)]
                + (control.isForeground ? ["foreground"] : []) + (control.logDescriptor == nil ? [] : ["log"]))
        spawn.descriptors[3] = pair.second.raw
        spawn.descriptors[4] = listener.raw
        if let log = control.logDescriptor { spawn.descriptors[5] = log }
        channel = Channel(pair.first)
        helper = try Helper("client service", spawn, loop: control.loop) { [unowned self] in ended($0) }
        configure()
        join()
    }

    /// Hands over the files as they are now.
    func configure() {
        do throws(SystemError) {
            let bundle = try MemoryFile.write(control.bundle(keys: false).encoded())
            _ = try channel?.send(ControlToClients.configure, descriptors: [bundle.raw])
        } catch {
            control.log.write(.error, "client-service", "\(error)")
        }
    }

    /// Joins the service to the status process that runs now.
    func join() {
        do throws(SystemError) {
            let pair = try SocketPair()
            _ = try channel?.send(ControlToClients.statusProcess, descriptors: [pair.first.raw])
            control.tellStatus(.clientService, [pair.second.raw])
        } catch {
            control.log.write(.error, "client-service", "\(error)")
        }
    }

    private func ended(_ how: ChildStatus) {
        channel = nil
        helper = nil
        if isEnding { return }
        control.log.write(.error, "client-service-died", "the client service ended (\(how)): starting it again")
        do throws(SystemError) {
            retry = try control.loop.onTime(Clock.now() + restarts.died(at: Clock.now())) { [unowned self] in
                do throws(SystemError) { try start() } catch {
                    control.log.write(.error, "client-service", "\(error)")
                }
                control.tellProcesses()
            }
        } catch {
            control.log.write(.error, "client-service", "\(error)")
        }
    }

    /// Takes the socket away; the service ends with its channel.
    func end() {
        isEnding = true
        channel = nil
        _ = unlink(control.paths.registerSocket)
    }
}
