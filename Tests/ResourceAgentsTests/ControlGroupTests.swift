// Control groups of real programs: what a failed operation has forked dies however it hid, what a start has left
// running lives on.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite(
    "Control groups of resources", .serialized, .enabled(if: TestControlGroup.folder != nil, "there is no cgroup v2")
)
struct ControlGroupTests {
    private let root: TestControlGroup
    private let folder: TemporaryFolder
    private let loop: EventLoop
    private let records = Records()

    init() throws {
        root = try TestControlGroup()
        folder = try TemporaryFolder()
        loop = try EventLoop()
    }

    /// The operations of one life of the resource manager.
    private func life(_ ledger: ProgramLedger? = nil) throws -> ResourceOperations {
        var configuration = Configuration()
        configuration.localName = "alpha"
        let groups = try ResourceControlGroups(below: root.group, loop: loop, log: records.write)
        let operations = try ResourceOperations(
            loop: loop,
            settings: ResourceOperations.Settings(configuration, configurationDirectory: folder.path), ledger: ledger,
            groups: groups, log: records.write)
        operations.settings.locations.scriptDirectories = ["\(folder.path)/resource.d"]
        return operations
    }

    /// `daemon NAME` in a script starts a process that leaves its process group and its parent behind.
    private func script(_ text: String) throws {
        let daemon = "daemon() { setsid sh -c \"echo \\$\\$ >\(folder.path)/$1; exec sleep 1000\" >/dev/null 2>&1 &"
            + " while [ ! -s \(folder.path)/$1 ]; do sleep 0.01; done; }"
        try folder.write("resource.d/thing", "#!/bin/sh\n\(daemon)\nfor op; do :; done\ncase $op in\n\(text)\nesac\n")
    }

    private let thing = ResourceSpecification(type: "thing", arguments: ["/a b"], text: "thing::/a b")

    private func run(_ operations: ResourceOperations, _ operation: ResourceOperation) throws -> ResourceOutcome {
        var outcome: ResourceOutcome?
        _ = operations.run(operation, thing) { outcome = $0 }
        #expect(turn(loop) { outcome != nil })
        return try #require(outcome)
    }

    private func pid(_ name: String) throws -> pid_t {
        try #require(pid_t(folder.text(name).split(separator: "\n").first.map(String.init) ?? ""))
    }

    private func isAlive(_ pid: pid_t) -> Bool {
        guard let status = FileSystem.text(of: "/proc/\(pid)/stat", limit: 4096), let end = status.lastIndex(of: ")")
        else { return false }
        return !status[end...].hasPrefix(") Z")
    }

    @Test("A daemon that a start has left is known, and outlives monitors that time out and another resource manager")
    func service() throws {
        try script("start) daemon service;;\nstatus) daemon probe; sleep 1000;;\nstop) exit 0;;")
        let ledger = ProgramLedger(directory: folder.path) { _ in }
        let first = try life(ledger)
        #expect(try run(first, .start) == .done)
        let service = try pid("service")
        #expect(first.groups?.processes(of: thing.text) == [service])

        first.settings.policy.operationTimeout = .milliseconds(500)
        #expect(try run(first, .status) == .unknown("timed out after 0 s"))
        let probe = try pid("probe")
        #expect(turn(loop) { !isAlive(probe) })
        #expect(isAlive(service))

        // A status is under way when the resource manager dies: what it forked dies with it, the service does not.
        unlink("\(folder.path)/probe")
        first.settings.policy.operationTimeout = .seconds(60)
        _ = first.run(.status, thing) { _ in }
        #expect(turn(loop) { folder.text("probe").hasSuffix("\n") })
        let left = try pid("probe")
        let second = ProgramLedger(directory: folder.path) { _ in }
        #expect(second.endLeftovers().count == 1)
        #expect(turn(loop) { !isAlive(left) })
        let operations = try life(second)
        #expect(isAlive(service))
        #expect(operations.groups?.processes(of: thing.text) == [service])

        var told: [String?] = []
        operations.groups?.onLeft = { told.append($0 == thing.text ? $1 : "of \($0)") }
        #expect(try run(operations, .stop) == .done)
        #expect(turn(loop) { !records.texts("resource-left").isEmpty })
        #expect(records.texts("resource-left") == [
            "thing::/a b was stopped and has left processes running: \(service) (sleep)"
        ])
        #expect(isAlive(service), "it is told, and left alone")
        #expect(told == ["has left processes running: \(service) (sleep)"])
        // Until it has ended; how long that takes is nobody's business.
        kill(service, SIGKILL)
        #expect(turn(loop) { told.count == 2 })
        #expect(told.last == .some(nil) && records.texts("resource-left").count == 1)
    }

    @Test("What a failed or a cancelled start has forked is killed, and its groups are gone")
    func failed() throws {
        try script("start) daemon service; exit 1;;\nstatus) exit 0;;")
        let operations = try life()
        #expect(try run(operations, .start) == .failed("exit code 1"))
        let service = try pid("service")
        #expect(turn(loop) { !isAlive(service) })

        try script("start) daemon other; sleep 1000;;\nstatus) exit 0;;")
        var outcome: ResourceOutcome?
        let running = operations.run(.start, thing) { outcome = $0 }
        #expect(turn(loop) { folder.text("other").hasSuffix("\n") })
        running?.cancel()
        #expect(turn(loop) { outcome != nil })
        #expect(outcome == .failed("ended early"))
        let other = try pid("other")
        #expect(turn(loop) { !isAlive(other) })
        // The next run sweeps what could not be removed at once.
        let path = "\(root.group.path)/resources/\(ResourceControlGroups.folder(of: thing.text))"
        #expect(turn(loop) {
            _ = try? run(operations, .status)
            return ControlGroup(path: path).names.isEmpty
        })
    }

    @Test("A program in a group is started as any other: descriptors, signals, directory, and errors")
    func standing() throws {
        try folder.write(
            "resource.d/thing",
            """
            #!/bin/sh
            ls /proc/self/fd | tr '\\n' ' ' >\(folder.path)/descriptors
            grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f 2 >\(folder.path)/signals
            group=$(cut -d ' ' -f 5 /proc/$$/stat)
            echo "$(pwd) $(readlink /proc/self/fd/0) $HA_CURHOST $group $$" >\(folder.path)/told
            cat /proc/self/cgroup >\(folder.path)/group
            echo words; echo errors >&2
            exit 3
            """)
        let operations = try life()
        #expect(try run(operations, .start) == .failed("exit code 3: errors"))
        #expect(folder.text("descriptors") == "0 1 2 3 ")
        let masks = folder.text("signals").split(separator: "\n").compactMap { UInt64($0, radix: 16) }
        #expect(masks.map { $0 & 0x7FFF_FFFF } == [0, 0], "\(masks)")
        let told = folder.text("told").split(separator: " ").map { $0.filter { $0 != "\n" } }
        #expect(told.count == 5 && told[0...2] == ["/", "/dev/null", "alpha"] && told[3] == told[4], "\(told)")
        #expect(folder.text("group").contains("/resources/thing::%2fa%20b/run-1\n"))

        try folder.write("resource.d/thing", "#!/nowhere/shell\n")
        let path = "\(folder.path)/resource.d/thing"
        #expect(try run(operations, .start) == .failed("start \(path): No such file or directory"))
        #expect(records.texts("control-group").isEmpty)
    }

    @Test("Words of resources are told apart as folders, whatever is in them")
    func names() {
        #expect(ResourceControlGroups.folder(of: "Filesystem::/dev/sdb1::/srv") == "Filesystem::%2fdev%2fsdb1::%2fsrv")
        #expect(ResourceControlGroups.folder(of: "..") == "%2e.")
        let long = String(repeating: "x", count: 4000)
        #expect(ResourceControlGroups.folder(of: long).utf8.count < 200)
        #expect(ResourceControlGroups.folder(of: long) != ResourceControlGroups.folder(of: long + "y"))
    }
}
