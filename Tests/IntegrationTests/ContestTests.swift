import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Addresses that are contested")
    struct ContestTests {
        /// The client does something that needs its network.
        private func client(_ stage: Stage, _ words: String) throws -> Command.Outcome {
            try Command(stage.cluster.clientWords + words.split(separator: " ").map(String.init)).run()
        }

        /// Who answers for an address, as the client believes.
        private func neighbour(_ stage: Stage, _ address: String) throws -> String {
            _ = try client(stage, "ping -c 1 -W 1 \(address)")
            let words = try client(stage, "ip neigh show \(address)").output.split(separator: " ")
            guard let index = words.firstIndex(of: "lladdr"), index + 1 < words.count else { return "nobody" }
            return String(words[index + 1])
        }

        private func problems(_ node: Node, _ part: String) -> [String] {
            (node.report()?.problems ?? []).filter { $0.contains(part) }
        }

        @Test("An address that a foreign machine has is taken by no node that starts cold, until it is free")
        func coldStart() throws {
            try Stage.play { plan in
                plan.files.initdead = "2s"
            } _: { stage in
                #expect(try client(stage, "ip addr add \(Stage.addressA)/24 dev eth0").succeeded)
                try stage.cluster.start()
                try stage.cluster.awaitOwner("beta", of: Stage.groupB)
                try stage.waiting.until("the group failed on both nodes") {
                    stage.alpha.report()?.groups.first { $0.name == Stage.groupA }?.failures.count == 2
                }
                #expect(stage.cluster.holders(of: Stage.addressA).isEmpty)
                #expect(stage.record("one").filter { $0.hasSuffix("start") } == [])
                for node in stage.cluster.nodes {
                    // Of the group, and of its resource.
                    #expect(problems(node, "\(Stage.addressA) is in use on the link of eth0").count == 2)
                }
                #expect(try client(stage, "ip addr del \(Stage.addressA)/24 dev eth0").succeeded)
                #expect(try stage.alpha.run("hb", ["cleanup"]).succeeded)
                try stage.awaitHome()
                stage.expectNobodyDied()
            }
        }

        @Test("A foreign machine that claims a held address is shown, and clients are told again who has it")
        func foreignClaim() throws {
            try Stage.play { stage in
                try stage.start()
                #expect(try neighbour(stage, Stage.addressA) == "02:77:00:00:00:01")
                #expect(try client(stage, "ip addr add \(Stage.addressA)/32 dev eth0").succeeded)
                // Whoever is asked from an address learns who has it.
                _ = try client(stage, "ping -c 1 -W 1 -I \(Stage.addressA) 10.77.0.1")
                try stage.waiting.until("the contest on one screen") {
                    problems(stage.alpha, "address \(Stage.addressA) of group").count == 1
                }
                #expect(problems(stage.alpha, "also claimed")[0].contains("02:77:00:00:00:c8"))
                #expect(stage.alpha.log.contains("is also claimed by 02:77:00:00:00:c8, which is no node"))
                #expect(try client(stage, "ip addr del \(Stage.addressA)/32 dev eth0").succeeded)
                #expect(try neighbour(stage, Stage.addressA) == "02:77:00:00:00:01")
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Two nodes that do not hear each other contest addresses on a network that works; healed, epochs decide")
        func healingPartition() throws {
            try Stage.play { plan in
                plan.bridges = 2
                plan.files.interfaces = ["eth1"]
                plan.files.autoFailback = "off"
                plan.files.directives = ["quorum ignore"]
            } _: { stage in
                try stage.start()
                try stage.alpha.cutLink(1)
                try stage.waiting.until("both addresses on both nodes") {
                    stage.cluster.nodes.allSatisfy { $0.holds(Stage.addressA) && $0.holds(Stage.addressB) }
                }
                // Each hears what the other announced when it took over.
                try stage.waiting.until("the contest on one screen") {
                    !problems(stage.alpha, "also claimed by 02:77:00:00:00:02").isEmpty
                        && !problems(stage.beta, "also claimed by 02:77:00:00:00:01").isEmpty
                }
                try stage.alpha.restoreLink(1)
                // The later claim has the greater epoch: each keeps what it took over.
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                try stage.cluster.awaitOwner("alpha", of: Stage.groupB)
                try stage.waiting.until("each address on one node") {
                    stage.cluster.holders(of: Stage.addressA).map(\.name) == ["beta"]
                        && stage.cluster.holders(of: Stage.addressB).map(\.name) == ["alpha"]
                }
                try stage.waiting.until("the winners announce again") {
                    let records = [(stage.beta, Stage.groupA), (stage.alpha, Stage.groupB)]
                    return records.allSatisfy { node, group in
                        let events = node.report()?.events ?? []
                        return events.contains { $0.event == "group-reassert" && $0.text.contains(group) }
                    }
                }
                try stage.waiting.until("the client believes them") {
                    try neighbour(stage, Stage.addressA) == "02:77:00:00:00:02"
                        && neighbour(stage, Stage.addressB) == "02:77:00:00:00:01"
                }
                try stage.waiting.until("nothing contested any more") {
                    stage.cluster.nodes.allSatisfy { problems($0, "also claimed").isEmpty }
                }
            }
        }

        @Test("An address that is removed again and again fails over; the log names who did it")
        func removed() throws {
            try Stage.play { stage in
                try stage.start()
                for round in 1...6 {
                    try stage.alpha.command(["ip", "addr", "del", "\(Stage.addressA)/24", "dev", "eth0"]).check()
                    if round == 6 { break }
                    try stage.waiting.until("put back") { stage.alpha.holds(Stage.addressA) }
                }
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                #expect(stage.alpha.log.contains("\(Stage.addressA)/24 was removed by process "))
                #expect(stage.alpha.log.contains("\(Stage.addressA)/24 is removed again and again"))
            }
        }
    }
}
