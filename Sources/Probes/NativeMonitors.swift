// The monitors that need no program: their names, the check of their arguments when a configuration is read, and their
// runs. Everything happens on the event loop of the process; no run forks, and none waits for anything in the loop.
import ClusterModel
import LinuxSystem
import Reactor

/// What is wrong with a monitor's arguments.
package struct MonitorProblem: Error, Equatable, CustomStringConvertible {
    /// Which of the arguments is wrong; 0 is the monitor's name, and what is missing is told of it.
    package var word: Int
    /// One clause: `unknown option -q`.
    package var description: String
    /// What would be right: `did you mean -p?`; nil where nothing can be guessed.
    package var suggestion: String?

    package init(word: Int, _ description: String, suggestion: String? = nil) {
        self.word = word
        self.description = description
        self.suggestion = suggestion
    }
}

/// One run of a monitor.
package protocol MonitorRunHandle: AnyObject {
    /// Ends the run; its completion is not called any more.
    func cancel()
}

/// All native monitors of a process.
package final class NativeMonitors {
    /// Called with exit status 0, all is well, or 1, and with what a monitor program would print: the failed subjects
    /// in one line, sorted, then what was found of each.
    package typealias Completion = (_ exit: Int32, _ output: [UInt8]) -> Void

    private let tools: CheckTools
    private var runs: [ObjectIdentifier: MonitorRun] = [:]
    /// What arguments came to, so that each run need not read them again.
    private var known: [[String]: MonitorPlan] = [:]
    private static let knownMax = 4096

    /// Nothing is opened yet: sockets are when they are first needed. `busAddress`: of a bus other than the system's.
    package init(loop: EventLoop, busAddress: String? = nil) {
        tools = CheckTools(loop: loop, busAddress: busAddress)
    }

    /// The names of all monitors, sorted: `dns.monitor`.
    package static var names: [String] { MonitorCatalogue.entries.map(\.name).sorted() }

    /// Whether a monitor's name, the first word of a `monitor` line, means a native one. A path never does.
    package func knows(_ name: String) -> Bool { MonitorCatalogue.entry(name) != nil }

    /// What is wrong with a `monitor` line, its name first; nil: nothing.
    package func check(arguments: [String]) -> MonitorProblem? {
        do throws(MonitorProblem) {
            _ = try plan(arguments)
            return nil
        } catch {
            return error
        }
    }

    /// Starts a run: `arguments` with the monitor's name first, then the hosts that it is for. `timeout`: the longest
    /// time of the whole run; the monitor's own may be shorter. `environment` is not used: no native monitor goes by
    /// it. `completion` is called once, from the event loop, never before this has returned.
    @discardableResult
    package func start(
        arguments: [String], hosts: [String], timeout: Duration, environment: [(String, String)] = [],
        completion: @escaping Completion
    ) -> any MonitorRunHandle {
        let plan: MonitorPlan
        do throws(MonitorProblem) {
            plan = try self.plan(arguments)
        } catch {
            let reason = "\(error)"
            plan = MonitorPlan(timeout: timeout, subjects: [arguments.first ?? "monitor"]) { _, _, _, done in
                done(Finding(failure: reason))
                return nil
            }
        }
        let run = MonitorRun(plan, subjects: plan.subjects ?? hosts, timeout: min(timeout, plan.timeout), tools: tools)
        let identity = ObjectIdentifier(run)
        run.ended = { [unowned self] in runs[identity] = nil }
        runs[identity] = run
        run.begin(completion)
        return run
    }

    /// Checks under way and their waiting successors, for the daemon's own figures.
    package var checksRunning: Int { tools.slots.used }

    private func plan(_ arguments: [String]) throws(MonitorProblem) -> MonitorPlan {
        if let plan = known[arguments] { return plan }
        guard let name = arguments.first, let entry = MonitorCatalogue.entry(name) else {
            throw MonitorProblem(word: 0, "no native monitor is called \(arguments.first ?? "")")
        }
        let plan = try entry.plan(try MonitorArguments(arguments, entry.options))
        if known.count >= NativeMonitors.knownMax { known.removeAll() }
        known[arguments] = plan
        return plan
    }
}
