// Two nodes that both run a group, one of which stood still while the other took it: which of them was granted it last
// is known to the latter alone, and must outlive its processes.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Who was granted a group last, over restarts")
    struct EpochTests {
        /// What a process that knows it is replaced by.
        enum Restart: CaseIterable {
            /// `systemctl restart`.
            case handOver
            case killedDaemon, killedResourceManager

            func happen(to node: Node, _ waiting: Waiting) throws {
                switch self {
                case .handOver:
                    try Children.signal(try #require(node.control).pid, SIGUSR1)
                    #expect(try node.awaitDaemonEnd() == .exited(0))
                    try node.startDaemon()
                case .killedDaemon:
                    try node.killDaemon()
                    try node.startDaemon()
                case .killedResourceManager:
                    let old = try #require(node.process(titled: "heartbeat: resource manager"))
                    try Children.signal(old.pid, SIGKILL)
                    try waiting.until("a new resource manager") {
                        node.process(titled: "heartbeat: resource manager").map { $0.pid != old.pid } ?? false
                    }
                }
            }
        }

        private func holds(_ node: Node) -> Bool {
            node.report()?.groups.contains { $0.name == Stage.groupA && $0.owner == node.name && $0.state == .held }
                ?? false
        }

        @Test(
            "A node that stood still gives up what the other took, whatever befell that one since",
            arguments: Restart.allCases)
        func stoodStill(_ restart: Restart) throws {
            try Stage.play { plan in
                plan.files.autoFailback = "off"
                plan.files.directives = ["quorum ignore"]
            } _: { stage in
                try stage.start()
                try stage.alpha.freeze()
                defer { try? stage.alpha.thaw() }
                try stage.waiting.until("beta the owner") { holds(stage.beta) }
                // A kill at once would find the file as it was before.
                try stage.waiting.until("the epoch kept") {
                    Folder.read(stage.beta.runFolder + "/epochs").contains("2 \(Stage.groupA)\n")
                }
                try restart.happen(to: stage.beta, stage.waiting)
                try stage.waiting.until("beta the owner still") { holds(stage.beta) }
                try stage.alpha.thaw()
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                try stage.waiting.until("alpha without its group") {
                    stage.record("one").contains("alpha stop")
                        && stage.cluster.holders(of: Stage.addressA).map(\.name) == ["beta"]
                }
                #expect(stage.record("one") == ["alpha start", "beta start", "alpha stop"])
                #expect(stage.record("two") == ["beta start"])
            }
        }
    }
}
