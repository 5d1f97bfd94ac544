// Scripts, and OCF agents by the script that runs them: their times, and their roles. Where a group is held, a resource
// with two roles is promoted.
import ClusterModel
import LinuxSystem

extension ResourceOperations {
    /// Runs a script once. `agent`: whose advice on times counts where ha.cf says nothing; such a script knows the
    /// words of OCF agents.
    func script(
        _ task: Task, _ path: String, _ arguments: [String], agent: AgentAdvice.Source? = nil
    ) -> (any RunningOperation)? {
        let word = task.operation.scriptWord
        var task = task
        var spawn = Spawn(program: path, arguments: [path] + arguments + [word])
        spawn.environment = settings.environment
        switch task.operation {
        // A script knows no such word, and some take an unknown one for a start.
        case .validate where agent == nil:
            task.completion(.done)
            return nil
        case .promote where agent == nil, .demote where agent == nil:
            task.completion(.failed("\(path) has one role: heartbeat's scripts know start, stop and status"))
            return nil
        case .start, .stop, .promote, .demote, .validate:
            let text = (["Running", path] + arguments + [word]).joined(separator: " ")
            log(LogRecord(.info, "script", text, task.fields))
        case .status, .monitor: break
        }
        var adviseLater: (() -> Void)?
        if let source = agent ?? wrapper(path) {
            let declared = advice.time(of: task.operation, from: source, environment: settings.environment) {
                adviseLater?()
            }
            task.timeout = settings.timeout(task.operation, task.resource, declared: declared)
            spawn.environment += ScriptEnvironment.ofAgent(task.operation, task.limit, task.monitor)
        }
        let run = program(spawn, task) { result in
            // Of a script that was killed before it could say anything, nothing is known.
            if case .ended(.killed) = result.ending { return .unknown(result.failure ?? "") }
            return ScriptStatus.outcome(result)
        }
        adviseLater = { [self, weak run] in
            guard let source = agent ?? wrapper(path), task.monitor == nil else { return }
            let declared = advice.time(of: task.operation, from: source)
            run?.limit(to: settings.timeout(task.operation, task.resource, declared: declared))
        }
        return run
    }

    /// Scripts of this product that run the agent of their name say what it advises; others would not know the word.
    private func wrapper(_ path: String) -> AgentAdvice.Source? {
        guard ClassicScripts.wrapped.contains(where: { path == "\(InstalledFiles.resourceScripts)/\($0.name)" }) else {
            return nil
        }
        return AgentAdvice.Source(script: path, words: [])
    }

    /// One operation of an OCF agent: for one with two roles a start is followed by a promote, and a stop preceded by a
    /// demote, each with a timeout of its own. `arguments`: the agent's name first.
    func agent(_ task: Task, _ path: String, _ arguments: [String]) -> (any RunningOperation)? {
        let source = AgentAdvice.Source(script: path, words: Array(arguments.prefix(1)))
        let role: PromotedRole?
        do throws(PromotedRole.Problem) {
            role = try PromotedRole.read(arguments)
        } catch {
            task.completion(absent(task, "\(error.word): \(error.reason)"))
            return nil
        }
        let steps: [ResourceOperation]
        switch (task.operation, role?.staysUnpromoted) {
        case (.start, .some): steps = [.start, .promote]
        case (.stop, .some(true)): steps = [.demote]
        case (.stop, .some(false)): steps = [.demote, .stop]
        case (let operation, _): steps = [operation]
        }
        if steps == [task.operation] { return script(task, path, arguments, agent: source) }
        let sequence = OperationSequence(steps, completion: task.completion) { [self] step, completion in
            var part = task
            part.operation = step
            part.timeout = settings.timeout(step, task.resource)
            part.completion = completion
            return whenEntitled(part) { [self] in script(part, path, arguments, agent: source) }
        }
        sequence.begin()
        return sequence
    }
}

/// Operations that are carried out one after the other and count as one. A failed demote does not keep a stop from
/// being tried: it is the stop that counts then.
private final class OperationSequence: RunningOperation {
    typealias Run = (ResourceOperation, @escaping (ResourceOutcome) -> Void) -> (any RunningOperation)?

    private var steps: [ResourceOperation]
    private let run: Run
    private let completion: (ResourceOutcome) -> Void
    private var current: (any RunningOperation)?
    private var isCancelled = false

    init(_ steps: [ResourceOperation], completion: @escaping (ResourceOutcome) -> Void, run: @escaping Run) {
        self.steps = steps
        self.run = run
        self.completion = completion
    }

    func begin() { next() }

    func cancel() {
        isCancelled = true
        current?.cancel()
    }

    private func next() {
        guard !steps.isEmpty else { return completion(.done) }
        let step = steps.removeFirst()
        var isFinished = false
        let started = run(step) { [self] outcome in
            isFinished = true
            current = nil
            switch outcome {
            case .failed(let reason) where isCancelled || steps.isEmpty || step != .demote:
                completion(.failed(step == .promote || step == .demote ? "\(step.rawValue): \(reason)" : reason))
            default: isCancelled ? completion(.failed("ended early")) : next()
            }
        }
        if !isFinished { current = started }
    }
}
