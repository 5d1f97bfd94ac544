// Whether a cluster whose nodes are all alive moves addresses because the machine is busy or the network loses frames.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

/// Processes that do nothing as fast as they can, two for each processor. They end with this value.
final class BusyLoops {
    private let processes: [HeldProcess]

    init(program: String) throws {
        processes = try (0..<2 * MachineLine.processorCount).map { _ in
            try HeldProcess.start(program, ["spin"]).process
        }
    }

    func finish() { processes.forEach { $0.kill() } }

    /// The program `hb_bench spin`; ends with its standard input.
    static func spin() throws -> Int32 {
        print("ready")
        fflush(cl_stdout())
        var rounds: UInt64 = 0
        while true {
            rounds &+= 1
            guard rounds % (1 << 22) == 0 else { continue }
            var ready = [Readiness(0, read: true)]
            try Readiness.wait(&ready, timeout: .zero)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
        }
    }
}

enum FalseTakeoverFigure {
    private static let loss = 5

    static func measure(_ run: Run) throws {
        let systems = try run.everySystem() + run.ordinaryKeepalived()
        let cases = [
            ("\(2 * MachineLine.processorCount) busy loops", true, 0), ("loss of \(loss) %", false, loss),
            ("both", true, loss),
        ]
        for (words, loops, loss) in cases {
            for system in systems {
                run.progress("false: \(words): \(system.name), \(system.setting)")
                do {
                    let seen = try watch(system, run, loops: loops, loss: loss)
                    run.record(
                        "false", system, "\(words): takeovers", "in \(run.options.load.wholeMilliseconds / 1000) s",
                        goal: Goal(median: 0), [Double(seen.takeovers)])
                    run.record("false", system, "\(words): worst gap", "ms", [seen.worstGap])
                } catch {
                    run.fail("false", system, "\(words): \(error)")
                }
            }
        }
    }

    /// Disturbs a cluster at rest for the time of the options. Counts how often a node took the address, by the
    /// kernels of the nodes.
    static func watch(
        _ system: any FailoverSystem, _ run: Run, loops: Bool, loss: Int
    ) throws -> (takeovers: Int, worstGap: Double) {
        let stage = try Stage(system, program: run.program)
        defer { stage.finish() }
        try stage.start()
        let begin = Clock.now()
        let load = loops ? try BusyLoops(program: run.program) : nil
        defer { load?.finish() }
        try stage.lose(percent: loss)
        stage.pass(run.options.load)
        load?.finish()
        try stage.lose(percent: 0)
        stage.pass(.milliseconds(500))
        stage.look()
        let takeovers = try stage.cluster.nodes.reduce(0) { sum, node in
            try sum
                + stage.observer(node).events.count { event in
                    event.time > begin && event.what == .up && event.text == stage.service.all[0]
                }
        }
        return (takeovers, stage.client.worstGap(after: begin))
    }
}
