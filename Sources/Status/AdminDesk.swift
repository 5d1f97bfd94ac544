// Where operators' requests are read and answered: from words to the core's requests, from the core's picture to
// records.
import Admin
import CLinux
import ClusterCore
import ClusterModel
import LinuxSystem
import Messaging
import Privsep

struct AdminDesk {
    /// What a request comes to.
    enum Decision {
        /// For the core; answered later.
        case order(OperatorRequest, RequestID, RequestOrigin?)
        /// Packets to send back now.
        case answer([[UInt8]])
        /// The state of everything is asked for.
        case report
        /// What was recorded of arrivals is asked for.
        case punctuality
        /// So many of the last failovers are asked for.
        case failovers(Int)
    }

    var processes: [RunningProcess] = []
    /// What does not protect as ha.cf has it, in words.
    var watchdogLack: String?
    var leaseLack: String?
    private let startedAt = Clock.now()
    private var configuration = Configuration()
    private var media: [MediumReport] = []
    /// Orders that wait for the core's answer, in their order.
    private var waiting: [(request: RequestID, client: ClientID)] = []
    private var requestLast: RequestID = 0

    mutating func configure(_ configuration: Configuration) {
        self.configuration = configuration
        media = configuration.media.map {
            MediumReport(directive: $0.directive, name: $0.linkName, isOpen: false, reason: "not opened yet")
        }
    }

    mutating func mediumOpened(_ index: Int) {
        guard media.indices.contains(index) else { return }
        media[index].isOpen = true
        media[index].reason = nil
    }

    mutating func mediumClosed(_ index: Int, _ reason: String) {
        guard media.indices.contains(index) else { return }
        media[index].isOpen = false
        media[index].reason = reason
    }

    /// The client's orders go on; nobody waits for them any more.
    mutating func forget(_ client: ClientID) -> [RequestID] {
        let gone = waiting.filter { $0.client == client }.map(\.request)
        waiting.removeAll { $0.client == client }
        return gone
    }

    mutating func read(_ bytes: [UInt8], from client: ClientID, privileged: Bool) -> Decision {
        let request: AdminRequest
        let origin: RequestOrigin?
        do {
            let message = try AdminMessage.decode(bytes)
            request = try AdminRequest(message)
            origin = RequestOrigin(message)
        } catch {
            return .answer(
                [packet(AdminResponse(.error, "the request cannot be read: \(error)").message)].compactMap { $0 })
        }
        guard privileged || request.isReadOnly else {
            let text = "only root and members of the group haclient may do this"
            return .answer([packet(AdminResponse(.denied, text).message)].compactMap { $0 })
        }
        return decide(request, origin, client)
    }

    private mutating func decide(_ request: AdminRequest, _ origin: RequestOrigin?, _ client: ClientID) -> Decision {
        func order(_ request: OperatorRequest, _ client: ClientID) -> Decision {
            requestLast &+= 1
            waiting.append((requestLast, client))
            return .order(request, requestLast, origin)
        }
        switch request {
        case .status: return .report
        case .punctuality: return .punctuality
        case .failovers(let count): return .failovers(count)
        case .parameter(let name): return .answer(parameter(name))
        case .standby(let selection): return order(.standby(selection), client)
        case .takeover(let selection): return order(.takeover(selection), client)
        case .cleanup(let group): return order(.cleanup(group: group), client)
        case .fail(let resource, let reason): return order(.fail(resource: resource, reason: reason), client)
        case .maintain(let group, let isOn, let duration, let user, let reason):
            let maintenance = MaintenanceOrder(
                group: group, isOn: isOn, duration: duration, user: user, reason: reason, time: Int64(time(nil)))
            return order(.maintain(maintenance), client)
        case .reload:
            let text = "control reloads, not this process"
            return .answer([packet(AdminResponse(.error, text).message)].compactMap { $0 })
        case .fence(let node, let isConfirmed): return order(.fence(node: node, isConfirmed: isConfirmed), client)
        }
    }

    /// The packet for the client whose order the core has answered; nil where nobody waits.
    mutating func answer(_ request: RequestID, _ response: OperatorResponse) -> (ClientID, [UInt8])? {
        guard let position = waiting.firstIndex(where: { $0.request == request }) else { return nil }
        let client = waiting.remove(at: position).client
        let outcome: AdminResponse.Outcome =
            switch response.outcome {
            case .done: .done
            case .refused: .refused
            case .failed: .failed
            }
        return packet(AdminResponse(outcome, response.text).message).map { (client, $0) }
    }

    private func parameter(_ name: String) -> [[UInt8]] {
        let found = configuration.parameters.first { $0.name == name }
        let record = found.map { ParameterRecord(name: $0.name, value: $0.value).message }
        return [record, AdminResponse(.done).message].compactMap { $0 }.compactMap(packet)
    }

    private func packet(_ message: HAMessage) -> [UInt8]? { try? AdminMessage.encode(message) }

    // MARK: The report

    func report(
        _ snapshot: ClusterSnapshot, contests: [ContestReport], drops: DropCounters, events: [StatusLog.Past]
    ) -> [[UInt8]] {
        var report = ClusterReport(
            pid: processes.first?.pid ?? getppid(), runTime: Clock.now() - startedAt, localName: snapshot.localName,
            status: snapshot.status, generation: snapshot.generation, isLeaving: snapshot.isLeaving,
            autoFailback: snapshot.autoFailback, timing: TimingReport(snapshot.timing),
            quorum: QuorumReport(
                policy: snapshot.quorumPolicy, isPresent: snapshot.hasQuorum, reachable: snapshot.nodesReachable,
                configured: snapshot.nodesConfigured, heldFor: snapshot.heldFor),
            lease: LeaseReport(duration: snapshot.lease, isKernels: snapshot.leasesAddresses),
            holdings: Holdings(rawValue: snapshot.holdings) ?? .transition)
        report.nodes = snapshot.nodes.map(node)
        report.groups = snapshot.groups.map(group)
        report.contests = contests.filter { contest in
            snapshot.groups.contains { $0.name == contest.group && $0.owner == snapshot.localName }
        }
        report.frozen = snapshot.frozen.map(maintenance)
        report.media = media
        report.lacks = [leaseLack, watchdogLack].compactMap { $0 }
        report.processes = processes.map { ProcessReport(role: $0.role, pid: $0.pid) }
        report.drops = drops.counts.map { DropReport(cause: $0.cause, count: $0.count) }
        report.events = events.map {
            EventReport(time: $0.time, level: $0.record.level, event: $0.record.event, text: $0.record.text)
        }
        return packets(report.messages())
    }

    /// An answer of these records.
    func packets(_ records: [HAMessage]) -> [[UInt8]] {
        (records + [AdminResponse(.done).message]).compactMap(packet)
    }

    private func node(_ node: NodeSnapshot) -> NodeReport {
        NodeReport(
            name: node.name, kind: node.kind == .ping ? .ping : .normal, isLocal: node.isLocal, status: node.status,
            isUnreachable: node.isUnreachable, isLeaving: node.isLeaving, generation: node.generation, age: node.age,
            deadInterval: node.deadInterval, differsInConfiguration: node.differsInConfiguration,
            dialect: node.isRefused ? .refused : node.isClassic ? .classic : .extended,
            fencing: node.fencing, votes: node.votes.map { VoteReport(voter: $0.voter, age: $0.age) },
            leavesFor: node.leavesFor,
            links: node.links.map {
                let medium = configuration.media[$0.medium.index]
                return LinkReport(
                    directive: medium.directive, name: medium.linkName, status: $0.status == .up ? .up : .dead,
                    age: $0.age)
            })
    }

    private func maintenance(_ maintenance: MaintenanceSnapshot) -> Admin.MaintenanceReport {
        let words = maintenance.words
        return Admin.MaintenanceReport(
            node: words.node, user: words.user, reason: words.reason, time: words.time,
            remaining: maintenance.remaining)
    }

    private func group(_ group: GroupSnapshot) -> Admin.GroupReport {
        Admin.GroupReport(
            name: group.name, preferred: group.preferred, resources: group.resources, owner: group.owner,
            state: .init(rawValue: group.state) ?? .unknown, epoch: group.epoch, wanted: group.wanted,
            failures: group.failures.map { FailureReport(node: $0.node, count: $0.count, reason: $0.reason) },
            resourceFailures: group.resourceFailures.map {
                ResourceFailureReport(
                    resource: $0.resource, count: $0.count, operation: $0.operation, reason: $0.reason,
                    output: $0.output, age: $0.age)
            },
            unmanaged: group.unmanaged.map(maintenance), waitsFor: group.waitsFor,
            waitsForFencing: group.waitsForFencing)
    }
}
