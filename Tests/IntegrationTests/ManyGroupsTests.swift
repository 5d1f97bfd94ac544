// A cluster with very many groups.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Five hundred groups")
    struct ManyGroupsTests {
        private static let count = 500

        /// Every second group is an address, the others a script; half of each are at home on each node.
        private static let groups = (0..<count).map { index in
            let home = index % 4 < 2 ? "alpha" : "beta"
            let address = "10.88.\(index / 250).\(index % 250 + 1)/16/eth0"
            return (home: home, name: index % 2 == 0 ? address : "recorder::k\(index)")
        }

        private func awaitOwners(_ stage: Stage, _ what: String, _ owner: (String) -> String) throws {
            try stage.waiting.until(what, within: .seconds(90)) {
                guard let report = stage.beta.report(), report.groups.count == ManyGroupsTests.count else {
                    return false
                }
                return zip(report.groups, ManyGroupsTests.groups).allSatisfy {
                    $0.owner == owner($1.home) && $0.state == .held
                }
            }
        }

        @Test("They start at home, are shown at once, move together, and each is on one node at the end")
        func life() throws {
            try Stage.play { plan in
                plan.files.groups = ManyGroupsTests.groups.map { "\($0.home) \($0.name)" }
                plan.files.autoFailback = "off"
            } _: { stage in
                try stage.cluster.start()
                var begin = Clock.now()
                try awaitOwners(stage, "all groups at home") { $0 }
                print("500 groups are at home \(Clock.now() - begin) after the start")
                begin = Clock.now()
                let status = try stage.alpha.run("hb", ["status"])
                let time = Clock.now() - begin
                #expect(status.succeeded && status.output.contains("recorder::k499"))
                print("hb status of 500 groups takes \(time)")
                #expect(time < .seconds(5))
                begin = Clock.now()
                #expect(try stage.alpha.run("hb_standby", ["all"], within: .seconds(60)).succeeded)
                try awaitOwners(stage, "all groups on beta") { _ in "beta" }
                print("250 groups have moved \(Clock.now() - begin) after hb_standby")
                for index in stride(from: 1, to: ManyGroupsTests.count, by: 2) {
                    let home = ManyGroupsTests.groups[index].home
                    let moved = home == "alpha" ? ["alpha start", "alpha stop", "beta start"] : ["beta start"]
                    #expect(stage.record("k\(index)") == moved)
                }
                #expect(!stage.alpha.holds("10.88.0.1") && stage.beta.holds("10.88.0.1"))
                stage.expectNobodyDied()
            }
        }
    }
}
