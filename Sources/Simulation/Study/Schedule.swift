// What is done to a cluster in one run of a study.
import ClusterCore
import ClusterModel

/// A fault of a schedule.
package enum Fault: Equatable, Sendable {
    /// The machine loses its power, and has it again when the run's faults are repaired.
    case kill(node: Int)
    /// Nothing of the node's daemon runs for so long.
    case pause(node: Int, Duration)
    /// The status process dies and is started again.
    case statusProcess(node: Int)
    /// Segments carry nothing any more.
    case cut([Int])
    /// A node's cable to a network is pulled.
    case unplug(node: Int, segment: Int)
    /// A node's cables are all pulled.
    case isolate(node: Int)
    /// Two sides do not hear each other; `pinged` is the side that still reaches the ping nodes, nil: both.
    case partition([Int], [Int], pinged: [Int]?)
    /// The second node does not hear the first one.
    case oneWay(from: Int, to: Int)
    /// This part of all messages is lost, in percent.
    case loss(Int)
    /// No ping node answers.
    case ping
    /// A resource of a group is lost where it runs.
    case resource(group: Int)
    /// An operator types hb_standby.
    case standby(node: Int)
    /// The daemon is restarted in order.
    case restart(node: Int)
}

/// Kinds of faults that a study draws from.
package enum FaultKind: String, CaseIterable, Sendable {
    case kill, pause, daemon, cut, unplug, isolate, partition, oneway, loss, ping, resource, standby, restart, several

    /// In words, for a report.
    package var title: String {
        switch self {
        case .kill: "a machine loses power"
        case .pause: "a node's processes are stopped for a while"
        case .daemon: "a status process dies"
        case .cut: "a medium fails"
        case .unplug: "a node loses one of its links"
        case .isolate: "a node loses all its links"
        case .partition: "the cluster is divided"
        case .oneway: "a node does not hear another one"
        case .loss: "messages are lost"
        case .ping: "ping nodes do not answer"
        case .resource: "a resource is lost"
        case .standby: "an operator types hb_standby"
        case .restart: "a daemon is restarted"
        case .several: "several of these at once"
        }
    }
}

/// One thing at one moment.
package struct Step: Equatable, Sendable {
    /// After the beginning of the run.
    package var at: Duration
    package var fault: Fault

    package init(at: Duration, fault: Fault) {
        self.at = at
        self.fault = fault
    }
}

extension StudyCluster {
    /// Kinds that can happen to this cluster.
    package var kinds: [FaultKind] {
        FaultKind.allCases.filter { kind in
            switch kind {
            case .ping: hasPingNodes
            case .unplug: !networks.isEmpty && segments.count > 1
            default: true
            }
        }
    }

    /// In words, with the administrator's names; `pingsOver` as in `StudyRun`.
    package func text(_ fault: Fault, pingsOver: Int?) -> String {
        func names(_ side: [Int]) -> String { side.map { nodes[$0] }.joined(separator: " ") }
        return switch fault {
        case .kill(let node): "\(nodes[node]) loses power"
        case .pause(let node, let time): "the processes of \(nodes[node]) are stopped for \(time.wholeMilliseconds) ms"
        case .statusProcess(let node): "the status process of \(nodes[node]) dies"
        case .cut(let failed):
            failed.map { "\(segments[$0].name) fails" + pingClause($0, pingsOver) }.joined(separator: ", ")
        case .unplug(let node, let segment):
            "\(segments[segment].name) of \(nodes[node]) fails" + pingClause(segment, pingsOver)
        case .isolate(let node): "\(nodes[node]) loses all its links"
        case .partition(let one, let other, let pinged):
            "\(names(one)) and \(names(other)) do not hear each other"
                + (hasPingNodes ? pinged.map { "; only \(names($0)) can ping" } ?? "; both sides can ping" : "")
        case .oneWay(let from, let to): "\(nodes[to]) does not hear \(nodes[from])"
        case .loss(let percent): "\(percent) % of all messages are lost"
        case .ping: "no ping node answers"
        case .resource(let group): "a resource of \(groups[group]) is lost"
        case .standby(let node): "hb_standby on \(nodes[node])"
        case .restart(let node): "the daemon of \(nodes[node]) is restarted"
        }
    }

    private func pingClause(_ segment: Int, _ pingsOver: Int?) -> String {
        guard let pingsOver, segments[segment].isNetwork else { return "" }
        return segment == pingsOver ? " (the ping nodes are behind it)" : " (the ping nodes are not behind it)"
    }

    func schedule(_ kind: FaultKind, _ random: inout RandomSource) -> [Step] {
        guard kind == .several else { return [step(kind, &random)] }
        let single = kinds.filter { $0 != .several }
        let count = 2 + Int(random.next() % 2)
        return (0..<count).map { _ in step(single[Int(random.next() % UInt64(single.count))], &random) }
            .sorted { $0.at < $1.at }
    }

    private func step(_ kind: FaultKind, _ random: inout RandomSource) -> Step {
        func upTo(_ duration: Duration) -> Duration {
            .nanoseconds(Int64(random.next() % UInt64(max(1, duration.wholeNanoseconds))))
        }
        func below(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        // Any phase between two keepalives, and within a deadtime of one another.
        let at = upTo(max(timing.deadtime, timing.keepalive))
        let node = below(nodes.count)
        let other = (node + 1 + below(nodes.count - 1)) % nodes.count
        let fault: Fault
        switch kind {
        case .kill, .several: fault = .kill(node: node)
        case .pause: fault = .pause(node: node, upTo(timing.deadtime * 3))
        case .daemon: fault = .statusProcess(node: node)
        case .cut: fault = .cut([below(segments.count)])
        case .unplug: fault = .unplug(node: node, segment: networks[below(networks.count)])
        case .isolate: fault = .isolate(node: node)
        case .partition:
            var sides: [[Int]] = [[node], [other]]
            for rest in nodes.indices where rest != node && rest != other { sides[below(2)].append(rest) }
            let choice = below(3)
            fault = .partition(sides[0].sorted(), sides[1].sorted(), pinged: choice == 2 ? nil : sides[choice].sorted())
        case .oneway: fault = .oneWay(from: node, to: other)
        case .loss: fault = .loss(5 + below(45))
        case .ping: fault = .ping
        case .resource: fault = .resource(group: below(groups.count))
        case .standby: fault = .standby(node: node)
        case .restart: fault = .restart(node: node)
        }
        return Step(at: at, fault: fault)
    }
}

extension World {
    /// Does one fault to `cluster`; `pingsOver` as in `StudyRun`.
    mutating func strike(_ fault: Fault, in cluster: StudyCluster, pingsOver: Int?) {
        note(cluster.text(fault, pingsOver: pingsOver))
        switch fault {
        case .kill(let node): crash(node)
        case .pause(let node, let time):
            guard nodes[node].isUp, !nodes[node].isPaused else { return }
            pause(node)
            resumeLater(node, after: time)
        case .statusProcess(let node): restartStatusProcess(node)
        case .cut(let failed):
            let all = Array(nodes.indices)
            for segment in failed {
                partition(all, all, segment: segment)
                if segment == pingsOver { unpinged = all }
            }
        case .unplug(let node, let segment):
            partition([node], nodes.indices.filter { $0 != node }, segment: segment)
            if segment == pingsOver { unpinged.append(node) }
        case .isolate(let node): isolate(node)
        case .partition(let one, let other, let pinged):
            partition(one, other)
            if let pinged { unpinged += nodes.indices.filter { !pinged.contains($0) } }
        case .oneWay(let from, let to): cut(from: from, to: to)
        case .loss(let percent): conditions.loss = Double(percent) / 100
        case .ping: unpinged = Array(nodes.indices)
        case .resource(let group):
            let name = cluster.groups[group]
            if let owner = owners(name).first { lose(group: name, at: owner, reason: "removed") }
        case .standby(let node): _ = request(.standby(.all), at: node)
        case .restart(let node): handOver(node)
        }
    }

    /// What a watchdog does to a machine whose processes are stopped.
    mutating func bark(_ node: Int, in cluster: StudyCluster) {
        guard nodes[node].isPaused else { return }
        note("the watchdog of \(cluster.nodes[node]) resets the machine")
        crash(node)
    }

    /// Everything works again.
    mutating func repair() {
        note("everything is repaired")
        conditions.loss = 0
        heal()
        for node in nodes.indices {
            resume(node)
            start(node)
        }
    }
}
