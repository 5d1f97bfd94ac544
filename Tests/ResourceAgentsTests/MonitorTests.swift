// Real scripts and mounts under their monitors: they die, hang, are killed, babble and disappear.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Monitors of what runs", .serialized)
struct MonitorTests {
    private let folder: TemporaryFolder
    private let loop: EventLoop
    private let records = Records()
    private let operations: ResourceOperations
    private let monitor: ResourceMonitor

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
        operations = try ResourceOperations(scriptsIn: folder, loop: loop, records)
        operations.settings.policy.stopRetries = 1
        monitor = ResourceMonitor(operations)
    }

    private func rule(_ resource: String, restarts: Int = 2, timeout: Duration = .seconds(20)) {
        var rule = MonitorRule(resource: resource)
        rule.interval = .milliseconds(50)
        rule.timeout = timeout
        rule.restarts = restarts
        operations.settings.policy.monitors.append(rule)
    }

    /// A script that keeps its state in a file of its name, and writes down its starts and stops.
    private func service(_ name: String, status: String = "", start: String = "", mode: UInt32 = 0o755) throws {
        let state = "\(folder.path)/\(name).up"
        try folder.write(
            "resource.d/\(name)",
            """
            #!/bin/sh
            case "$1" in
            start) echo "\(name) start" >> \(folder.path)/story; \(start.isEmpty ? ":" : start); touch \(state);;
            stop) echo "\(name) stop" >> \(folder.path)/story; rm -f \(state);;
            status) \(status.isEmpty ? ":" : status)
                if [ -e \(state) ]; then echo running; else echo "it was shot"; echo stopped; fi;;
            esac
            """, mode: mode)
    }

    private final class Seen {
        var answers: [String] = []
        var lost: [String] = []
        var failures: [[ResourceFailure]] = []
    }

    private func group(_ names: String...) -> (GroupRunner, Seen) {
        let resources = names.map { ResourceSpecification(type: $0, arguments: [], text: $0) }
        let seen = Seen()
        let runner = GroupRunner(
            ResourceGroup(name: names[0], preferred: "alpha", resources: resources, line: 1),
            policy: operations.settings.policy, operations: operations, monitor: monitor
        ) { _, failure, remains in seen.answers.append((failure ?? "done") + (remains ? ", remains" : "")) }
        runner.onLost = { seen.lost.append($0) }
        runner.onFailure = { [unowned runner] in seen.failures.append(runner.failures) }
        return (runner, seen)
    }

    private func started(_ runner: GroupRunner, _ seen: Seen) {
        runner.take(.start(1))
        #expect(turn(loop) { seen.answers == ["done"] }, "\(seen.answers)")
    }

    private func kill(_ name: String) { unlink("\(folder.path)/\(name).up") }

    private func isUp(_ name: String) -> Bool { FileSystem.kind(of: "\(folder.path)/\(name).up") != nil }

    @Test("What dies is started again in place, with what comes after it and not what comes before")
    func restart() throws {
        for name in ["first", "second", "third"] { try service(name) }
        rule("second")
        let (runner, seen) = group("first", "second", "third")
        started(runner, seen)
        kill("second")
        #expect(turn(loop) { isUp("second") && runner.isIdle })
        let story = folder.text("story").split(separator: "\n")
        #expect(story.suffix(4) == ["third stop", "second stop", "second start", "third start"])
        #expect(story.count == 7)
        #expect(seen.lost == [])
        let failure = try #require(runner.failures.first)
        #expect(failure.resource == "second" && failure.count == 1 && failure.operation == "monitor")
        #expect(failure.reason == "it does not run: stopped")
        #expect(failure.output == "it was shot\nstopped")
        runner.forgetFailures()
        #expect(runner.failures.isEmpty && seen.failures.last == [])
        runner.take(.stop(2))
        #expect(turn(loop) { seen.answers.count == 2 })
    }

    @Test("What dies again and again is given up after as many restarts as allowed, and not touched any more")
    func threshold() throws {
        try service("first")
        rule("first", restarts: 2)
        let (runner, seen) = group("first")
        started(runner, seen)
        let killer = try loop.onTime(Clock.now()) {}
        defer { withExtendedLifetime(killer) {} }
        #expect(
            turn(loop) {
                if runner.isIdle { kill("first") }
                return !seen.lost.isEmpty
            })
        #expect(seen.lost == ["first: it does not run: stopped"])
        #expect(folder.text("story").split(separator: "\n").count == 5, "a start and two restarts")
        #expect(runner.failures.first?.count == 3)
        let before = records.texts("monitor-failed").count
        let until = Clock.now() + .milliseconds(400)
        #expect(turn(loop) { Clock.now() > until })
        #expect(records.texts("monitor-failed").count == before)
    }

    @Test("A restart that fails gives the group up; the stop that follows finds nothing to wait for")
    func failedRestart() throws {
        try service("first", start: "[ ! -e \(folder.path)/broken ] || { echo no disk; exit 1; }")
        rule("first")
        let (runner, seen) = group("first")
        started(runner, seen)
        try folder.write("broken", "")
        kill("first")
        #expect(turn(loop) { !seen.lost.isEmpty })
        #expect(seen.lost == ["could not be started again: first start: exit code 1: no disk"])
        let failure = try #require(runner.failures.first)
        #expect(failure.operation == "start" && failure.output == "no disk" && failure.count == 2)
        runner.take(.stop(2))
        #expect(turn(loop) { seen.answers.count == 2 })
        #expect(seen.answers.last == "done")
    }

    @Test("A monitor that hangs is ended with all that it has started, and counts the second time")
    func hangs() throws {
        try service(
            "first",
            status: "[ ! -e \(folder.path)/hang ] || { sleep 1000 & echo $! >> \(folder.path)/pids; sleep 1000; }")
        rule("first", timeout: .milliseconds(150))
        let (runner, seen) = group("first")
        started(runner, seen)
        try folder.write("hang", "")
        #expect(turn(loop) { !runner.failures.isEmpty })
        #expect(runner.failures[0].reason.hasPrefix("timed out"))
        unlink("\(folder.path)/hang")
        #expect(turn(loop) { runner.isIdle && folder.text("story").split(separator: "\n").count == 3 })
        #expect(seen.lost == [])
        for line in folder.text("pids").split(separator: "\n") {
            let pid = try #require(pid_t(line))
            #expect(turn(loop) { CLinux.kill(pid, 0) != 0 || isZombie(pid) }, "process \(pid) is left")
        }
    }

    private func isZombie(_ pid: pid_t) -> Bool {
        let stat = FileSystem.text(of: "/proc/\(pid)/stat", limit: 4096) ?? ""
        return stat.contains(") Z")
    }

    @Test("A monitor that is killed by a signal, once, moves nothing")
    func killed() throws {
        try service(
            "first",
            status: "[ ! -e \(folder.path)/shoot ] || { rm \(folder.path)/shoot; kill -SEGV $$; }")
        rule("first")
        let (runner, seen) = group("first")
        started(runner, seen)
        try folder.write("shoot", "")
        #expect(turn(loop) { FileSystem.kind(of: "\(folder.path)/shoot") == nil })
        let until = Clock.now() + .seconds(3)
        #expect(turn(loop) { Clock.now() > until })
        #expect(runner.failures.isEmpty && seen.lost.isEmpty)
        #expect(folder.text("story") == "first start\n")
    }

    @Test("An agent that prints megabytes fills neither the log nor the report")
    func babbles() throws {
        try service("first", status: "head -c 20000000 /dev/zero | tr '\\0' 'x' | fold -w 100")
        try service("second")
        rule("first", restarts: 0)
        let (runner, seen) = group("first")
        started(runner, seen)
        kill("first")
        #expect(turn(loop) { !seen.lost.isEmpty })
        let failure = try #require(runner.failures.first)
        #expect(failure.output.utf8.count <= ResourceFailure.outputLengthMax)
        #expect(records.texts("script-output").count < 1000)
    }

    @Test("A script that is gone or not executable any more is said to be so, and nothing is stopped")
    func gone() throws {
        try service("first")
        rule("first")
        let (runner, seen) = group("first")
        started(runner, seen)
        chmod("\(folder.path)/resource.d/first", 0o644)
        #expect(turn(loop) { !records.texts("monitor-unasked").isEmpty })
        let until = Clock.now() + .milliseconds(500)
        #expect(turn(loop) { Clock.now() > until })
        #expect(runner.failures.isEmpty && seen.lost.isEmpty && isUp("first"))
        #expect(records.texts("monitor-unasked").count == 1)
    }

    @Test("While suspended a failure is told and nothing is started; afterwards it is")
    func suspended() throws {
        try service("first")
        rule("first")
        let (runner, seen) = group("first")
        started(runner, seen)
        runner.suspend(true)
        kill("first")
        #expect(turn(loop) { !runner.failures.isEmpty })
        let until = Clock.now() + .milliseconds(300)
        #expect(turn(loop) { Clock.now() > until })
        #expect(folder.text("story") == "first start\n" && runner.failures[0].count == 1)
        runner.suspend(false)
        #expect(turn(loop) { isUp("first") && runner.isIdle })
        #expect(seen.lost == [])
    }

    @Test("A script is not monitored unless ha.cf says so")
    func byDefault() throws {
        try service("first")
        let (runner, seen) = group("first")
        started(runner, seen)
        #expect(operations.monitor(for: runner.group.resources[0]) == nil)
        let filesystem = ResourceSpecification(
            type: "Filesystem", arguments: ["tmpfs", "/mnt", "tmpfs"], text: "Filesystem::tmpfs::/mnt::tmpfs")
        #expect(operations.monitor(for: filesystem) == MonitorPolicy())
    }

    @Test("Words that no operation of heartbeat's scripts has are not tried on them")
    func otherOperations() throws {
        try service("first")
        func outcome(_ operation: ResourceOperation) -> ResourceOutcome? {
            var outcome: ResourceOutcome?
            let first = ResourceSpecification(type: "first", arguments: [], text: "first")
            _ = operations.run(operation, first) { outcome = $0 }
            #expect(turn(loop) { outcome != nil })
            return outcome
        }
        #expect(outcome(.validate) == .done)
        #expect(outcome(.promote)?.failure?.contains("one role") == true)
        #expect(outcome(.demote)?.failure?.contains("one role") == true)
        #expect(folder.text("story").isEmpty)
        chmod("\(folder.path)/resource.d/first", 0o644)
        #expect(outcome(.validate) == .failed("Cannot locate resource script first"))
    }

    @Test("An operation ends at its own timeout, of the word before the type before all")
    func timeouts() throws {
        let first = ResourceSpecification(type: "first", arguments: ["a"], text: "first::a")
        operations.settings.policy.timeouts = [
            TimeoutRule(resource: "*", operation: .stop, timeout: .seconds(1)),
            TimeoutRule(resource: "first::a", operation: .stop, timeout: .seconds(3)),
            TimeoutRule(resource: "first", operation: .stop, timeout: .seconds(2)),
            TimeoutRule(resource: "first", operation: .start, timeout: .milliseconds(200)),
        ]
        let settings = operations.settings
        #expect(settings.timeout(.stop, first) == .seconds(3))
        let second = ResourceSpecification(type: "first", arguments: [], text: "first")
        #expect(settings.timeout(.stop, second) == .seconds(2))
        #expect(settings.timeout(.stop, ResourceSpecification(type: "x", arguments: [], text: "x")) == .seconds(1))
        #expect(settings.timeout(.status, first) == settings.policy.operationTimeout)
        #expect(settings.timeout(.status, first, declared: .seconds(7)) == .seconds(7))
        try service("first", start: "sleep 100")
        var outcome: ResourceOutcome?
        let plain = ResourceSpecification(type: "first", arguments: [], text: "first")
        _ = operations.run(.start, plain) { outcome = $0 }
        #expect(turn(loop) { outcome != nil })
        #expect(outcome?.failure?.hasPrefix("timed out") == true)
    }

    @Test("What a stop has left behind is beside the failures until it has ended, or an operator forgets it")
    func leftBehind() throws {
        let resource = ResourceSpecification(type: "thing", arguments: [], text: "thing")
        let runner = GroupRunner(
            ResourceGroup(name: "thing", preferred: "alpha", resources: [resource], line: 1),
            policy: operations.settings.policy, operations: operations, monitor: monitor
        ) { _, _, _ in }
        var told = 0
        runner.onFailure = { told += 1 }
        runner.note(0, .start, "exit code 1")
        runner.noteLeft("another", "has left processes running: 1 (init)")
        runner.noteLeft("thing", "has left processes running: 7 (x)")
        #expect(runner.failures.map(\.reason) == ["exit code 1", "has left processes running: 7 (x)"])
        #expect(runner.failures.map(\.operation) == ["start", "stop"] && told == 2)
        runner.noteLeft("thing", nil)
        runner.noteLeft("thing", nil)
        #expect(runner.failures.map(\.reason) == ["exit code 1"] && told == 3)
        runner.noteLeft("thing", "has left processes running: 8 (x)")
        runner.forgetFailures()
        runner.noteLeft("thing", nil)
        #expect(runner.failures.isEmpty && told == 5)
    }

    @Test("A mount that is taken away is noticed without a look at its interval, and mounted again")
    func mount() throws {
        try shell("mkdir -p \(folder.path)/mount")
        operations.settings.helper = BuiltProgram.path("heartbeat")
        let text = "Filesystem::tmpfs::\(folder.path)/mount::tmpfs"
        var rule = MonitorRule(resource: text)
        rule.interval = .seconds(3600)
        rule.probe = MonitorProbe.none
        operations.settings.policy.monitors.append(rule)
        let seen = Seen()
        let resource = ResourceSpecification(
            type: "Filesystem", arguments: ["tmpfs", "\(folder.path)/mount", "tmpfs"], text: text)
        let runner = GroupRunner(
            ResourceGroup(name: text, preferred: "alpha", resources: [resource], line: 1),
            policy: operations.settings.policy, operations: operations, monitor: monitor
        ) { _, failure, _ in seen.answers.append(failure ?? "done") }
        started(runner, seen)
        try shell("umount \(folder.path)/mount")
        #expect(turn(loop) { !runner.failures.isEmpty && runner.isIdle })
        #expect(try shellStatus("mountpoint -q \(folder.path)/mount") == .exited(0))
        runner.take(.stop(2))
        #expect(turn(loop) { seen.answers.count == 2 })
    }

    @Test("A hundred filesystems looked at every second cost next to nothing, and start no process")
    func cost() throws {
        try shell("mkdir -p \(folder.path)/mount && mount -t tmpfs tmpfs \(folder.path)/mount")
        operations.settings.helper = BuiltProgram.path("heartbeat")
        var rule = MonitorRule(resource: "Filesystem")
        rule.interval = .seconds(1)
        operations.settings.policy.monitors.append(rule)
        let seen = Seen()
        let resources = try (0..<100).map { number in
            let directory = "\(folder.path)/mount/\(number)"
            try shell("mkdir \(directory) && mount -t tmpfs tmpfs \(directory)")
            return ResourceSpecification(
                type: "Filesystem", arguments: ["tmpfs", directory, "tmpfs"],
                text: "Filesystem::tmpfs::\(directory)::tmpfs")
        }
        let runner = GroupRunner(
            ResourceGroup(name: "many", preferred: "alpha", resources: resources, line: 1),
            policy: operations.settings.policy, operations: operations, monitor: monitor
        ) { _, failure, _ in seen.answers.append(failure ?? "done") }
        runner.take(.start(1))
        #expect(turn(loop, within: .seconds(120)) { seen.answers == ["done"] })
        // The first look at each asks the helper whose mount it is.
        let settled = Clock.now() + .seconds(6)
        #expect(turn(loop, within: .seconds(60)) { Clock.now() > settled })
        let (before, children, start) = (processorTime(RUSAGE_SELF), processorTime(RUSAGE_CHILDREN), Clock.now())
        let until = start + .seconds(4)
        #expect(turn(loop, within: .seconds(60)) { Clock.now() > until })
        let seconds = Double((Clock.now() - start).wholeMilliseconds) / 1000
        let share = (processorTime(RUSAGE_SELF) - before) / seconds
        print("monitoring 100 filesystems every second: \(share * 100) % of a core")
        // `turn` itself wakes up now and then; other suites may run in this process.
        #expect(share < 0.2)
        #expect(processorTime(RUSAGE_CHILDREN) - children < 1)
        #expect(runner.failures.isEmpty)
    }

    /// Seconds of processor time.
    private func processorTime(_ who: __rusage_who) -> Double {
        var usage = rusage()
        getrusage(who, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
