import Rig
import Testing

extension ClusterTests {
    @Suite("The demonstration")
    struct DemonstrationTests {
        @Test("Every chapter comes to its end, and nothing is on two nodes at once", .timeLimit(.minutes(3)))
        func everyChapter() throws {
            let outcome = try Command([Stage.programs + "/hb_demo"]).run(within: .seconds(150))
            let lines = outcome.output.split(separator: "\n")
            let rows = lines.filter { $0.hasSuffix("  ok") || $0.hasSuffix("  NOT MET") }
            #expect(rows.count == 20, "\(outcome.output)")
            // How long something took is for who has a machine for himself.
            #expect(rows.filter { $0.hasSuffix("  NOT MET") && !$0.contains(" ms  at most ") } == [])
            #expect(lines.last?.hasSuffix("verything was as it must be.") == true, "\(outcome.output)")
            // What stood for the disk is given back.
            try Waiting().until("the loop devices to go") {
                SharedDisk.loopDevices(prefix: Folder.parent + "/heartbeat-demo-").isEmpty
            }
        }
    }
}
