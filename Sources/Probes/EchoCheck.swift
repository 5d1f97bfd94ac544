// ping.monitor and fping.monitor: echo requests to one host until one is answered, or the last was waited for.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// How a host is pinged.
struct EchoPolicy {
    /// Requests at most; the first reply ends the check.
    var attempts: Int
    /// From one request to the next, and after the last.
    var wait: Duration
    /// A slower reply is a failure.
    var slow: Duration?
}

/// Pings one host.
final class EchoCheck: RunningCheck {
    private let policy: EchoPolicy
    private let tools: CheckTools
    private let target: SocketAddress
    private var numbers: [UInt16] = []
    private var timer: EventSource?
    private var attempt = 0
    private var complaint: String?
    private var done: ((Finding) -> Void)?

    init(
        _ policy: EchoPolicy, _ target: SocketAddress, tools: CheckTools, _ done: @escaping (Finding) -> Void
    ) {
        self.policy = policy
        self.target = target
        self.tools = tools
        self.done = done
        send()
    }

    var stage: String { "no reply of \(target)" }

    func cancel() {
        done = nil
        stop()
    }

    private func send() {
        guard done != nil else { return }
        guard attempt < policy.attempts else {
            let tries = attempt == 1 ? "" : " to \(attempt) requests"
            return finish(Finding(failure: complaint ?? "no reply of \(target)\(tries)"))
        }
        attempt += 1
        do throws(SystemError) {
            let sent = Clock.now()
            numbers.append(
                try tools.echoes.send(to: target) { [weak self] arrival in self?.answered(arrival - sent) })
            complaint = nil
        } catch {
            complaint = "\(target): \(error)"
        }
        let next = Clock.now() + policy.wait
        if let timer { return timer.schedule(next) }
        timer = try? tools.loop.onTime(next) { [weak self] in self?.send() }
    }

    private func answered(_ time: Duration) {
        let time = max(.zero, time)
        if let slow = policy.slow, time > slow {
            return finish(Finding(failure: "slow: \(time.spoken), more than \(slow.spoken)"))
        }
        finish(Finding(note: time.spoken))
    }

    private func stop() {
        timer = nil
        for number in numbers { tools.echoes.forget(number) }
        numbers = []
    }

    private func finish(_ finding: Finding) {
        stop()
        let done = done
        self.done = nil
        done?(finding)
    }
}
