// What a crash costs: the client's outage, and where its time goes.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

/// One crash of the node that has the address.
struct CrashSample {
    /// From the last answer of the dead node to the first one of the other.
    var outage: Double
    /// From the log's word that the node is dead to the first answer; nil where nothing was logged before it.
    var deathToReply: Double?
    /// From the kernel's word that the address is there to the first answer.
    var addressToReply: Double?

    /// Cuts the power of the holder, waits for the other node's first answer, and revives the dead one.
    static func take(_ stage: Stage, _ run: Run, _ figure: String) throws -> CrashSample {
        let holder = try stage.holder()
        let survivor = stage.other(holder)
        // At no fixed moment between two messages.
        stage.pass(run.randomTime(below: min(stage.system.deadtime, .milliseconds(500))))
        let begin = Clock.now()
        try stage.cutPower(holder)
        var found: Gap?
        try stage.until("an answer of \(survivor.name) after a crash", within: .seconds(60)) {
            stage.client.read()
            found = stage.client.gap(after: begin, to: survivor.index)
            return found != nil
        }
        // The observer may be later than the client.
        stage.pass(.milliseconds(50))
        stage.look()
        guard let gap = found else { throw RigError("no gap") }
        let observer = try stage.observer(survivor)
        let death = observer.first(.log, after: begin) { stage.system.tellsDeath($0) }
        let address = observer.first(.up, after: begin) { $0 == stage.service.all[0] }
        let sample = CrashSample(
            outage: gap.milliseconds, deathToReply: death.map { CrashSample.milliseconds($0, gap.end) },
            addressToReply: address.map { CrashSample.milliseconds($0, gap.end) })
        run.recordPhases(figure, stage.system, on: survivor, after: begin)
        try stage.revive(holder)
        return sample
    }

    static func milliseconds(_ begin: Instant, _ end: Instant) -> Double {
        Double((end - begin).wholeNanoseconds) / 1e6
    }
}

enum CrashFigure {
    /// The outage, and what it is more than the deadtime that was configured.
    static func measure(_ run: Run) throws {
        let fastest = try run.fastestOwn()
        run.interleave("crash", try run.everySystem()) { system, count in
            let stage = try Stage(system, program: run.program)
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count {
                let sample = try CrashSample.take(stage, run, "crash")
                let goal = system.setting == fastest.setting ? Goal(median: 15, p95: 22) : nil
                run.record("crash", system, "outage", "ms", goal: goal, [sample.outage])
                let deadtime = Double(system.deadtime.wholeNanoseconds) / 1e6
                run.record(
                    "crash", system, "outage less deadtime", "ms", goal: Goal(median: 1), [sample.outage - deadtime])
            }
        }
    }

    /// What follows the decision, seen by a client that asks five times as often.
    static func measureReply(_ run: Run) throws {
        run.interleave("reply", run.chosen([run.comparable]) + run.others()) { system, count in
            let stage = try Stage(system, program: run.program, interval: .microseconds(200))
            defer { stage.finish() }
            try stage.start()
            for _ in 0..<count {
                let sample = try CrashSample.take(stage, run, "reply")
                run.record(
                    "reply", system, "death in the log to reply", "ms", goal: Goal(median: 0.4),
                    [sample.deathToReply].compactMap { $0 })
                run.record(
                    "reply", system, "address up to reply", "ms", [sample.addressToReply].compactMap { $0 })
            }
        }
    }
}
