// One medium from the control process's side: opened as root, its two workers started and started again, opened anew
// when what it depends on has changed.
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Media
import Privsep
import Reactor

final class MediumSupervisor {
    /// Between two attempts to open a medium that is not there.
    private static let retryInterval = Duration.seconds(1)

    private let id: MediumID
    private let medium: Medium
    private unowned let control: ControlProcess
    private var opened: OpenMedium?
    private var reader: Helper?
    private var writer: Helper?
    private var restarts = RestartPolicy()
    private var retry: EventSource?
    private var lastProblem: String?
    private var isEnding = false

    init(_ id: MediumID, _ medium: Medium, of control: ControlProcess) {
        self.id = id
        self.medium = medium
        self.control = control
    }

    var processes: [RunningProcess] {
        [reader, writer].compactMap { $0 }.map { RunningProcess(role: $0.role, pid: $0.pid) }
    }

    /// Gives the status process new channels: opens the medium where it is not open, and starts its workers.
    func start() {
        stopWorkers()
        retry = nil
        do {
            if opened == nil {
                opened = try MediumOpener.open(
                    medium, echoIdentifier: UInt16(truncatingIfNeeded: getpid()), names: control.names)
                lastProblem = nil
                control.log.write(.info, "medium-open", "\(medium.title) is open")
            }
            try startWorkers()
        } catch {
            down("\(error)")
        }
    }

    /// An interface or an address has changed somewhere.
    func networkChanged() {
        guard !isEnding, !medium.isSerial else { return }
        if opened == nil { return start() }
        guard let signature = opened?.signature, signature != MediumSignature.current(medium) else { return }
        control.log.write(.notice, "medium-changed", "\(medium.title) has changed: opening it again")
        close()
        start()
    }

    func end() {
        isEnding = true
        retry = nil
    }

    private func close() {
        stopWorkers()
        opened = nil
    }

    private func stopWorkers() {
        for worker in [reader, writer] { worker?.end() }
        reader = nil
        writer = nil
    }

    private func startWorkers() throws {
        let toStatus = try SocketPair()
        let fromStatus = try SocketPair()
        reader = try startWorker(.read, channel: toStatus.first.raw)
        writer = try startWorker(.write, channel: fromStatus.first.raw)
        control.tellStatus(.medium(index: UInt16(id.index)), [toStatus.second.raw, fromStatus.second.raw])
        control.tellProcesses()
    }

    private func startWorker(_ direction: MediumWorker.Direction, channel: Int32) throws -> Helper? {
        guard let transport = opened?.transport, let receiver = opened?.receiver.raw, let sender = opened?.sender.raw
        else {
            return nil
        }
        let settings = control.configuration.processes
        let worker = MediumWorker(
            direction: direction, protocolVersion: Launch.protocolVersion, parent: getpid(), index: UInt16(id.index),
            medium: medium, transport: transport, identity: control.helpers.identity,
            realtimePriority: settings.realtime ? settings.realtimePriority : nil,
            node: control.configuration.localName, logging: control.configuration.logging,
            isForeground: control.isForeground)
        var spawn = worker.spawn(
            program: HelperPrograms.program, channel: channel,
            medium: direction == .read ? receiver : sender, logfile: control.logDescriptor)
        spawn.environment += ["SWIFT_BACKTRACE=enable=no"]
        var started: pid_t = 0
        let helper = try Helper("\(direction.rawValue): \(medium.title)", spawn, loop: control.loop) { [unowned self] in
            workerEnded(started, $0)
        }
        started = helper.pid
        return helper
    }

    private func workerEnded(_ pid: pid_t, _ how: ChildStatus) {
        // One that was replaced has nothing to say any more.
        guard !isEnding, pid == reader?.pid || pid == writer?.pid else { return }
        if how == .exited(MediumWorkerExit.finished.rawValue) { return }
        if how == .exited(MediumWorkerExit.mediumLost.rawValue) {
            close()
            return down("\(medium.title): the device is gone")
        }
        control.log.write(.error, "worker-died", "a worker of \(medium.title) ended (\(how)): starting both again")
        let pause = restarts.died(at: Clock.now())
        if pause == .zero { return start() }
        stopWorkers()
        down("\(medium.title): its workers keep dying", retryAfter: pause)
    }

    private func down(_ problem: String, retryAfter pause: Duration = MediumSupervisor.retryInterval) {
        if problem != lastProblem {
            lastProblem = problem
            control.log.write(.error, "medium-down", problem)
        }
        control.tellStatus(.mediumDown(index: UInt16(id.index), reason: problem))
        do throws(SystemError) {
            retry = try control.loop.onTime(Clock.now() + pause) { [unowned self] in start() }
        } catch {
            control.log.write(.error, "medium-down", "\(error)")
        }
    }
}
