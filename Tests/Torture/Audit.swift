// What must be true after an iteration, whatever was done: judged from the kernels, the network and the services' own
// journals, not from what the daemons say.
import Admin
import ClusterModel
import LinuxSystem
import Rig

/// What is known of an iteration when it is judged.
struct Evidence {
    var faults: [TimedFault]
    var begin: Instant
    /// When the last fault had ended and everything was repaired.
    var healed: Instant
    /// By how much this machine was late, at most.
    var stall: Duration
    /// The owner of each group before, and how often each service had been started.
    var owners: [String]
    var starts: [Int]
}

extension Victim {
    /// Judges the iteration; empty where all is as promised. The cluster is at rest.
    func audit(_ evidence: Evidence) throws -> [String] {
        var findings = findings
        self.findings = []
        findings += try auditRest()
        findings += auditAddresses(evidence) + auditServices(evidence) + auditMoves(evidence)
        findings += try auditProcesses()
        findings += logs.findings(
            evidence.faults.map(\.fault), hasStalled: evidence.stall > scenario.lease / 2)
        watch.forget()
        return findings
    }

    // MARK: At rest

    /// Each group has one owner, and it is the one that the kernels and the network know.
    private func auditRest() throws -> [String] {
        // The probe's last rounds are judged a few of them later; a machine that stalls answers late.
        try waiting.pass(.milliseconds(150))
        var findings: [String] = []
        _ = try waiting.watch(.seconds(2)) {
            watch.read()
            findings = restFindings()
            return findings.isEmpty ? true : nil
        }
        return findings
    }

    private func restFindings() -> [String] {
        let owners = owners
        guard owners.count == scenario.groups.count else { return ["\(cluster.nodes[0].name) does not answer"] }
        return zip(scenario.groups, owners).flatMap { group, owner -> [String] in
            var findings: [String] = []
            let holders = cluster.holders(of: group.address).map(\.name)
            if holders != [owner] { findings.append("\(group.address) is on \(holders), its owner is \(owner)") }
            let answering = watch.owners(of: group.address).map(name)
            if answering != [owner] { findings.append("\(answering) answer for \(group.address) of \(owner)") }
            return findings
        }
    }

    private func name(_ number: Int) -> String {
        scenario.nodes.indices.contains(number) ? scenario.nodes[number] : "machine \(number)"
    }

    /// The owner of each group, as the first node has it.
    var owners: [String] { cluster.nodes[0].report()?.groups.map { $0.owner ?? "nobody" } ?? [] }

    /// Nothing is moved or started again for a fault that leaves every node heard and able; a machine that stalls for
    /// half of the lease may have looked dead.
    private func auditMoves(_ evidence: Evidence) -> [String] {
        // Two of them may add up to one that does: both media of a node.
        guard evidence.faults.count == 1, evidence.faults[0].fault.movesNothing,
            !scenario.nodes.indices.contains(where: { isRestless($0, at: evidence.healed) }),
            evidence.stall < scenario.lease / 2
        else { return [] }
        var findings: [String] = []
        let now = owners
        if now != evidence.owners { findings.append("owners were \(evidence.owners), now \(now)") }
        for (journal, before) in zip(journals, evidence.starts) where journal.starts != before {
            findings.append("\(journal.key) was started again")
        }
        return findings
    }

    // MARK: While it went wrong

    /// No two machines may have answered the same request, but where the rule of the cluster admits it.
    private func auditAddresses(_ evidence: Evidence) -> [String] {
        let faults = evidence.faults.map(\.fault)
        if maySplit(faults) { return [] }
        return watch.changes.filter { $0.machines.count > 1 }.filter { change in
            // Rules that somebody flushed are there again with the next renewal, which a node that is paralysed does
            // not make.
            !faults.contains { fault in
                guard case .flushRules(let node) = fault else { return false }
                return change.machines.contains(node) && faults.contains { $0.paralysed == node }
            }
        }.map { change in
            "\(change.machines.map(name)) answered for \(change.address) at the same time, at"
                + " \(time(change.time, evidence))"
        }
    }

    /// Whether nodes that live could lose sight of each other, and the rule lets both go on.
    private func maySplit(_ faults: [Fault]) -> Bool {
        if scenario.maySplit(reachingPingNodes: false) { return faults.contains(where: \.splits) }
        return scenario.maySplit(reachingPingNodes: true) && faults.contains(where: \.splitsInSightOfRouter)
    }

    /// No service ran on two nodes, but where one of them could not stop it.
    private func auditServices(_ evidence: Evidence) -> [String] {
        var findings: [String] = []
        let mayOverlap = maySplit(evidence.faults.map(\.fault))
        for index in journals.indices {
            journals[index].read()
            findings += journals[index].doubleStarts
            if !mayOverlap {
                findings += journals[index].allOverlaps.filter { !isExcused($0, evidence) }.map { overlap in
                    let end = overlap.end.map { time($0, evidence) } ?? "now"
                    return "\(overlap.key) ran on \(overlap.holder) and on \(overlap.intruder) from"
                        + " \(time(overlap.begin, evidence)) to \(end)"
                }
            }
            journals[index].forget()
        }
        return findings
    }

    private func isExcused(_ overlap: Overlap, _ evidence: Evidence) -> Bool {
        guard let end = overlap.end else { return false }
        // What a stalled machine does late.
        if evidence.stall > .milliseconds(100), end - overlap.begin < evidence.stall * 2 { return true }
        return evidence.faults.contains { timed in
            // The journal is told of a power cut when that is over.
            if case .cutPower(let node) = timed.fault, scenario.nodes[node] == overlap.holder {
                return overlap.begin >= evidence.begin + timed.begin
            }
            // Cut off, it has begun to stop in time. How long that takes on a machine with much to do is not known.
            if overlap.isStopping && timed.fault.silences { return true }
            // Who was to stop it when the right had ended was killed: it is stopped by the next one.
            if timed.fault.killsResourceManager.map({ scenario.nodes[$0] }) == overlap.holder,
                evidence.faults.contains(where: \.fault.splits)
            {
                return true
            }
            if case .killProcess(let node, _) = timed.fault, scenario.nodes[node] == overlap.holder,
                isRestless(node, at: evidence.begin + timed.begin + .milliseconds(50))
            {
                return true
            }
            guard let node = timed.fault.paralysed, scenario.nodes[node] == overlap.holder else { return false }
            // It could not act from the beginning of the fault on; when that is over it takes stock, and stops.
            let grace = Scenario.operationTimeout * 2 + .seconds(2)
            return overlap.begin >= evidence.begin + timed.begin && end <= evidence.healed + grace
        }
    }

    private func time(_ time: Instant, _ evidence: Evidence) -> String {
        "\((time - evidence.begin).wholeMilliseconds) ms"
    }

    // MARK: What is left behind

    /// Each node runs the daemon's processes once, the services of its groups once, and nothing else.
    private func auditProcesses() throws -> [String] {
        var findings: [String] = []
        // A script, or a process that was just started, may be on its way.
        _ = try waiting.watch(.seconds(3)) {
            findings = cluster.nodes.flatMap(strays)
            return findings.isEmpty ? true : nil
        }
        for node in cluster.nodes {
            for folder in [node.folder, node.runFolder] {
                findings += FileSystem.names(in: folder).filter { $0.hasPrefix("core") }.map { "\(folder)/\($0)" }
            }
            let mounts = Folder.read("/proc/\(node.processes.first?.pid ?? 0)/mountinfo").split(separator: "\n").count
            if mountCount == 0 { mountCount = mounts }
            if mounts != mountCount { findings.append("\(node.name) has \(mounts) mounts, expected \(mountCount)") }
        }
        return findings
    }

    private func strays(_ node: Node) -> [String] {
        let processes = Array(node.processes.dropFirst())
        var findings: [String] = []
        func expect(_ title: String, _ count: Int) {
            let found = processes.count { $0.title == title && $0.state != "Z" }
            if found != count {
                let titles = processes.map(\.title).joined(separator: ", ")
                findings.append("\(node.name) runs \(found) of \(title), expected \(count), of: \(titles)")
            }
        }
        for duty in Duty.allCases { expect(duty.title, 1) }
        for group in scenario.groups {
            if let service = group.service { expect(service.title, node.holds(group.address) ? 1 : 0) }
        }
        let known = Duty.allCases.map(\.title) + scenario.services.map(\.title)
        for process in processes where process.state == "Z" || process.state == "T" {
            findings.append("\(node.name): \(process.title) is in state \(process.state)")
        }
        for process in processes where !known.contains(process.title) && !process.title.hasPrefix("heartbeat: ") {
            findings.append("\(node.name) runs \(process.title)")
        }
        return findings
    }
}
