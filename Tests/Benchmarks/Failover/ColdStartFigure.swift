// What it takes from nothing to the first answer: both nodes' daemons started at once on machines that are on.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

enum ColdStartFigure {
    static func measure(_ run: Run) throws {
        run.interleave("cold", run.chosen([run.comparable]) + run.others()) { system, count in
            let stage = try Stage(system, program: run.program)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count {
                for node in stage.cluster.nodes { try stage.cutPower(node) }
                for node in stage.cluster.nodes { try stage.powerOn(node) }
                stage.pass(.milliseconds(300))
                stage.client.forget()
                let begin = Clock.now()
                for node in stage.cluster.nodes { try system.start(on: node) }
                try stage.until("the first answer after a cold start", within: system.startLimit) {
                    stage.client.read()
                    return stage.client.first[0] != nil
                }
                guard let first = stage.client.first[0] else { continue }
                run.record(
                    "cold", system, "start of both nodes to first reply", "ms", goal: Goal(median: 250),
                    [CrashSample.milliseconds(begin, first)])
            }
        }
    }
}
