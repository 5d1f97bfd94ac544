// Monitors that are programs (specs/mon.md 4): one process group for each run, standard output and error in one pipe,
// no more of it kept than is useful, and an end at the time limit.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

/// Runs monitor programs.
package final class ProgramChecks: CheckRunner {
    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    /// The daemon's own environment, which programs inherit.
    private let inherited: [String]

    /// `inherited`: `NAME=VALUE` entries that every program gets, unless the order sets the name.
    package init(loop: EventLoop, inherited: [String], log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.inherited = inherited
        self.log = log
    }

    package func knows(_ name: String) -> Bool { false }
    package func problem(_ words: [String]) -> String? { nil }

    package func start(_ order: CheckOrder, completion: @escaping (CheckOutcome) -> Void) -> (any RunningCheck)? {
        guard case .file(let path) = order.source else {
            completion(.notStarted("\(order.source) is no program"))
            return nil
        }
        do throws(SystemError) {
            var spawn = Spawn(program: path, arguments: [path] + order.arguments + order.hosts)
            spawn.environment = ProgramEnvironment.merged(inherited, order.environment)
            spawn.workingDirectory = ProgramEnvironment.folder
            return try MonitorProcess(spawn, limit: order.timeLimit, loop: loop, log: log, completion: completion)
        } catch {
            completion(.notStarted("\(error)"))
            return nil
        }
    }
}

/// The environment of programs.
enum ProgramEnvironment {
    /// Entries of the daemon's own whose names are not set, and what is set.
    static func merged(_ inherited: [String], _ settings: [Setting]) -> [String] {
        let set = settings.filter { !$0.name.isEmpty && !$0.value.utf8.contains(0) }
        let kept = inherited.filter { entry in !set.contains { entry.hasPrefix($0.name + "=") } }
        return kept + set.map { "\($0.name)=\($0.value)" }
    }

    /// The daemon's own folder, in which programs run.
    static let folder: String = {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }()

    /// This process's own.
    static var own: [String] {
        var entries: [String] = []
        var next = cl_environ()
        while let entry = next?.pointee {
            entries.append(String(cString: entry))
            next = next?.advanced(by: 1)
        }
        // Nothing of systemd's: a program is no service.
        let foreign = ["NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "JOURNAL_STREAM=", "LISTEN_", "MON_"]
        return entries.filter { entry in !foreign.contains(where: entry.hasPrefix) }
    }
}

/// One monitor program at work. It stays until it has ended, whoever else lets it go.
private final class MonitorProcess: RunningCheck {
    /// Between SIGTERM and SIGKILL, and between SIGKILL and giving up on a process that cannot die.
    private static let grace: Duration = .seconds(5)

    private enum Stage {
        case running, terminated, killed, finished
    }

    let pid: Int32
    private let output: OutputPipe
    private let limit: Duration
    private let log: (LogRecord) -> Void
    private var completion: ((CheckOutcome) -> Void)?
    private var stage = Stage.running
    private var isOverdue = false
    private var reader: EventSource?
    private var exit: EventSource?
    private var timer: EventSource?

    init(
        _ spawn: Spawn, limit: Duration, loop: EventLoop, log: @escaping (LogRecord) -> Void,
        completion: @escaping (CheckOutcome) -> Void
    ) throws(SystemError) {
        output = try OutputPipe()
        self.limit = limit
        self.log = log
        self.completion = completion
        var spawn = spawn
        spawn.descriptors = [1: output.childEnd.raw, 2: output.childEnd.raw]
        spawn.leadsProcessGroup = true
        pid = try spawn.start()
        do throws(SystemError) {
            reader = try loop.onReadable(output.raw) { [unowned self] in output.read() }
            timer = try loop.onTime(Clock.now() + limit) { [unowned self] in expired() }
            // The cycle ends when the program has.
            exit = try loop.onChildExit(pid) { [self] status in ended(status) }
        } catch {
            // Without its event sources the program would run unwatched.
            reader = nil
            timer = nil
            try? Children.signalGroup(pid, SIGKILL)
            _ = try? Children.wait(pid)
            throw error
        }
    }

    func cancel() {
        completion = nil
        if stage == .running { terminate() }
    }

    private func expired() {
        switch stage {
        case .running:
            isOverdue = true
            terminate()
        case .terminated:
            stage = .killed
            signal(SIGKILL)
            timer?.schedule(Clock.now() + MonitorProcess.grace)
        case .killed:
            // It hangs in the kernel; it is still reaped, should it end.
            log(LogRecord(.error, "program-undead", "process \(pid) does not end after SIGKILL"))
            tell(.timedOut(limit, output: output.bytes))
            stage = .finished
        case .finished: break
        }
    }

    private func terminate() {
        stage = .terminated
        signal(SIGTERM)
        timer?.schedule(Clock.now() + MonitorProcess.grace)
    }

    private func ended(_ status: ChildStatus) {
        // Until this returns the process is not reaped, so its number still names its group and nobody else's.
        if stage == .terminated || stage == .killed { signal(SIGKILL) }
        stage = .finished
        output.finish()
        switch status {
        case _ where isOverdue: tell(.timedOut(limit, output: output.bytes))
        case .exited(let code): tell(.result(CheckResult(exit: code, output: output.bytes)))
        case .killed(let signal): tell(.killed(signal: signal, output: output.bytes))
        }
        reader = nil
        timer = nil
        exit = nil
    }

    private func tell(_ outcome: CheckOutcome) {
        let completion = completion
        self.completion = nil
        completion?(outcome)
    }

    private func signal(_ number: Int32) {
        do throws(SystemError) {
            try Children.signalGroup(pid, number)
        } catch {
            log(LogRecord(.warning, "program-signal", "\(error)"))
        }
    }
}
