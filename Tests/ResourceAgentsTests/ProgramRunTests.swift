// Scripts that behave, hang, fork, babble, are missing or are killed.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Scripts", .serialized)
struct ProgramRunTests {
    private let folder: TemporaryFolder
    private let loop: EventLoop
    private let records = Records()
    private let operations: ResourceOperations

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
        operations = try ResourceOperations(scriptsIn: folder, loop: loop, records)
    }

    private func script(_ text: String) throws { try folder.write("resource.d/thing", "#!/bin/sh\n\(text)\n") }

    private func run(
        _ operation: ResourceOperation, _ arguments: [String] = [], during: ((any RunningOperation)?) -> Void = { _ in }
    ) throws -> ResourceOutcome {
        var outcome: ResourceOutcome?
        let text = (["thing"] + arguments).joined(separator: "::")
        let running = operations.run(
            operation, ResourceSpecification(type: "thing", arguments: arguments, text: text)
        ) { outcome = $0 }
        during(running)
        #expect(turn(loop) { outcome != nil })
        return try #require(outcome)
    }

    private func process(_ name: String) throws -> pid_t {
        try #require(pid_t(folder.text(name).split(separator: "\n").first.map(String.init) ?? ""))
    }

    private func isAlive(_ pid: pid_t) -> Bool {
        // A zombie whose parent is another process counts as ended.
        guard let status = FileSystem.text(of: "/proc/\(pid)/stat", limit: 4096), let end = status.lastIndex(of: ")")
        else { return false }
        return !status[end...].hasPrefix(") Z")
    }

    @Test("What an earlier resource manager has left at work is ended with all that it started")
    func leftovers() throws {
        var failures: [SystemError] = []
        let first = ProgramLedger(directory: folder.path) { failures.append($0) }
        let earlier = try ResourceOperations(
            loop: loop, settings: operations.settings, ledger: first, log: records.write)
        earlier.settings.locations.scriptDirectories = operations.settings.locations.scriptDirectories
        try script("echo $$ > \(folder.path)/own\nsleep 1000 &\necho $! > \(folder.path)/child\nwait")
        var outcome: ResourceOutcome?
        _ = earlier.run(.start, ResourceSpecification(type: "thing", arguments: [], text: "thing")) { outcome = $0 }
        #expect(turn(loop) { folder.text("child").hasSuffix("\n") })
        let (own, child) = (try process("own"), try process("child"))
        #expect(isAlive(own) && isAlive(child))

        let second = ProgramLedger(directory: folder.path) { failures.append($0) }
        #expect(second.endLeftovers() == [own])
        #expect(turn(loop) { !isAlive(own) && !isAlive(child) && outcome != nil })
        #expect(second.endLeftovers() == [])
        #expect(failures.isEmpty)
    }

    @Test("A script gets its arguments, the operation, heartbeat's environment, and no input")
    func invocation() throws {
        try script(
            """
            echo "$@ | $HA_CURHOST $HA_DIR $OCF_ROOT | $(pwd) | $(readlink /proc/self/fd/0)" > \(folder.path)/told
            ls /proc/self/fd | tr '\\n' ' ' > \(folder.path)/descriptors
            """)
        #expect(try run(.start, ["a", "b c"]) == .done)
        #expect(folder.text("told") == "a b c start | alpha \(folder.path) /usr/lib/ocf | / | /dev/null\n")
        #expect(folder.text("descriptors") == "0 1 2 3 ", "3 is the folder that ls reads")
        #expect(records.texts("script") == ["Running \(folder.path)/resource.d/thing a b c start"])
    }

    @Test("A script is an ordinary program, whatever protects the one that starts it")
    func standing() throws {
        let path = "/proc/self/oom_score_adj"
        func write(_ score: String) throws {
            let file = try Descriptor.open(path, O_WRONLY)
            #expect(CLinux.write(file.raw, score, score.utf8.count) == score.utf8.count)
        }
        let own = try #require(FileSystem.text(of: path, limit: 16))
        try write("500")
        defer { try? write(own) }
        try script(
            """
            cat /proc/self/oom_score_adj > \(folder.path)/score
            cat /proc/self/stat | cut -d ' ' -f 41 > \(folder.path)/policy
            grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f 2 > \(folder.path)/signals
            """)
        #expect(try run(.start) == .done)
        #expect(folder.text("score") == "0\n")
        #expect(folder.text("policy") == "\(SCHED_OTHER)\n")
        let masks = folder.text("signals").split(separator: "\n").compactMap { UInt64($0, radix: 16) }
        // Signals 32 and 33 are the C library's own.
        #expect(masks.map { $0 & 0x7FFF_FFFF } == [0, 0], "\(masks)")
        #expect(FileSystem.text(of: path, limit: 16) == "500\n", "the protection is back after the start")
    }

    @Test("The words of a status count, its exit code and its errors do not")
    func status() throws {
        try script("echo is running; exit 3")
        #expect(try run(.status) == .running)
        try script("echo running >&2; exit 0")
        #expect(try run(.status) == .stopped)
        try script("echo not running; exit 0")
        #expect(try run(.status) == .stopped)
        #expect(records.all.filter { $0.level != .debug }.isEmpty)
    }

    @Test("A failed start tells its exit code and its last words")
    func failure() throws {
        try script("echo first; echo cannot bind >&2; exit 5")
        #expect(try run(.start) == .failed("exit code 5: cannot bind"))
        #expect(records.texts("script-output") == ["thing start: first", "thing start: cannot bind"])
        try script("exit 1")
        #expect(try run(.stop) == .failed("exit code 1"))
        try script("kill -9 $$")
        #expect(try run(.start) == .failed("signal 9"))
    }

    @Test("A script that is not there cannot be started, is not running, and needs no stop")
    func missing() throws {
        #expect(try run(.start) == .failed("Cannot locate resource script thing"))
        #expect(try run(.status) == .stopped)
        #expect(try run(.stop) == .done)
        #expect(records.texts("resource-absent") == ["thing: Cannot locate resource script thing"])
    }

    @Test("What a script has started is not taken for stopped when the script is gone, until it is back and stops it")
    func goneWhileRunning() throws {
        try script("echo running")
        #expect(try run(.start) == .done)
        unlink(folder.path + "/resource.d/thing")
        #expect(try run(.stop) == .failed("Cannot locate resource script thing: it may run"))
        #expect(try run(.status) == .unknown("Cannot locate resource script thing"))
        try script("exit 0")
        #expect(try run(.stop) == .done)
        unlink(folder.path + "/resource.d/thing")
        #expect(try run(.stop) == .done)
        // Found by a process that has not started it.
        try script("echo running")
        #expect(try run(.status) == .running)
        unlink(folder.path + "/resource.d/thing")
        #expect(try run(.stop) == .failed("Cannot locate resource script thing: it may run"))
    }

    @Test("A script that cannot be executed fails")
    func notExecutable() throws {
        try folder.write("resource.d/thing", "#!/nowhere/shell\n")
        let path = "\(folder.path)/resource.d/thing"
        #expect(try run(.start) == .failed("start \(path): No such file or directory"))
        #expect(try run(.status) == .unknown("start \(path): No such file or directory"))
    }

    @Test("A script that hangs is ended at its timeout, with all that it started")
    func hangs() throws {
        try script(
            """
            echo $$ > \(folder.path)/leader
            sh -c 'trap "" TERM; echo $$ > \(folder.path)/stubborn; while :; do sleep 100; done' &
            echo waiting; wait; sleep 100
            """)
        operations.settings.policy.operationTimeout = .milliseconds(300)
        #expect(try run(.start) == .failed("timed out after 0 s"))
        let leader = try process("leader")
        let stubborn = try process("stubborn")
        #expect(turn(loop) { !isAlive(leader) && !isAlive(stubborn) })
        #expect(records.texts("script-output") == ["thing start: waiting"])
        #expect(try run(.status) == .unknown("timed out after 0 s"))
    }

    @Test("A script that ignores SIGTERM is killed")
    func ignoresTermination() throws {
        try script("trap '' TERM; echo $$ > \(folder.path)/leader; while :; do sleep 0.1; done")
        operations.settings.policy.operationTimeout = .milliseconds(200)
        let began = Clock.now()
        #expect(try run(.start) == .failed("timed out after 0 s"))
        #expect(Clock.now() - began >= .seconds(5), "it has 5 s to end by itself")
        #expect(!isAlive(try process("leader")))
    }

    @Test("An operation that is cancelled ends as failed")
    func cancelled() throws {
        try script("sleep 100")
        #expect(try run(.start) { $0?.cancel() } == .failed("ended early"))
    }

    @Test("Megabytes of output are read, the first lines kept, and do not fail the script")
    func babbler() throws {
        try script("head -c 8000000 /dev/zero | tr '\\0' x | fold -w 100; head -c 3000000 /dev/zero >&2; exit 0")
        #expect(try run(.start) == .done)
        let lines = records.texts("script-output")
        #expect(lines.count <= 102 && lines.count > 40)
        #expect(lines.last == "thing start: more output was left out")
        #expect(lines.allSatisfy { $0.utf8.count < 500 })
    }

    @Test("Control characters in the output do not reach the log")
    func controlCharacters() throws {
        try script("printf 'a\\033[2Jb\\rc\\001\\n\\n \\n'; exit 0")
        #expect(try run(.start) == .done)
        #expect(records.texts("script-output") == ["thing start: a [2Jb c "])
    }

    @Test("A daemon that a script leaves behind does not hold up its end, and survives writing to its old output")
    func leavesDaemon() throws {
        try script(
            """
            ( trap '' HUP; while [ ! -e \(folder.path)/go ]; do sleep 0.02; done
              i=0; while [ $i -lt 3000 ]; do echo "line of a daemon that nobody reads $i"; i=$((i+1)); done
              echo survived > \(folder.path)/result ) &
            echo started
            """)
        #expect(try run(.start) == .done)
        try folder.write("go", "")
        #expect(turn(loop) { folder.text("result") == "survived\n" })
    }
}
