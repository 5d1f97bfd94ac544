// OCF agents as the resource manager runs them: whose word on a timeout counts, and the two roles of a resource. The
// script that runs agents is stood in for by one that says what it was called with.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Operations of OCF agents", .serialized)
struct AgentOperationTests {
    private let folder: TemporaryFolder
    private let loop: EventLoop
    private let records = Records()
    private let operations: ResourceOperations

    init() throws {
        folder = try TemporaryFolder()
        loop = try EventLoop()
        operations = try ResourceOperations(scriptsIn: folder, loop: loop, records)
        try folder.write("agent", "")
        try advise("start 400\nstop 500\nmonitor 600\npromote 700")
    }

    /// What the script answers to `timeouts`, and what else it does.
    private func advise(_ advice: String, _ body: String = "sleep 100") throws {
        try folder.write(
            "resource.d/ocf",
            """
            #!/bin/sh
            for op; do :; done
            if [ $op = timeouts ]; then echo asked >>\(folder.path)/asked
            echo 'agent \(folder.path)/agent'
            cat <<'END'
            \(advice)
            END
            [ ! -e \(folder.path)/broken ]; exit
            fi
            echo "$* $OCF_RESKEY_CRM_meta_timeout $OCF_RESKEY_CRM_meta_interval" >>\(folder.path)/calls
            \(body)
            """)
    }

    private func run(
        _ operation: ResourceOperation, _ words: String..., monitor: MonitorPolicy? = nil
    ) throws -> ResourceOutcome {
        var outcome: ResourceOutcome?
        let resource = ResourceSpecification(
            type: "ocf:x:thing", arguments: words, text: (["ocf:x:thing"] + words).joined(separator: "::"))
        _ = operations.run(operation, resource, monitor: monitor) { outcome = $0 }
        #expect(turn(loop) { outcome != nil })
        return try #require(outcome)
    }

    private var calls: [String] { folder.text("calls").split(separator: "\n").map(String.init) }
    private var questions: Int { folder.text("asked").split(separator: "\n").count }

    @Test("The agent's own advice holds where ha.cf says nothing; it is asked once, and when it has changed")
    func advice() throws {
        // The answer comes when the operation is under way.
        #expect(try run(.start) == .failed("timed out after 0 s"))
        #expect(try run(.stop) == .failed("timed out after 0 s"))
        #expect(try run(.status) == .unknown("timed out after 0 s"))
        #expect(questions == 1)
        #expect(calls.map { String($0.drop { $0 != " " }) } == [" start 60000 0", " stop 500 0", " status 600 0"])

        try advise("start 60000")
        try shell("touch -d @1 \(folder.path)/agent")
        operations.settings.policy.operationTimeout = .milliseconds(300)
        #expect(try run(.stop) == .failed("timed out after 0 s"), "nothing is advised any more: the default")
        #expect(questions == 2)
        operations.settings.policy.timeouts = [
            TimeoutRule(resource: "ocf:x:thing", operation: .start, timeout: .milliseconds(350))
        ]
        #expect(try run(.start) == .failed("timed out after 0 s"), "ha.cf is nearer than the agent")
        #expect(calls.last?.hasSuffix(" start 350 0") == true)
        #expect(questions == 2)
    }

    @Test("Monitors keep the time of their own line, and agents are told of it")
    func monitors() throws {
        let policy = MonitorPolicy(interval: .seconds(7), timeout: .milliseconds(450))
        #expect(try run(.monitor, monitor: policy) == .unknown("timed out after 0 s"))
        #expect(calls == ["x:thing status 450 7000"])
    }

    @Test("Metadata that cannot be read leaves the default, with one warning")
    func broken() throws {
        try folder.write("broken", "")
        try advise("start nonsense\n-1\nstop 5 6", "exit 0")
        operations.settings.policy.operationTimeout = .seconds(50)
        for _ in 0..<2 {
            #expect(try run(.start) == .done)
            #expect(turn(loop) { records.events.contains("agent-metadata") })
        }
        #expect(questions == 1)
        #expect(records.texts("agent-metadata").count == 1)
        #expect(calls.last == "x:thing start 50000 0")
    }

    @Test("A resource with two roles is started and promoted, demoted and stopped; what follows the other stays")
    func roles() throws {
        try advise("", "exit 0")
        #expect(try run(.start, "a=b", "role=promoted") == .done)
        #expect(try run(.stop, "a=b", "role=promoted") == .done)
        #expect(try run(.stop, "role=promoted", "release=demote") == .done)
        let words = calls.map { $0.split(separator: " ").dropLast(2).joined(separator: " ") }
        #expect(words == [
            "x:thing a=b role=promoted start", "x:thing a=b role=promoted promote",
            "x:thing a=b role=promoted demote", "x:thing a=b role=promoted stop",
            "x:thing role=promoted release=demote demote",
        ])
    }

    @Test("A promote that fails fails the start; a demote that fails keeps no stop from being tried")
    func failedRoles() throws {
        try advise("", "case $op in promote) echo no peer >&2; exit 1;; demote) exit 9;; *) exit 0;; esac")
        #expect(try run(.start, "role=promoted") == .failed("promote: exit code 1: no peer"))
        #expect(try run(.stop, "role=promoted") == .done)
        #expect(calls.count == 4)
        #expect(try run(.stop, "role=promoted", "release=demote") == .failed("demote: exit code 9"))
        #expect(try run(.start, "role=master") == .failed("role=master: expected role=promoted"))
        #expect(
            try run(.start, "release=demote")
                == .failed("release=demote: it is said of a resource with role=promoted"))
    }

    @Test("A start that is cancelled between its two steps is not promoted")
    func cancelled() throws {
        try advise("", "case $op in start) touch \(folder.path)/begun; sleep 100;; esac")
        var outcome: ResourceOutcome?
        let resource = ResourceSpecification(type: "ocf:x:thing", arguments: ["role=promoted"], text: "it")
        let running = operations.run(.start, resource) { outcome = $0 }
        #expect(turn(loop) { FileSystem.kind(of: "\(folder.path)/begun") != nil })
        running?.cancel()
        #expect(turn(loop) { outcome != nil })
        #expect(outcome == .failed("ended early"))
        #expect(calls.count == 1)
    }

    @Test("validate asks an OCF agent, and no script")
    func validate() throws {
        try advise("", "echo no such parameter >&2; exit 2")
        #expect(try run(.validate) == .failed("exit code 2: no such parameter"))
    }
}
