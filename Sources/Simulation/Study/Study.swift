// Many schedules of faults on one configured cluster: how long each group was not served, and whether two nodes ever
// served one at once.
import ClusterModel

/// What one schedule did.
package struct StudyRun: Sendable {
    package var seed: UInt64
    package var kind: FaultKind
    package var steps: [Step]
    /// The segment that leads to the ping nodes; nil where there are none, or no network.
    package var pingsOver: Int?
    /// By group: its longest outage, zero for none.
    package var outages: [Duration]
    /// By group: it was not served until the faults were repaired.
    package var lasts: [Bool]
    /// By group: how long two nodes served it at once, at the longest.
    package var overlaps: [Duration]
    /// By group: two nodes served it until the faults were repaired.
    package var overlapLasts: [Bool]

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
    /// One run of a kind, or of `steps` at moments that the seed shifts; the same for the same arguments. Which network
    /// leads to the ping nodes is drawn where `pingsOver` is nil.
    package func run(
        _ kind: FaultKind, steps given: [Step]? = nil, pingsOver: Int? = nil, seed: UInt64
    ) -> StudyRun {
        var random = RandomSource(seed: seed)
        var steps = given ?? schedule(kind, &random)
        if given != nil {
            let shift = Duration.nanoseconds(Int64(random.next() % UInt64(timing.keepalive.wholeNanoseconds)))
            for index in steps.indices { steps[index].at += shift }
        }
        var network = pingsOver
        if network == nil, hasPingNodes, !networks.isEmpty {
            network = networks[Int(random.next() % UInt64(networks.count))]
        }
        return run(kind, exactly: steps, pingsOver: network, seed: seed).run
    }

    /// Where the ping nodes may be, as far as it makes a difference to `steps`: values for `pingsOver` of `run`.
    package func placesOfPingNodes(for steps: [Step]) -> [Int?] {
        guard hasPingNodes, !networks.isEmpty else { return [nil] }
        var places: [Int?] = []
        var outcomes: [[Int]] = []
        for network in networks {
            let cutOff = nodes.indices.filter { node in
                steps.contains { step in
                    switch step.fault {
                    case .cut(let failed): failed.contains(network)
                    case .unplug(node, network): true
                    default: false
                    }
                }
            }
            if !outcomes.contains(cutOff) {
                outcomes.append(cutOff)
                places.append(network)
            }
        }
        return places
    }

    /// The least part of a run's schedule in which two nodes still serve a group at once, with the shortest pauses to a
    /// hundredth.
    package func shortest(_ found: StudyRun) -> StudyRun {
        var best = found
        func tryInstead(_ steps: [Step]) -> Bool {
            let run = run(best.kind, exactly: steps, pingsOver: best.pingsOver, seed: best.seed).run
            if run.isDouble { best = run }
            return run.isDouble
        }
        var index = 0
        while index < best.steps.count, best.steps.count > 1 {
            var steps = best.steps
            steps.remove(at: index)
            if !tryInstead(steps) { index += 1 }
        }
        for index in best.steps.indices {
            guard case .pause(let node, var enough) = best.steps[index].fault else { continue }
            var tooShort = Duration.zero
            while enough - tooShort > max(enough / 100, .milliseconds(1)) {
                var steps = best.steps
                let middle = (enough + tooShort) / 2
                steps[index].fault = .pause(node: node, middle)
                if tryInstead(steps) { enough = middle } else { tooShort = middle }
            }
        }
        return best
    }

    /// What happened in a run to the cluster and to some of its groups.
    package func story(_ run: StudyRun, of told: [String]) -> [StoryLine] {
        let (_, world) = self.run(run.kind, exactly: run.steps, pingsOver: run.pingsOver, seed: run.seed)
        let begin = calm.now
        var lines: [(at: Instant, line: StoryLine)] = []
        func add(_ at: Instant, _ source: String, _ text: String) {
            lines.append((at, StoryLine(at: at - begin, source: source, text: text)))
        }
        for entry in world.history[calm.history.count...] where StudyCluster.isTold(entry.record, told) {
            add(entry.at, entry.node == "world" ? "fault" : entry.node, entry.record.text)
        }
        for overlap in world.service.overlaps where told.contains(overlap.group) {
            let names = overlap.nodes.map { nodes[$0] }.joined(separator: " and ")
            add(overlap.from, "client", "\(overlap.group) is served by \(names)")
            add(overlap.from + overlap.duration, "client", "\(overlap.group) is served by one node again")
        }
        for group in told {
            for outage in world.service.outages(of: group) where outage.from >= begin {
                add(outage.from, "client", "\(group) is not served")
                if outage.end < world.now { add(outage.end, "client", "\(group) is served again") }
            }
        }
        // A stable order: what happened at one moment stays as it was found.
        return lines.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element.line)
    }

    private static func isTold(_ record: LogRecord, _ groups: [String]) -> Bool {
        let group = record.fields.first { $0.name == "GROUP" }?.value
        if let group, !groups.contains(group) { return false }
        return record.event == "fault" || record.event == "node-dead" || record.event == "partition-healed"
            || record.event == "self-late" || record.event.hasPrefix("group-")
    }

    private func run(
        _ kind: FaultKind, exactly steps: [Step], pingsOver: Int?, seed: UInt64
    ) -> (run: StudyRun, world: World) {
        var world = calm
        world.random = RandomSource(seed: seed &+ 1)
        let begin = world.now
        var resets: [(at: Duration, node: Int)] = []
        // A pause ends by itself, not with the repair.
        var pausesEnd = Duration.zero
        func advance(to at: Duration) {
            while let next = resets.first, next.at <= at {
                resets.removeFirst()
                if begin + next.at > world.now { world.run(begin + next.at - world.now) }
                world.bark(next.node, in: self)
            }
            if begin + at > world.now { world.run(begin + at - world.now) }
        }
        for step in steps {
            advance(to: step.at)
            world.strike(step.fault, in: self, pingsOver: pingsOver)
            guard case .pause(let node, let time) = step.fault else { continue }
            pausesEnd = max(pausesEnd, step.at + time)
            if let watchdogTimeout, time > watchdogTimeout {
                resets.append((step.at + watchdogTimeout, node))
                resets.sort { ($0.at, $0.node) < ($1.at, $1.node) }
            }
        }
        advance(to: pausesEnd)
        settle(&world)
        let repaired = world.now
        let lasts = groups.map { !world.service.isServed($0, at: world.now) }
        world.repair()
        settle(&world)
        var run = StudyRun(
            seed: seed, kind: kind, steps: steps, pingsOver: pingsOver, outages: [], lasts: lasts,
            overlaps: Array(repeating: .zero, count: groups.count),
            overlapLasts: Array(repeating: false, count: groups.count))
        for group in groups {
            let after = world.service.outages(of: group).filter { $0.end > begin }
            run.outages.append(after.map(\.duration).max() ?? .zero)
        }
        for overlap in world.service.overlaps {
            guard let index = groups.firstIndex(of: overlap.group) else { continue }
            run.overlaps[index] = max(run.overlaps[index], overlap.duration)
            if overlap.from < repaired, overlap.from + overlap.duration > repaired { run.overlapLasts[index] = true }
        }
        return (run, world)
    }

    /// Until nothing moves, but at least for what the others need to find a node dead.
    private func settle(_ world: inout World) {
        world.run(timing.deadtime * 3 + timing.keepalive * 2)
        _ = world.run(atMost: patience) { $0.isAtRest && $0.nodes.allSatisfy { !$0.isPaused } }
        world.run(timing.keepalive * 2)
    }
}
