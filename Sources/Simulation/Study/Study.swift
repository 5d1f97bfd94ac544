// Many schedules of faults on one configured cluster: how long each group was not served, and whether two nodes ever
// served one at once.
import ClusterModel

/// What one schedule did.
package struct StudyRun: Sendable {
    package var seed: UInt64
    package var kind: FaultKind
    package var steps: [Step]
    /// By group: its longest outage, zero for none.
    package var outages: [Duration]
    /// By group: it was not served until the faults were repaired.
    package var lasts: [Bool]
    /// By group: how long two nodes served it at once, at the longest.
    package var overlaps: [Duration]

    /// Whether two nodes served some group at once.
    package var isDouble: Bool { overlaps.contains { $0 > .zero } }
}

/// One line of a run's story.
package struct StoryLine: Equatable, Sendable {
    /// After the beginning of the run.
    package var at: Duration
    /// A node, or `fault` for what was done to the cluster, or `client` for what a client sees.
    package var source: String
    package var text: String
}

extension StudyCluster {
    /// One run of a kind, or of `steps` at moments that the seed shifts; the same for the same arguments.
    package func run(_ kind: FaultKind, steps given: [Step]? = nil, seed: UInt64) -> StudyRun {
        var random = RandomSource(seed: seed)
        let timing = calm.nodes[0].configuration.timing
        var steps = given ?? schedule(kind, &random)
        if given != nil {
            let shift = Duration.nanoseconds(Int64(random.next() % UInt64(timing.keepalive.wholeNanoseconds)))
            for index in steps.indices { steps[index].at += shift }
        }
        return run(kind, exactly: steps, seed: seed).run
    }

    /// The least part of a run's schedule in which two nodes still serve a group at once.
    package func shortest(_ found: StudyRun) -> StudyRun {
        var best = found
        var index = 0
        while index < best.steps.count, best.steps.count > 1 {
            var steps = best.steps
            steps.remove(at: index)
            let run = run(best.kind, exactly: steps, seed: best.seed).run
            if run.isDouble { best = run } else { index += 1 }
        }
        return best
    }

    /// What happened in a run, until all was repaired or nobody served anything twice any more.
    package func story(_ run: StudyRun) -> [StoryLine] {
        let (_, world) = self.run(run.kind, exactly: run.steps, seed: run.seed)
        let begin = calm.now
        var lines: [(at: Instant, line: StoryLine)] = []
        func add(_ at: Instant, _ source: String, _ text: String) {
            lines.append((at, StoryLine(at: at - begin, source: source, text: text)))
        }
        for entry in world.history[calm.history.count...] where StudyCluster.isTold(entry.record) {
            add(entry.at, entry.node == "world" ? "fault" : entry.node, entry.record.text)
        }
        for overlap in world.service.overlaps {
            let names = overlap.nodes.map { nodes[$0] }.joined(separator: " and ")
            add(overlap.from, "client", "\(overlap.group) is served by \(names)")
            add(overlap.from + overlap.duration, "client", "\(overlap.group) is served by one node again")
        }
        for group in groups {
            for outage in world.service.outages(of: group) where outage.from >= begin {
                add(outage.from, "client", "\(group) is not served")
                if outage.end < world.now { add(outage.end, "client", "\(group) is served again") }
            }
        }
        // A stable order: what happened at one moment stays as it was found.
        return lines.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element.line)
    }

    private static func isTold(_ record: LogRecord) -> Bool {
        record.event == "fault" || record.event == "node-dead" || record.event == "partition-healed"
            || record.event == "self-late" || record.event.hasPrefix("group-")
    }

    private func run(_ kind: FaultKind, exactly steps: [Step], seed: UInt64) -> (run: StudyRun, world: World) {
        var world = calm
        world.random = RandomSource(seed: seed &+ 1)
        let begin = world.now
        for step in steps {
            if begin + step.at > world.now { world.run(begin + step.at - world.now) }
            world.strike(step.fault, in: self)
        }
        settle(&world)
        let lasts = groups.map { !world.service.isServed($0, at: world.now) }
        world.repair()
        settle(&world)
        var run = StudyRun(
            seed: seed, kind: kind, steps: steps, outages: [], lasts: lasts,
            overlaps: Array(repeating: .zero, count: groups.count))
        for group in groups {
            let after = world.service.outages(of: group).filter { $0.end > begin }
            run.outages.append(after.map(\.duration).max() ?? .zero)
        }
        for overlap in world.service.overlaps {
            guard let index = groups.firstIndex(of: overlap.group) else { continue }
            run.overlaps[index] = max(run.overlaps[index], overlap.duration)
        }
        return (run, world)
    }

    /// Until nothing moves, but at least for what the others need to find a node dead.
    private func settle(_ world: inout World) {
        let timing = calm.nodes[0].configuration.timing
        world.run(timing.deadtime * 3 + timing.keepalive * 2)
        _ = world.run(atMost: patience) { $0.isAtRest && $0.nodes.allSatisfy { !$0.isPaused } }
        world.run(timing.keepalive * 2)
    }
}
