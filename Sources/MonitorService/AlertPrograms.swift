// Alerts that are programs (specs/mon.md 5): started, given what the monitor said, reaped, and not waited for. When
// everything fails at once they run a few at a time, in their order.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

/// Runs alert programs.
package final class AlertPrograms: AlertRunner {
    /// Programs at once.
    private static let runningMax = 64
    /// Alerts that wait; more are dropped, and it is said.
    private static let waitingMax = 10_000
    /// A program that takes longer is killed: others wait.
    private static let limit: Duration = .seconds(300)

    private final class Running {
        var exit: EventSource?
        var timer: EventSource?
    }

    private let loop: EventLoop
    private let inherited: [String]
    private let output: Descriptor
    private let log: (LogRecord) -> Void
    private var running: [(pid: Int32, sources: Running)] = []
    private var waiting: [AlertOrder] = []
    private var waitingFirst = 0

    /// `output`: the file that programs print to; nowhere, where it cannot be opened.
    package init(
        loop: EventLoop, inherited: [String], output path: String, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.inherited = inherited
        let file = try? Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644)
        if let file { output = file } else { output = try Descriptor.open("/dev/null", O_WRONLY) }
        self.log = log
    }

    package func knows(_ name: String) -> Bool { false }
    package func problem(_ words: [String]) -> String? { nil }

    package func start(_ order: AlertOrder) {
        guard running.count >= AlertPrograms.runningMax else { return run(order) }
        guard waiting.count - waitingFirst < AlertPrograms.waitingMax else {
            return log(LogRecord(.error, "alert-dropped",
                "alert \(order.source) for \(order.group)/\(order.service) dropped: too many wait"))
        }
        waiting.append(order)
    }

    private func run(_ order: AlertOrder) {
        guard case .file(let path) = order.source else { return }
        do throws(SystemError) {
            try launch(path, order)
        } catch {
            // Long outputs may not fit into an environment; the alert matters more.
            var shorter = order
            shorter.environment.removeAll { $0.name == "MON_LAST_OUTPUT" }
            do throws(SystemError) {
                guard error.code == E2BIG else { throw error }
                try launch(path, shorter)
            } catch {
                log(LogRecord(.error, "alert-failed", "alert for \(order.group)/\(order.service): \(error)"))
            }
        }
    }

    private func launch(_ path: String, _ order: AlertOrder) throws(SystemError) {
        var spawn = Spawn(program: path, arguments: [path] + order.flags + order.arguments)
        spawn.environment = ProgramEnvironment.merged(inherited, order.environment)
        spawn.workingDirectory = ProgramEnvironment.folder
        spawn.leadsProcessGroup = true
        let input = try MemoryFile.write(order.input)
        spawn.descriptors[0] = input.raw
        spawn.descriptors[1] = output.raw
        spawn.descriptors[2] = output.raw
        let pid = try spawn.start()
        let sources = Running()
        running.append((pid, sources))
        sources.exit = try loop.onChildExit(pid) { [unowned self] _ in ended(pid) }
        sources.timer = try loop.onTime(Clock.now() + AlertPrograms.limit) { [unowned self] in
            log(LogRecord(.error, "alert-overdue", "alert \(path) does not end, it is killed"))
            try? Children.signalGroup(pid, SIGKILL)
        }
    }

    private func ended(_ pid: Int32) {
        running.removeAll { $0.pid == pid }
        guard waitingFirst < waiting.count else { return }
        let next = waiting[waitingFirst]
        waitingFirst += 1
        if waitingFirst == waiting.count {
            waiting = []
            waitingFirst = 0
        }
        run(next)
    }
}
