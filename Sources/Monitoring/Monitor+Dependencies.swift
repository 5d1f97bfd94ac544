// Whether the services that a service depends on are well (specs/mon.md 8).
import ClusterModel

extension Monitor {
    /// Whether the monitor of a service may run: an expression that cannot be evaluated forbids it.
    mutating func monitorMayRun(_ index: Int, _ moment: Moment) -> Bool {
        let service = configuration.services[index]
        let all = service.monitorDependencies
        if all.isEmpty { return true }
        let holds = evaluate(.monitor, index, moment, depth: 0)
        if let holds { states[index].dependencyHolds = holds }
        return holds ?? false
    }

    /// Whether alerts of a service may be given: what was decided before, where an expression cannot be evaluated.
    mutating func alertsMayBeGiven(_ index: Int, _ moment: Moment) -> Bool {
        if configuration.services[index].alertDependencies.isEmpty { return true }
        if let holds = evaluate(.alert, index, moment, depth: 0) { states[index].dependencyHolds = holds }
        return states[index].dependencyHolds ?? true
    }

    /// The summaries of failing services that a host dependency names; those that they depend on do not count.
    func failingDependencySummaries(_ index: Int, _ moment: Moment) -> [[UInt8]] {
        let service = configuration.services[index]
        return service.hostDependencies.flatMap(\.services).compactMap { name in
            guard let place = self.index(group: name.group, service: name.service),
                !isWell(place, memory: service.dependencyMemory, moment.now)
            else { return nil }
            return states[place].failureSummary
        }
    }

    /// Whether a summary names a host: as a whole word, so that `www1` is not found in `www10`.
    static func mentions(_ summary: [UInt8], _ host: String) -> Bool {
        let name = Array(host.utf8)
        guard !name.isEmpty, summary.count >= name.count else { return false }
        func isPart(_ byte: UInt8) -> Bool { byte != UInt8(ascii: ".") && isTagByte(byte) }
        for start in 0...summary.count - name.count where summary[start] == name[0] {
            let end = start + name.count
            guard summary[start..<end].elementsEqual(name), start == 0 || !isPart(summary[start - 1]),
                end == summary.count || !isPart(summary[end])
            else { continue }
            return true
        }
        return false
    }

    private func evaluate(_ kind: DependencyBehavior, _ index: Int, _ moment: Moment, depth: Int) -> Bool? {
        guard depth <= configuration.globals.dependencyDepthMax else { return nil }
        let service = configuration.services[index]
        for expression in service.dependencies(of: kind) {
            let value = expression.evaluate { name in
                guard let place = self.index(group: name.group, service: name.service) else { return false }
                guard isWell(place, memory: service.dependencyMemory, moment.now) else { return false }
                if configuration.services[place].dependencies(of: kind).isEmpty { return true }
                return evaluate(kind, place, moment, depth: depth + 1)
            }
            guard let value else { return nil }
            if !value { return false }
        }
        return true
    }

    /// Whether a service is well, and has been for `dep_memory`.
    private func isWell(_ index: Int, memory: Duration, _ now: Instant) -> Bool {
        let state = states[index]
        guard state.status.isSuccess else { return false }
        guard memory > .zero, let last = state.lastFailureInstant else { return true }
        return now - last >= memory
    }
}
