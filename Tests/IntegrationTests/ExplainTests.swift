// What real daemons record of a crash, a planned move and a dead resource, and what hb explain makes of it.
import Admin
import ClusterModel
import Failovers
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("The record of failovers")
    struct Explain {
        /// The latest record of a node that began with that, once it has a step of group A and was told.
        private func failover(
            _ stage: Stage, _ node: Node, _ cause: Failover.Cause, with kind: FailoverStep.Kind
        ) throws -> Failover {
            var found: Failover?
            try stage.waiting.until("the record of \(node.name)") {
                let report = try? AdminClient.failovers(16, node.paths, deadline: Clock.now() + .seconds(2))
                found = report?.failovers.last { failover in
                    failover.cause == cause && failover.steps.contains { $0.kind == .told }
                        && failover.steps.contains { $0.kind == kind && $0.group == Stage.groupA }
                }
                return found != nil
            }
            return try #require(found)
        }

        private func at(_ failover: Failover, _ kind: FailoverStep.Kind) throws -> Instant {
            let those = failover.steps.filter { $0.kind == kind && ($0.group ?? Stage.groupA) == Stage.groupA }
            // That the group is being started is told as well.
            return try #require((kind == .told ? those.last : those.first)?.at)
        }

        private func expectOrder(_ failover: Failover, _ kinds: [FailoverStep.Kind]) throws {
            let instants = try kinds.map { try at(failover, $0) }
            #expect(zip(instants, instants.dropFirst()).allSatisfy { $0 <= $1 }, "\(failover.steps)")
        }

        @Test("After a crash the survivor has every step, in order, and its phases add up")
        func crash() throws {
            try Stage.play { stage in
                try stage.start()
                let before = Clock.now()
                try stage.alpha.cutPower()
                try stage.awaitBoth(on: stage.beta)
                let failover = try failover(stage, stage.beta, .death(node: "alpha"), with: .worked)
                try expectOrder(
                    failover,
                    [.heard, .suspected, .dead, .claimed, .ordered, .addressUp, .announced, .up, .told])
                let heard = failover.steps.filter { $0.kind == .heard }
                #expect(!heard.isEmpty && heard.allSatisfy { $0.medium != nil && $0.sequence != nil })
                // The node was heard until it died; what follows is no sooner than the deadtime.
                #expect(failover.origin > before - .seconds(1))
                #expect(try at(failover, .suspected) - failover.origin >= Stage.deadtime)
                let phases = FailoverPhases(failover).phases
                let sum = phases.reduce(Duration.zero) { $0 + $1.duration }
                #expect(sum >= Stage.deadtime && failover.origin + sum <= Clock.now(), "\(phases)")
                let text = try stage.beta.run("hb", ["explain"])
                #expect(text.status == .exited(0), "\(text.output)")
                for words in ["alpha died", "timer: its deadtime", "recorder::one took", "address up"] {
                    #expect(text.output.contains(words), "\(text.output)")
                }
            }
        }

        @Test("Both ends of a planned move are merged into one time line by the messages between them")
        func move() throws {
            try Stage.play { stage in
                try stage.start()
                #expect(try stage.alpha.run("hb_standby", ["all"]).status == .exited(0))
                let given = try failover(stage, stage.alpha, .request("standby all"), with: .seen)
                try expectOrder(given, [.requested, .stopping, .stopped, .seen])
                let taken = try failover(stage, stage.beta, .placement, with: .worked)
                try expectOrder(taken, [.claimed, .granted, .ordered, .addressUp, .up])
                let timeline = Timeline(
                    Witness(node: "alpha", failover: given), others: [("beta", [taken])])
                let lane = try #require(timeline.lanes.last)
                #expect(lane.node == "beta" && lane.basis == .messages)
                // Both clocks are the same one here.
                let error = max(lane.offset, .zero - lane.offset)
                #expect(error <= lane.uncertainty ?? .zero, "\(lane)")
                let record = try stage.beta.run("hb", ["explain", "--json", "--last", "16"])
                let path = "\(stage.cluster.folder)/beta.json"
                try Folder.write(record.output, to: path)
                let merged = try stage.alpha.run("hb", ["explain", Stage.groupA, "--merge", path])
                #expect(merged.status == .exited(0))
                #expect(merged.output.contains("set by messages in both directions"), "\(merged.output)")
            }
        }

        @Test("A dead resource that moves its group is a failover with its reason")
        func resource() throws {
            try Stage.play { plan in
                plan.files.directives = ["monitor recorder interval 10m restarts 0 within 10m"]
            } _: { stage in
                try stage.start()
                let outcome = try stage.alpha.run("hb", ["fail", "recorder::one", "--reason", "shot by a test"])
                #expect(outcome.status == .exited(0), "\(outcome.output)")
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                let failover = try failover(
                    stage, stage.alpha, .failure(group: Stage.groupA), with: .seen)
                try expectOrder(failover, [.lost, .stopping, .stopped, .granting, .seen])
                let text = try stage.alpha.run("hb", ["explain"])
                #expect(text.output.contains("shot by a test"), "\(text.output)")
            }
        }
    }
}
