// One run of one monitor: the checks of all its subjects at the same time, one deadline, one report.
import ClusterModel
import LinuxSystem
import Reactor

/// What was found of one subject.
struct Finding {
    /// Why it failed, in one clause; nil: it is well.
    var failure: String?
    /// How long it took, or another word on what is well: `0.8 ms`, `73 % free`.
    var note: String?
    /// Lines that follow the subject's own in the report.
    var details: [String] = []
}

/// A check under way.
protocol RunningCheck: AnyObject {
    /// Ends it; nothing is told any more.
    func cancel()
    /// What it waits for, for people: `connecting`.
    var stage: String { get }
}

/// What the arguments of a monitor come to.
struct MonitorPlan {
    /// Begins the check of one subject. The last argument is called once, before this returns or later.
    typealias Begin = (CheckTools, String, Instant, @escaping (Finding) -> Void) -> (any RunningCheck)?

    /// Longest time of one check.
    var timeout: Duration
    /// What is checked, where that is not the hosts.
    var subjects: [String]?
    /// Whether the run fails only when every subject has failed.
    var mustAllFail = false
    /// Whether subjects that are well are left out of the report.
    var isTerse = false
    var begin: Begin

    init(timeout: Duration, subjects: [String]? = nil, begin: @escaping Begin) {
        self.timeout = timeout
        self.subjects = subjects
        self.begin = begin
    }
}

/// A run; calls its completion once, from the event loop.
final class MonitorRun: MonitorRunHandle {
    private enum State {
        /// Not begun: it waits for a slot. Can transition to: running, done.
        case waiting
        /// Can transition to: done.
        case running((any RunningCheck)?)
        case done(Finding)
    }

    var ended: () -> Void = {}

    private let plan: MonitorPlan
    private let subjects: [String]
    private let tools: CheckTools
    private let timeout: Duration
    private var states: [State]
    private var missing: Int
    private var timer: EventSource?
    private var completion: NativeMonitors.Completion?

    init(_ plan: MonitorPlan, subjects: [String], timeout: Duration, tools: CheckTools) {
        self.plan = plan
        self.subjects = subjects
        self.timeout = timeout
        self.tools = tools
        states = subjects.map { _ in .waiting }
        missing = subjects.count
    }

    func begin(_ completion: @escaping NativeMonitors.Completion) {
        self.completion = completion
        let deadline = Clock.now() + timeout
        timer = try? tools.loop.onTime(deadline) { [unowned self] in expire() }
        if timer == nil { return report() }
        for index in subjects.indices {
            tools.slots.take { [weak self] in
                guard let self, case .waiting = states[index] else { return false }
                start(index, deadline)
                return true
            }
        }
        if missing == 0 { timer?.schedule(Clock.now()) }
    }

    func cancel() {
        guard completion != nil else { return }
        completion = nil
        timer = nil
        stopAll()
        ended()
    }

    private func start(_ index: Int, _ deadline: Instant) {
        states[index] = .running(nil)
        let check = plan.begin(tools, subjects[index], deadline) { [weak self] finding in
            self?.take(finding, of: index)
        }
        if case .running = states[index] { states[index] = .running(check) }
    }

    private func take(_ finding: Finding, of index: Int) {
        guard case .running = states[index] else { return }
        states[index] = .done(finding)
        missing -= 1
        tools.slots.giveBack()
        // From the loop, never from within a check.
        if missing == 0 { timer?.schedule(Clock.now()) }
    }

    private func expire() {
        if completion != nil { report() }
    }

    private func stopAll() {
        for index in states.indices {
            guard case .running(let check) = states[index] else { continue }
            let stage = check.map { ": \($0.stage)" } ?? ""
            states[index] = .done(Finding(failure: "nothing within \(timeout.spoken)\(stage)"))
            check?.cancel()
            tools.slots.giveBack()
        }
    }

    private func report() {
        stopAll()
        let completion = completion
        self.completion = nil
        timer = nil
        let findings = states.map { state -> Finding in
            guard case .done(let finding) = state else {
                return Finding(failure: "not checked: too many checks at once")
            }
            return finding
        }
        let report = MonitorReport(zip(subjects, findings).map { ($0, $1) }, plan)
        ended()
        completion?(report.exit, Array(report.text.utf8))
    }
}

/// What a run prints, and its exit status.
struct MonitorReport {
    var exit: Int32
    var text: String

    init(_ results: [(subject: String, finding: Finding)], _ plan: MonitorPlan) {
        let results = results.sorted { $0.subject < $1.subject }
        let failed = results.filter { $0.finding.failure != nil }
        let hasFailed = plan.mustAllFail ? !failed.isEmpty && failed.count == results.count : !failed.isEmpty
        exit = hasFailed ? 1 : 0
        var lines = [hasFailed ? failed.map(\.subject).joined(separator: " ") : ""]
        for (subject, finding) in failed {
            lines.append("\(subject): \(finding.failure ?? "")")
            lines += finding.details
        }
        if !plan.isTerse {
            for (subject, finding) in results where finding.failure == nil {
                lines.append("\(subject): ok" + (finding.note.map { ", \($0)" } ?? ""))
                lines += finding.details
            }
        }
        // What a server sends must not look like a line of ours.
        text = lines.map { MonitorReport.line($0) }.joined(separator: "\n") + "\n"
    }

    private static let lineLengthMax = 1000

    private static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(lineLengthMax) {
            line.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
        }
        return String(line)
    }
}

extension Duration {
    /// `5 s`, `1.5 s`, `12.3 ms`, `0.08 ms`
    var spoken: String {
        let microseconds = wholeNanoseconds / 1000
        if microseconds >= 1_000_000 {
            let tenths = (microseconds + 50_000) / 100_000
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let hundredths = (microseconds + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
    }
}
