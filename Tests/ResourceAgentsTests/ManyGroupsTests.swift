// Five hundred groups that are started and stopped together, by the real resource manager.
import CLinux
import ClusterModel
import LinuxSystem
import Privsep
import Testing

@testable import ResourceAgents

@Suite("Many groups", .serialized)
struct ManyGroupsTests {
    private static let scriptCount = 250
    private static let addressCount = 250

    private let network: TestNetwork
    private let folder: TemporaryFolder

    init() throws {
        network = try TestNetwork()
        folder = try TemporaryFolder()
        try folder.write(
            "resource.d/service",
            """
            #!/bin/sh
            state=\(folder.path)/state.$1
            case $2 in
            start) echo "begin $1" >> \(folder.path)/calls; sleep 0.1; : > $state
                   echo "end $1" >> \(folder.path)/calls ;;
            stop) echo "stop $1" >> \(folder.path)/calls; rm -f $state ;;
            status) [ -e $state ] && echo running || echo stopped ;;
            esac

            """)
    }

    private static let scripts = (0..<scriptCount).map { "service::\($0)" }
    private static let addresses = (0..<addressCount).map { "10.7.1.\($0)/16/eth0" }
    /// Every second group is of the one kind.
    private static let groups = zip(scripts, addresses).flatMap { [$0, $1] }

    private func order(_ frame: StatusToResource, _ manager: ResourceProcessTests.Manager) throws {
        // More orders than a channel holds: the status process waits as this does.
        while try manager.status.send(frame) == .wouldBlock { usleep(1000) }
    }

    /// The groups in the order in which their orders were answered; each MUST have succeeded.
    private func finish(_ manager: ResourceProcessTests.Manager) throws -> [String] {
        try ManyGroupsTests.groups.map { _ in
            guard case .finished(let operation, let failure, let remains) = try manager.outcome() else {
                throw ResourceProcessTests.Gone()
            }
            #expect(failure == nil && !remains)
            return ManyGroupsTests.groups[Int(operation) - 1]
        }
    }

    @Test("500 groups start and stop side by side: a bounded number of programs, in order, and addresses wait for none")
    func herd() throws {
        let lines = ManyGroupsTests.groups.map { "alpha \($0)\n" }.joined()
        let manager = try ResourceProcessTests.Manager(network, folder, groups: lines)
        #expect(try manager.inventory().count == 500)
        for (index, group) in ManyGroupsTests.groups.enumerated() {
            try order(.start(operation: UInt64(index + 1), group: group, epoch: 1), manager)
        }
        let answered = try finish(manager)
        let lastAddress = answered.lastIndex { $0.hasPrefix("10.") } ?? 0
        let later = answered[lastAddress...].filter { $0.hasPrefix("service") }.count
        #expect(later > 100, "addresses waited for scripts: only \(later) scripts ended after the last address")

        let calls = folder.text("calls").split(separator: "\n").map { $0.split(separator: " ") }
        var running = 0
        var most = 0
        var begun: [Int] = []
        for call in calls {
            if call[0] == "begin" {
                running += 1
                begun.append(Int(call[1]) ?? -1)
            } else {
                running -= 1
            }
            most = max(most, running)
        }
        // Sixteen, or four for each processor; those that this machine holds up for a second are not counted.
        #expect(most >= 8 && most <= 100, "\(most) scripts ran at once")
        let astray = begun.enumerated().filter { abs($0.offset - $0.element) > 100 }
        #expect(begun.count == ManyGroupsTests.scriptCount && astray.isEmpty, "out of order: \(astray)")
        #expect(try manager.inventory().allSatisfy { $0.hasSuffix("held 1") })

        for (index, group) in ManyGroupsTests.groups.enumerated() {
            try order(.stop(operation: UInt64(index + 1), group: group), manager)
        }
        #expect(try finish(manager).count == 500)
        #expect(try manager.inventory().allSatisfy { $0.hasSuffix("stopped 1") })
        let stops = folder.text("calls").split(separator: "\n").filter { $0.hasPrefix("stop") }
        #expect(Set(stops).count == ManyGroupsTests.scriptCount && stops.count == ManyGroupsTests.scriptCount)
    }

    @Test("Scripts that hang hold up neither other groups' starts nor their stops")
    func hanging() throws {
        try folder.write(
            "resource.d/hang",
            "#!/bin/sh\ncase $2 in start) exec sleep 300 ;; status) echo stopped ;; esac\n")
        let hanging = (0..<100).map { "hang::\($0)" }
        let lines = (hanging + ["service::0"]).map { "alpha \($0)\n" }.joined()
        let manager = try ResourceProcessTests.Manager(network, folder, groups: lines)
        _ = try manager.inventory()
        for (index, group) in hanging.enumerated() {
            try order(.start(operation: UInt64(index + 1), group: group, epoch: 1), manager)
        }
        try order(.start(operation: 1000, group: "service::0", epoch: 1), manager)
        #expect(try manager.outcome() == .finished(operation: 1000, failure: nil, remains: false))
        try order(.stop(operation: 1001, group: "service::0"), manager)
        #expect(try manager.outcome() == .finished(operation: 1001, failure: nil, remains: false))
        for (index, group) in hanging.enumerated() {
            try order(.stop(operation: UInt64(2000 + index), group: group), manager)
        }
        for _ in hanging.indices {
            let outcomes = [try manager.outcome(), try manager.outcome()]
            for outcome in outcomes {
                guard case .finished(let operation, let failure, _) = outcome else { throw ResourceProcessTests.Gone() }
                #expect(failure == (operation < 1000 ? "ended by a stop" : nil))
            }
        }
    }
}
