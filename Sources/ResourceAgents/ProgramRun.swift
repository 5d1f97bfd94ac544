// One run of a program for a resource: in its own process group, with its output kept and an end at its timeout.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// A program that runs now.
package final class ProgramRun: RunningOperation {
    /// How the program came to its end.
    package enum Ending: Equatable, Sendable {
        case ended(ChildStatus)
        case timedOut(Duration)
        /// Ended by `cancel`.
        case cancelled

        /// Whether the program ended by itself, with any exit code.
        package var isAnswer: Bool {
            if case .ended(.exited) = self { true } else { false }
        }
    }

    /// How a program ended, and what it printed.
    package struct Result {
        package var ending: Ending
        /// At most `OutputPipe.sizeMax` bytes each.
        package var output: [UInt8]
        package var errors: [UInt8]
        package var isTruncated: Bool
        /// It, or something that it started, has withstood SIGKILL: it hangs in a call of the kernel, which may succeed
        /// yet.
        package var isUndead = false

        /// The last line that the program printed, for a failure's text; nil where it printed none.
        package var lastLine: String? {
            OutputLines.split(errors).last ?? OutputLines.split(output).last
        }

        /// Why an operation that must exit with 0 did not; nil where it did.
        package var failure: String? {
            switch ending {
            case .ended(.exited(0)): nil
            case .ended(let status): lastLine.map { "\(status): \($0)" } ?? "\(status)"
            case .timedOut(let timeout): "timed out after \(timeout.wholeMilliseconds / 1000) s"
            case .cancelled: "ended early"
            }
        }
    }

    /// Between SIGTERM and SIGKILL, and between SIGKILL and giving up on a process that cannot die.
    private static let grace: Duration = .seconds(5)
    /// Between two looks at what was killed and is still there.
    private static let look: Duration = .milliseconds(20)
    private static let lateLook: Duration = .seconds(1)

    private enum Stage {
        case running, terminated, killed
        /// The program has ended; what it started was killed, and is still there.
        case emptying(since: Instant)
        case finished
    }

    private let pid: pid_t
    private let group: ControlGroup?
    private let keeps: (Ending) -> Bool
    private let began = Clock.now()
    private let loop: EventLoop
    private let output: OutputPipe
    private let errors: OutputPipe
    private let ledger: ProgramLedger?
    private let log: (LogRecord) -> Void
    private let completion: (Result) -> Void
    private let buried: () -> Void
    private var stage = Stage.running
    private var ending: Ending?
    private var limit: Duration
    private var sources: [EventSource] = []
    private var timer: EventSource?

    /// Starts the program; `spawn`'s standard output and error, and its process group, are set here. `completion` is
    /// called once, from the event loop, when the program has ended or has withstood SIGKILL. It is in `ledger` as long
    /// as it runs, with `resource` where it changes that. What it leaves running in a control group of `groups` stays
    /// where `keeps` says so of its end, else it is killed. A program that was ended early has ended when all of its
    /// process group and its control group have. `buried` is called when that is so of one that had withstood SIGKILL.
    package init(
        _ spawn: Spawn, of resource: String = "", changes: Bool = false, timeout: Duration, loop: EventLoop,
        ledger: ProgramLedger? = nil, groups: ResourceControlGroups? = nil,
        keeps: @escaping (Ending) -> Bool = { _ in true },
        log: @escaping (LogRecord) -> Void, buried: @escaping () -> Void = {}, completion: @escaping (Result) -> Void
    ) throws(SystemError) {
        output = try OutputPipe()
        errors = try OutputPipe()
        self.loop = loop
        self.ledger = ledger
        self.log = log
        self.completion = completion
        self.buried = buried
        self.keeps = keeps
        limit = timeout
        var spawn = spawn
        spawn.descriptors[1] = output.childEnd.raw
        spawn.descriptors[2] = errors.childEnd.raw
        spawn.leadsProcessGroup = true
        spawn.isOrdinary = true
        (pid, group) = try ProgramRun.start(spawn, groups, groups?.begin(resource))
        ledger?.started(pid, group, changing: changes ? resource : "")
        do throws(SystemError) {
            sources.append(try loop.onReadable(output.raw) { [output] in output.read() })
            sources.append(try loop.onReadable(errors.raw) { [errors] in errors.read() })
            sources.append(try loop.onChildExit(pid) { self.exited($0) })
            timer = try loop.onTime(began + timeout) { self.expired() }
        } catch {
            // Without its event sources the program would run unwatched.
            sources = []
            try? Children.signalGroup(pid, SIGKILL)
            group?.kill()
            _ = try? Children.wait(pid)
            ledger?.ended(pid)
            throw error
        }
    }

    /// In the group, and without it where that is refused.
    private static func start(
        _ spawn: Spawn, _ groups: ResourceControlGroups?, _ group: ControlGroup?
    ) throws(SystemError) -> (pid_t, ControlGroup?) {
        guard let groups, let group else { return (try spawn.start(), nil) }
        do throws(SystemError) {
            let folder = try Descriptor.open(group.path, O_RDONLY | O_DIRECTORY)
            var spawn = spawn
            spawn.controlGroup = folder.raw
            return (try spawn.start(), group)
        } catch {
            // What cannot be executed fails the second time too.
            let reason = error
            do throws(SystemError) {
                let pid = try spawn.start()
                groups.refused(group, reason)
                return (pid, nil)
            } catch {
                group.remove()
                throw error
            }
        }
    }

    /// Changes its timeout, counted from its start; without effect on a program that has ended or is being ended.
    package func limit(to timeout: Duration) {
        guard case .running = stage else { return }
        limit = timeout
        timer?.schedule(began + timeout)
    }

    package func cancel() {
        guard case .running = stage else { return }
        terminate(.cancelled)
    }

    /// Kills it with all that it has started, at once: where nobody waits for it, or this process is about to end.
    package func kill() {
        switch stage {
        case .running, .terminated:
            ending = ending ?? .cancelled
            stage = .killed
            signal(SIGKILL)
            group?.kill()
            timer?.schedule(Clock.now() + ProgramRun.grace)
        case .killed, .emptying, .finished: break
        }
    }

    private func expired() {
        switch stage {
        case .running: terminate(.timedOut(limit))
        case .terminated: kill()
        case .killed:
            // It hangs in the kernel. Its end, should it come, is still reaped.
            log(LogRecord(.error, "program-undead", "process \(pid) does not end after SIGKILL"))
            finish(isUndead: true)
        case .emptying(let since): emptied(since)
        case .finished: break
        }
    }

    private func terminate(_ ending: Ending) {
        self.ending = ending
        stage = .terminated
        signal(SIGTERM)
        timer?.schedule(Clock.now() + ProgramRun.grace)
    }

    private func exited(_ status: ChildStatus) {
        // Until this returns the process is not reaped, so its number still names its group and nobody else's.
        switch stage {
        case .running:
            ending = .ended(status)
            if !keeps(.ended(status)) { group?.kill() }
            emptied(Clock.now())
        case .terminated, .killed:
            signal(SIGKILL)
            group?.kill()
            emptied(Clock.now())
        case .emptying: break
        case .finished: bury()
        }
        sources = []
    }

    /// Of a program that was killed, or left in a control group that was, more than its first process may be there
    /// still: a mount that a script has started hangs in the kernel and the script does not.
    private var isLeft: Bool {
        switch ending {
        case .ended(let status): !keeps(.ended(status)) && group?.isPopulated == true
        case .timedOut, .cancelled, nil: group?.isPopulated == true || ProcessGroup.isAlive(pid)
        }
    }

    private func emptied(_ since: Instant) {
        let isUndead = Clock.now() - since >= ProgramRun.grace
        if isLeft, !isUndead {
            stage = .emptying(since: since)
            timer?.schedule(Clock.now() + ProgramRun.look)
        } else if isLeft {
            log(LogRecord(.error, "program-undead", "what process \(pid) started does not end after SIGKILL"))
            finish(isUndead: true)
            bury()
        } else {
            ledger?.ended(pid)
            finish()
        }
    }

    /// Waits on for the end of what has withstood SIGKILL.
    private func bury() {
        if isLeft {
            timer = try? loop.onTime(Clock.now() + ProgramRun.lateLook) { self.bury() }
        } else {
            timer = nil
            ledger?.ended(pid)
            buried()
        }
    }

    private func finish(isUndead: Bool = false) {
        stage = .finished
        timer = nil
        output.finish()
        errors.finish()
        // Where something stays, or is only about to die, a later run of the resource removes it.
        group?.remove()
        if sources.count > 2 { sources.removeFirst(2) }
        completion(
            Result(
                ending: ending ?? .cancelled, output: output.bytes, errors: errors.bytes,
                isTruncated: output.isTruncated || errors.isTruncated, isUndead: isUndead))
    }

    private func signal(_ number: Int32) {
        do throws(SystemError) {
            try Children.signalGroup(pid, number)
        } catch {
            log(LogRecord(.warning, "program-signal", "\(error)"))
        }
    }
}

/// A program's output as lines for a log.
package enum OutputLines {
    /// Lines and bytes of one line that are kept.
    private static let lineCountMax = 50
    private static let lineLengthMax = 400

    /// The lines that hold more than blanks, without control characters; the first ones only where there are many.
    package static func split(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).lazy.map { line in
            String(decoding: line.prefix(lineLengthMax).map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }, as: UTF8.self)
        }.filter { line in !line.allSatisfy { $0 == " " } }.prefix(lineCountMax).map(\.self)
    }

    /// The last lines of what was split, as many as fit into so many bytes, joined by LF.
    package static func end(of lines: [String], bytes: Int) -> String {
        var kept: [String] = []
        var room = bytes
        for line in lines.reversed() {
            room -= line.utf8.count + 1
            if room < 0 { break }
            kept.insert(line, at: 0)
        }
        return kept.joined(separator: "\n")
    }
}
