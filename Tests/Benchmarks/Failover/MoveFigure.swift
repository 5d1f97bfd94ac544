// What a planned move costs: the command that an operator types, and what the client notices of it.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

enum MoveFigure {
    static func measure(_ run: Run) throws {
        run.interleave("move", run.chosen([run.comparable]) + run.others()) { system, count in
            // A gap below a millisecond is not seen by a client that asks once in a millisecond.
            let stage = try Stage(system, program: run.program, interval: .microseconds(200), isObserved: false)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count { try take(stage, run) }
        }
    }

    private static func take(_ stage: Stage, _ run: Run) throws {
        let holder = try stage.holder()
        let other = stage.other(holder)
        let begin = Clock.now()
        try stage.system.move(from: holder)
        var found: Gap?
        try stage.until("an answer of \(other.name) after a planned move", within: .seconds(60)) {
            stage.client.read()
            found = stage.client.gap(after: begin, to: other.index)
            return found != nil
        }
        guard let gap = found else { throw RigError("no gap") }
        run.record("move", stage.system, "client's gap", "ms", goal: Goal(median: 0.8), [gap.milliseconds])
        run.record(
            "move", stage.system, "command to first reply of the other node", "ms",
            [CrashSample.milliseconds(begin, gap.end)])
        run.recordPhases("move", stage.system, on: other, after: begin)
        try stage.system.recover(holder)
        try stage.awaitRest()
    }

    /// The daemon that has the address ends as for an upgrade and starts again.
    static func measureRestart(_ run: Run) throws {
        run.interleave("restart", run.chosen([run.comparable])) { system, count in
            guard let own = system as? OwnSystem else { return }
            let stage = try Stage(own, program: run.program)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count {
                let begin = Clock.now()
                try own.restart(stage.holder())
                try stage.awaitRest()
                run.record(
                    "restart", own, "client's gap", "ms", goal: Goal(median: 0, p95: 0),
                    [stage.client.worstGap(after: begin)])
                run.record(
                    "restart", own, "changes of the machine that answers", "", goal: Goal(median: 0, p95: 0),
                    [Double(stage.client.changes(after: begin))])
            }
        }
    }
}
