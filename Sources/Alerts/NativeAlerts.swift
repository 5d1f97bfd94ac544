// The alerts that need no program of mon's: their names, the check of their arguments when a configuration is read, and
// their runs on the event loop of the process. What could wait, a file, a mail program, another node, is waited for
// beside the loop.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Probes
import Reactor
import WebTransfers

/// One run of an alert.
package protocol AlertRunHandle: AnyObject {
    /// Ends the run as far as it can be ended; its completion is not called any more.
    func cancel()
}

/// All native alerts of a process.
package final class NativeAlerts {
    /// Called with exit status 0 and a line on what came of it, where there is one, or 1 and a line that says why.
    package typealias Completion = (_ exit: Int32, _ output: [UInt8]) -> Void

    private let tools: AlertTools
    private var runs: [ObjectIdentifier: AlertRun] = [:]

    /// `paths`: of the heartbeat that `cluster` alerts speak to.
    package init(loop: EventLoop, paths: Paths = Paths()) { tools = AlertTools(loop: loop, paths: paths) }

    /// The names of all alerts, sorted: `mail.alert`.
    package static var names: [String] { AlertCatalogue.entries.map(\.name).sorted() }

    /// Whether an alert's name, the first word of an `alert` line, means a native one. A path never does.
    package func knows(_ name: String) -> Bool { AlertCatalogue.entry(name) != nil }

    /// What is wrong with an `alert` line, its name first; nil: nothing.
    package func check(arguments: [String]) -> MonitorProblem? {
        do throws(MonitorProblem) {
            _ = try NativeAlerts.plan(arguments)
            return nil
        } catch {
            return error
        }
    }

    /// Starts a run: `arguments` with the alert's name first; `flags`, `input` and `environment` as an alert program is
    /// given them, `observedAt` when the check was begun that has failed. `completion` is called once, from the event
    /// loop, at the latest after `timeout`.
    @discardableResult
    package func start(
        arguments: [String], flags: [String], input: [UInt8], environment: [(String, String)] = [],
        observedAt: Instant? = nil, timeout: Duration = .seconds(300), completion: @escaping Completion = { _, _ in }
    ) -> any AlertRunHandle {
        let run = AlertRun(tools.loop)
        let identity = ObjectIdentifier(run)
        runs[identity] = run
        run.ended = { [unowned self] in runs[identity] = nil }
        run.begin(timeout, completion)
        let facts = AlertFacts(flags: flags, input: input, environment: environment, observedAt: observedAt)
        do throws(MonitorProblem) {
            let begin = try NativeAlerts.plan(arguments)
            run.work = begin(tools, facts, Clock.now() + timeout) { [weak run] end in run?.finish(end) }
        } catch {
            run.finish(.failed("\(error)"))
        }
        return run
    }

    private static func plan(_ arguments: [String]) throws(MonitorProblem) -> AlertPlan {
        guard let name = arguments.first, let entry = AlertCatalogue.entry(name) else {
            throw MonitorProblem(word: 0, "no native alert is called \(arguments.first ?? "")")
        }
        return try entry.plan(try MonitorArguments(arguments, entry.options))
    }
}

/// What alerts share.
final class AlertTools {
    let loop: EventLoop
    let paths: Paths
    lazy var names = NameResolver(loop: loop)
    private var opened: WebTransfers?

    init(loop: EventLoop, paths: Paths) {
        self.loop = loop
        self.paths = paths
    }

    func web() throws(SystemError) -> WebTransfers {
        if let opened { return opened }
        let web = try WebTransfers(loop: loop)
        opened = web
        return web
    }
}

/// Something under way that can be ended.
protocol AlertWork: AnyObject {
    func cancel()
}

extension WebTransfer: AlertWork {}
extension ChildProgram: AlertWork {}

/// How an alert ended.
enum AlertEnd {
    /// As asked; what came of it, in the words of whoever carried it out, where he has any.
    case done(String?)
    /// Why.
    case failed(String)
}

/// Begins an alert; the last argument is called with its end, now or later, once.
typealias AlertPlan = (AlertTools, AlertFacts, Instant, @escaping (AlertEnd) -> Void) -> (any AlertWork)?

/// One run; its completion is called from the event loop.
private final class AlertRun: AlertRunHandle {
    var ended: () -> Void = {}
    var work: (any AlertWork)?
    private let loop: EventLoop
    private var timer: EventSource?
    private var completion: NativeAlerts.Completion?
    private var end = AlertEnd.failed("not done in time")

    init(_ loop: EventLoop) { self.loop = loop }

    func begin(_ timeout: Duration, _ completion: @escaping NativeAlerts.Completion) {
        self.completion = completion
        timer = try? loop.onTime(Clock.now() + timeout) { [unowned self] in report() }
    }

    func finish(_ end: AlertEnd) {
        guard completion != nil else { return }
        self.end = end
        timer?.schedule(Clock.now())
        if timer == nil { report() }
    }

    func cancel() {
        guard completion != nil else { return }
        completion = nil
        timer = nil
        work?.cancel()
        ended()
    }

    private func report() {
        let completion = completion
        self.completion = nil
        timer = nil
        work?.cancel()
        work = nil
        ended()
        switch end {
        case .done(let text): completion?(0, Array((text.map { $0 + "\n" } ?? "").utf8))
        case .failed(let text): completion?(1, Array((text + "\n").utf8))
        }
    }
}
