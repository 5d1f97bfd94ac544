// What this daemon checks and alerts by itself: the seam of the service monitor on one side, the native monitors and
// alerts on the other.
import Admin
import Alerts
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import MonitorService
import Monitoring
import Probes
import Reactor

/// Makes both for one loop.
enum NativeWiring {
    static func make(_ loop: EventLoop, _ log: Log, _ paths: Paths) -> NativeRunners {
        raiseDescriptorLimit()
        return NativeRunners(checks: NativeChecks(loop), alerts: NativeAlertCalls(loop, paths, log))
    }

    /// A check that waits has a descriptor: as many as this process may have at all.
    private static func raiseDescriptorLimit() {
        var limits = rlimit()
        guard getrlimit(RLIMIT_NOFILE, &limits) == 0 else { return }
        limits.rlim_cur = limits.rlim_max
        setrlimit(RLIMIT_NOFILE, &limits)
    }
}

extension MonitorProblem {
    /// One line for a diagnostic.
    fileprivate var line: String { suggestion.map { "\(description), \($0)" } ?? description }
}

/// Checks without a program.
private final class NativeChecks: CheckRunner {
    /// One under way.
    private final class Check: RunningCheck {
        private let run: any MonitorRunHandle
        let pid: Int32 = 0

        init(_ run: any MonitorRunHandle) { self.run = run }

        func cancel() { run.cancel() }
    }

    private let monitors: NativeMonitors

    init(_ loop: EventLoop) { monitors = NativeMonitors(loop: loop) }

    func knows(_ name: String) -> Bool { monitors.knows(name) }

    func problem(_ words: [String]) -> String? { monitors.check(arguments: words)?.line }

    func start(_ order: CheckOrder, completion: @escaping (CheckOutcome) -> Void) -> (any RunningCheck)? {
        guard case .native(let name) = order.source else {
            completion(.notStarted("\(order.source) is no native monitor"))
            return nil
        }
        return Check(
            monitors.start(
                arguments: [name] + order.arguments, hosts: order.hosts, timeout: order.timeLimit,
                environment: order.environment.map { ($0.name, $0.value) }
            ) { exit, output in
                completion(.result(CheckResult(exit: exit, output: output)))
            })
    }
}

/// Alerts without a program of mon's.
private final class NativeAlertCalls: AlertRunner {
    private let alerts: NativeAlerts
    private let log: Log

    init(_ loop: EventLoop, _ paths: Paths, _ log: Log) {
        alerts = NativeAlerts(loop: loop, paths: paths)
        self.log = log
    }

    func knows(_ name: String) -> Bool { alerts.knows(name) }

    func problem(_ words: [String]) -> String? { alerts.check(arguments: words)?.line }

    func start(_ order: AlertOrder) {
        guard case .native(let name) = order.source else { return }
        let words = [name] + order.arguments
        alerts.start(
            arguments: words, flags: order.flags, input: order.input,
            environment: order.environment.map { ($0.name, $0.value) }, observedAt: order.observedAt
        ) { [log] exit, output in
            let call = "\(words.joined(separator: " ")) for \(order.group)/\(order.service)"
            let lines = output.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            let text = lines.joined(separator: "; ")
            if exit == 0 { return log.write(.info, "alert-done", "\(call): done" + (text.isEmpty ? "" : ", \(text)")) }
            log.write(.error, "alert-failed", "\(call): \(text)")
        }
    }
}
