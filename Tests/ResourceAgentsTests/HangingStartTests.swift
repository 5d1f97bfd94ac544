// A start or a stop that hangs in the kernel: nothing ends it, and it may succeed after everybody has given it up.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite(
    "Starts and stops that hang in the kernel", .enabled(if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0)
)
struct HangingStartTests {
    private let folder: TemporaryFolder
    private let silent: SilentFilesystem
    private let loop: EventLoop
    private let records = Records()
    private let reason = "an earlier start or stop hangs in the kernel, and may succeed yet"

    init() throws {
        folder = try TemporaryFolder()
        #expect(mkdir(folder.path + "/silent", 0o700) == 0)
        silent = try SilentFilesystem(folder.path + "/silent")
        loop = try EventLoop()
    }

    private func operations(_ ledger: ProgramLedger? = nil) throws -> ResourceOperations {
        var configuration = Configuration()
        configuration.policy.operationTimeout = .milliseconds(200)
        return try ResourceOperations(
            loop: loop, settings: .init(configuration, configurationDirectory: folder.path), ledger: ledger,
            log: records.write)
    }

    private func run(
        _ operation: ResourceOperation, _ operations: ResourceOperations, hanging: Bool = false
    ) throws -> ResourceOutcome {
        var outcome: ResourceOutcome?
        let resource = ResourceSpecification(type: "thing", arguments: [], text: "thing")
        _ = operations.run(operation, resource) { outcome = $0 }
        // The request is taken when it comes, or nothing is there to hang.
        if hanging { try silent.take() }
        #expect(turn(loop, within: .seconds(20)) { outcome != nil })
        return try #require(outcome)
    }

    private func script(hanging operation: String, _ command: String) throws {
        try folder.write(
            "resource.d/thing", "#!/bin/sh\ncase $1 in \(operation)) \(command) ;; status) echo stopped ;; esac\n")
    }

    @Test("A group whose start or stop hangs, itself or by a child, is not taken for stopped before that has ended",
        arguments: [ResourceOperation.start, .stop], ["exec stat $place", "stat $place", "stat $place & sleep 100"])
    func hangs(_ operation: ResourceOperation, _ command: String) throws {
        defer { silent.end() }
        let operations = try operations()
        try script(hanging: operation.rawValue, "place=\(folder.path)/silent; " + command)
        #expect(try run(operation, operations, hanging: true).failure != nil)
        #expect(records.events.contains("program-undead"))
        try script(hanging: "nothing", "")
        #expect(try run(.stop, operations) == .failed(reason))
        #expect(try run(.status, operations) == .unknown(reason))
        silent.end()
        #expect(turn(loop, within: .seconds(20)) { (try? run(.stop, operations)) == .done })
        #expect(try run(.status, operations) == .stopped)
    }

    @Test("Nor is it by a resource manager that follows the one whose start hangs", arguments: ["exec stat", "stat"])
    func successor(_ command: String) throws {
        defer { silent.end() }
        try script(hanging: "start", "\(command) \(folder.path)/silent")
        let first = try operations(ProgramLedger(directory: folder.path) { _ in })
        #expect(try run(.start, first, hanging: true).failure != nil)
        for _ in 1...2 {
            let ledger = ProgramLedger(directory: folder.path) { _ in }
            _ = ledger.endLeftovers()
            let next = try operations(ledger)
            #expect(try run(.stop, next) == .failed(reason))
            #expect(try run(.status, next) == .unknown(reason))
            let other = ResourceSpecification(type: "other", arguments: [], text: "other")
            var outcome: ResourceOutcome?
            _ = next.run(.status, other) { outcome = $0 }
            #expect(outcome == .stopped)
        }
        let last = ProgramLedger(directory: folder.path) { _ in }
        _ = last.endLeftovers()
        silent.end()
        let next = try operations(last)
        #expect(turn(loop, within: .seconds(20)) { (try? run(.stop, next)) == .done })
    }
}
