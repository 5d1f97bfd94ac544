// The clients of `respawn` and `failfast` lines: started in their order when the node is active, started again when
// they end, ended in the reverse order at the end (specs/heartbeat.md 4.8, section 7).
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Privsep
import Reactor

final class RespawnSupervisor {
    /// How long a client may take to end after SIGTERM.
    private static let grace = Duration.seconds(5)

    private final class Client {
        let line: RespawnClient
        var policy: RespawnPolicy
        var helper: Helper?
        var startedAt = Clock.now()

        init(_ line: RespawnClient) {
            self.line = line
            policy = RespawnPolicy(rebootsOnFailure: line.rebootsOnFailure)
        }
    }

    private let loop: EventLoop
    private let log: Log
    private let helpers: HelperPrograms
    private let clients: [Client]
    private var ended: (() -> Void)?
    private var timer: EventSource?

    /// Starts every client.
    init(_ lines: [RespawnClient], helpers: HelperPrograms, loop: EventLoop, log: Log) {
        self.loop = loop
        self.log = log
        self.helpers = helpers
        clients = lines.map(Client.init)
        for client in clients { start(client) }
    }

    var processes: [RunningProcess] {
        clients.compactMap { client in
            client.helper.map { RunningProcess(role: "client: \(client.line.command)", pid: $0.pid) }
        }
    }

    private func start(_ client: Client) {
        log.write(
            .info, "client-start", "Starting child client \"\(client.line.command)\" as user \(client.line.user)")
        guard getpwnam(client.line.user) != nil else {
            return log.write(
                .error, "client-start",
                "client \"\(client.line.command)\" is not started: there is no user \(client.line.user)")
        }
        do throws(SystemError) {
            let null = try Descriptor.open("/dev/null", O_RDWR)
            var spawn = helpers.spawn("hb_respawn", [String(getpid()), client.line.user, client.line.command])
            spawn.environment = Spawn.inherited(["TZ", "LANG"]) + [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ]
            spawn.descriptors = [1: null.raw, 2: null.raw]
            spawn.isOrdinary = true
            client.startedAt = Clock.now()
            client.helper = try Helper("client", spawn, loop: loop) { [unowned self, unowned client] in
                hasEnded(client, $0)
            }
        } catch {
            log.write(.error, "client-start", "client \"\(client.line.command)\" cannot be started: \(error)")
        }
    }

    private func hasEnded(_ client: Client, _ how: ChildStatus) {
        let pid = client.helper?.pid ?? 0
        client.helper = nil
        if ended != nil { return endNext() }
        let command = client.line.command
        switch client.policy.ended(how, after: Clock.now() - client.startedAt) {
        case .stay:
            log.write(.notice, "client-end", "client \"\(command)\" (process \(pid)) asks not to be started again")
        case .giveUp: log.write(.error, "client-end", "Client \"\(command)\" respawning too fast")
        case .restart:
            log.write(.warning, "client-end", "client \"\(command)\" (process \(pid)) ended: \(how): Respawning")
            start(client)
        case .reboot:
            log.write(
                .critical, "client-reboot",
                "client \"\(command)\" (process \(pid)) ended: \(how): Rebooting this machine, as failfast has it")
            log.write(.critical, "client-reboot", "\(Machine.reboot()): the client is not started again")
        }
    }

    /// Ends the clients, the last one first, each when the one behind it has ended; then calls `completion`, at once
    /// where none runs. A later call replaces the completion of an earlier one that has not come.
    func end(_ completion: @escaping () -> Void) {
        ended = completion
        endNext()
    }

    private func endNext() {
        guard let helper = clients.last(where: { $0.helper != nil })?.helper else {
            timer = nil
            let completion = ended
            ended = {}
            completion?()
            return
        }
        _ = kill(helper.pid, SIGTERM)
        timer = try? loop.onTime(Clock.now() + RespawnSupervisor.grace) { helper.end() }
    }
}
