// What a node costs while nothing happens: memory and processor time of all processes that the system runs on it.
import CLinux
import ClusterModel
import LinuxSystem
import Measuring
import Rig

/// Memory and processor time of one node.
enum Footprint {
    /// The node's processes without those of the rig.
    static func processes(_ node: Node) -> [NodeProcess] {
        node.processes.dropFirst().filter { !$0.title.contains("hb_bench") && !$0.title.contains("rig-init") }
    }

    /// Nanoseconds on a processor, of all threads.
    static func processorTime(_ list: [NodeProcess]) -> UInt64 {
        list.reduce(0) { sum, process in
            let folder = "/proc/\(process.pid)/task"
            return FileSystem.names(in: folder).reduce(sum) { sum, thread in
                let text = FileSystem.text(of: "\(folder)/\(thread)/schedstat", limit: 256) ?? ""
                return sum + (text.split(separator: " ").first.flatMap { UInt64($0) } ?? 0)
            }
        }
    }

    /// Megabytes: each page counted in proportion to the processes that share it.
    static func memory(_ list: [NodeProcess]) -> Double {
        let kilobytes = list.reduce(0) { sum, process in
            let text = FileSystem.text(of: "/proc/\(process.pid)/smaps_rollup", limit: 1 << 16) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
            return sum + (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
        }
        return Double(kilobytes) / 1024
    }

    /// Percent of one processor that each of the nodes takes over a time.
    static func load(_ nodes: [Node], over time: Duration) -> [Double] {
        let lists = nodes.map(processes)
        let before = lists.map(processorTime)
        let begin = Clock.now()
        Clock.wait(time)
        let passed = Double((Clock.now() - begin).wholeNanoseconds)
        return zip(lists, before).map { list, before in
            let after = processorTime(list)
            // A process that has ended took its count with it.
            return after > before ? Double(after - before) / passed * 100 : 0
        }
    }
}

enum FootprintFigure {
    private static let samples = 5

    static func measure(_ run: Run) throws {
        let brisk = OwnSystem(keepalive: .milliseconds(10), deadtime: .milliseconds(40))
        let usual = OwnSystem(keepalive: .milliseconds(1000), deadtime: .milliseconds(10_000))
        for system in run.chosen([brisk, run.comparable, usual]) + run.others() {
            run.progress("footprint: \(system.name), \(system.setting)")
            do {
                try measure(system, run)
            } catch {
                run.fail("footprint", system, "\(error)")
            }
        }
    }

    private static func measure(_ system: any FailoverSystem, _ run: Run) throws {
        let stage = try Stage(system, program: run.program, interval: .milliseconds(100))
        defer { stage.finish() }
        try stage.start()
        let isBrisk = system.setting.hasPrefix("10/")
        for _ in 0..<(run.options.isQuick ? 2 : samples) {
            let load = Footprint.load(stage.cluster.nodes, over: .seconds(run.options.isQuick ? 1 : 4))
            run.record(
                "footprint", system, "processor time of a node", "% of a core", goal: isBrisk ? Goal(median: 0.8) : nil,
                load)
        }
        for node in stage.cluster.nodes {
            let list = Footprint.processes(node)
            run.record(
                "footprint", system, "memory of a node", "MB PSS", goal: Goal(median: 12), [Footprint.memory(list)])
            run.record("footprint", system, "processes of a node", "", [Double(list.count)])
        }
    }

    /// This project with more and more nodes.
    static func measureNodes(_ run: Run) throws {
        guard !run.chosen([run.comparable]).isEmpty else { return }
        let system = OwnSystem(keepalive: .milliseconds(100), deadtime: .milliseconds(1000))
        for count in run.options.nodeCounts {
            run.progress("nodes: \(count)")
            do {
                let names = (1...count).map { "n\($0)" }
                let stage = try Stage(system, program: run.program, interval: .milliseconds(100), nodes: names)
                defer { stage.finish() }
                try stage.start()
                let load = Footprint.load(stage.cluster.nodes, over: .seconds(run.options.isQuick ? 2 : 10))
                let goal = count == 32 ? Goal(median: 3) : nil
                run.record("nodes", system, "\(count) nodes: processor time of a node", "% of a core", goal: goal, load)
                let memory = stage.cluster.nodes.map { Footprint.memory(Footprint.processes($0)) }
                run.record("nodes", system, "\(count) nodes: memory of a node", "MB PSS", memory)
            } catch {
                run.fail("nodes", system, "\(count) nodes: \(error)")
            }
        }
    }
}
