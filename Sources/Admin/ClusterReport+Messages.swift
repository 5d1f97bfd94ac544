// A report as a sequence of small records: `t=hb-cluster` first, then lists in their order. A record of a link or vote
// belongs to the last node before it; one of a resource, failure, broken resource, obstacle or maintenance to the last
// group before it. No record grows with the size of the cluster, so each fits into a packet.
import ClusterModel
import Messaging

/// The values of `t`.
private enum RecordType: String {
    case cluster = "hb-cluster"
    case node = "hb-node"
    case vote = "hb-vote"
    case link = "hb-link"
    case group = "hb-group"
    case resource = "hb-resource"
    case failure = "hb-failure"
    case frozen = "hb-frozen"
    case unmanaged = "hb-unmanaged"
    case broken = "hb-broken"
    case obstacle = "hb-obstacle"
    case unfenced = "hb-unfenced"
    case lack = "hb-lack"
    case contest = "hb-contest"
    case medium = "hb-medium"
    case process = "hb-process"
    case drop = "hb-drop"
    case event = "hb-event"
}

// MARK: Writing

extension ClusterReport {
    /// The records of the report. Each can be encoded; texts beyond 4096 bytes are cut.
    package func messages() -> [HAMessage] {
        var records = [clusterRecord]
        for node in nodes {
            records.append(node.record)
            records += node.votes.map(\.record)
            records += node.links.map(\.record)
        }
        if let frozen { records.append(frozen.record(.frozen)) }
        for group in groups {
            records.append(group.record)
            if let unmanaged = group.unmanaged { records.append(unmanaged.record(.unmanaged)) }
            records += group.resources.map { single(.resource, "text", $0) }
            records += group.failures.map(\.record)
            records += group.resourceFailures.map(\.record)
            records += group.waitsFor.map { single(.obstacle, "node", $0) }
            records += group.waitsForFencing.map { single(.unfenced, "node", $0) }
        }
        records += lacks.map { single(.lack, "text", $0) }
        records += contests.map(\.record)
        records += media.map(\.record) + processes.map(\.record) + drops.map(\.record) + events.map(\.record)
        return records
    }

    private func single(_ type: RecordType, _ name: String, _ text: String) -> HAMessage {
        var writer = RecordWriter(type: type.rawValue)
        writer.add(name, text, limit: RecordWriter.textLengthMax)
        return writer.message
    }

    private var clusterRecord: HAMessage {
        var writer = RecordWriter(type: RecordType.cluster.rawValue)
        writer.add("version", version)
        writer.add("pid", number: pid)
        writer.add("runtime", runTime)
        writer.add("local", localName)
        writer.add("st", status.rawValue)
        writer.add("generation", number: generation)
        writer.add("leaving", flag: isLeaving)
        writer.add("autofailback", autoFailback.rawValue)
        writer.add("keepalive", timing.keepalive)
        writer.add("warntime", timing.warntime)
        writer.add("deadtime", timing.deadtime)
        writer.add("initdead", timing.initdead)
        writer.add("deadping", timing.deadping)
        writer.add("quorum", quorum.policy.rawValue)
        writer.add("hasquorum", flag: quorum.isPresent)
        writer.add("reachable", number: quorum.reachable)
        writer.add("configured", number: quorum.configured)
        writer.add("heldfor", quorum.heldFor)
        writer.add("lease", lease.duration)
        writer.add("kernellease", flag: lease.isKernels)
        writer.add("holdings", holdings.rawValue)
        return writer.message
    }
}

extension NodeReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.node.rawValue)
        writer.add("name", name)
        writer.add("kind", kind.rawValue)
        writer.add("islocal", flag: isLocal)
        writer.add("st", status.rawValue)
        writer.add("unreachable", flag: isUnreachable)
        writer.add("leaving", flag: isLeaving)
        writer.add("generation", number: generation)
        writer.add("age", age)
        writer.add("deadinterval", deadInterval)
        writer.add("differs", flag: differsInConfiguration)
        writer.add("dialect", dialect.rawValue)
        writer.add("fencing", fencing)
        writer.add("leavesfor", leavesFor)
        return writer.message
    }
}

extension VoteReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.vote.rawValue)
        writer.add("voter", voter)
        writer.add("age", age)
        return writer.message
    }
}

extension LinkReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.link.rawValue)
        writer.add("medium", directive)
        writer.add("name", name)
        writer.add("st", status.rawValue)
        writer.add("age", age)
        return writer.message
    }
}

extension GroupReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.group.rawValue)
        writer.add("name", name)
        writer.add("preferred", preferred)
        writer.add("owner", owner)
        writer.add("st", state.rawValue)
        writer.add("epoch", number: epoch)
        writer.add("wanted", wanted)
        return writer.message
    }
}

extension FailureReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.failure.rawValue)
        writer.add("node", node)
        writer.add("count", number: count)
        writer.add("reason", reason)
        return writer.message
    }
}

extension ContestReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.contest.rawValue)
        writer.add("address", address)
        writer.add("interface", interface)
        writer.add("group", group)
        writer.add("machine", machine)
        writer.add("count", number: count)
        writer.add("age", age)
        return writer.message
    }
}

extension MaintenanceReport {
    fileprivate func record(_ type: RecordType) -> HAMessage {
        var writer = RecordWriter(type: type.rawValue)
        writer.add("node", node, limit: RecordWriter.textLengthMax)
        writer.add("user", user, limit: RecordWriter.textLengthMax)
        writer.add("reason", reason, limit: RecordWriter.textLengthMax)
        writer.add("time", number: time)
        writer.add("remaining", remaining)
        return writer.message
    }
}

extension ResourceFailureReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.broken.rawValue)
        writer.add("resource", resource, limit: RecordWriter.textLengthMax)
        writer.add("count", number: count)
        writer.add("operation", operation, limit: RecordWriter.textLengthMax)
        writer.add("reason", reason, limit: RecordWriter.textLengthMax)
        writer.add("output", output, limit: RecordWriter.textLengthMax)
        writer.add("age", age)
        return writer.message
    }
}

extension MediumReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.medium.rawValue)
        writer.add("medium", directive)
        writer.add("name", name)
        writer.add("open", flag: isOpen)
        writer.add("reason", reason)
        return writer.message
    }
}

extension ProcessReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.process.rawValue)
        writer.add("role", role)
        writer.add("pid", number: pid)
        return writer.message
    }
}

extension DropReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.drop.rawValue)
        writer.add("cause", cause)
        writer.add("count", number: count)
        return writer.message
    }
}

extension EventReport {
    fileprivate var record: HAMessage {
        var writer = RecordWriter(type: RecordType.event.rawValue)
        writer.add("time", number: time)
        writer.add("level", level.word)
        writer.add("event", event)
        writer.add("text", text)
        return writer.message
    }
}

// MARK: Reading

extension ClusterReport {
    /// Reads the records of one answer. Takes any messages; records of a type that is not known are passed over.
    package init(_ records: [HAMessage]) throws(AdminMessageError) {
        guard let first = records.first else { throw AdminMessageError("the answer has no record") }
        let reader = try RecordReader(first, type: RecordType.cluster.rawValue)
        self.init(
            version: try reader.text("version"), pid: try reader.number("pid"),
            runTime: try reader.duration("runtime"), localName: try reader.text("local"),
            status: try reader.word("st"), generation: try reader.number("generation"),
            isLeaving: try reader.flag("leaving"), autoFailback: try reader.word("autofailback"),
            timing: TimingReport(
                keepalive: try reader.duration("keepalive"), warntime: try reader.duration("warntime"),
                deadtime: try reader.duration("deadtime"), initdead: try reader.duration("initdead"),
                deadping: try reader.duration("deadping")),
            quorum: QuorumReport(
                policy: try reader.word("quorum"), isPresent: try reader.flag("hasquorum"),
                reachable: try reader.number("reachable"), configured: try reader.number("configured"),
                heldFor: try reader.optionalDuration("heldfor")),
            lease: LeaseReport(
                duration: try reader.duration("lease"), isKernels: try reader.flag("kernellease")),
            holdings: try reader.word("holdings"))
        for record in records.dropFirst() { try add(record) }
    }

    private mutating func add(_ record: HAMessage) throws(AdminMessageError) {
        guard let word = record.text("t"), let type = RecordType(rawValue: word) else { return }
        let reader = try RecordReader(record, type: word)
        switch type {
        case .cluster: throw AdminMessageError("a second \(word)")
        case .node: nodes.append(try NodeReport(reader))
        case .vote:
            let vote = VoteReport(voter: try reader.text("voter"), age: try reader.optionalDuration("age"))
            nodes[try last(nodes.indices, word)].votes.append(vote)
        case .link: nodes[try last(nodes.indices, word)].links.append(try LinkReport(reader))
        case .group: groups.append(try GroupReport(reader))
        case .resource: groups[try last(groups.indices, word)].resources.append(try reader.text("text"))
        case .failure: groups[try last(groups.indices, word)].failures.append(try FailureReport(reader))
        case .frozen: frozen = try MaintenanceReport(reader)
        case .unmanaged: groups[try last(groups.indices, word)].unmanaged = try MaintenanceReport(reader)
        case .broken: groups[try last(groups.indices, word)].resourceFailures.append(try ResourceFailureReport(reader))
        case .obstacle: groups[try last(groups.indices, word)].waitsFor.append(try reader.text("node"))
        case .unfenced: groups[try last(groups.indices, word)].waitsForFencing.append(try reader.text("node"))
        case .lack: lacks.append(try reader.text("text"))
        case .contest: contests.append(try ContestReport(reader))
        case .medium: media.append(try MediumReport(reader))
        case .process: processes.append(ProcessReport(role: try reader.text("role"), pid: try reader.number("pid")))
        case .drop: drops.append(DropReport(cause: try reader.text("cause"), count: try reader.number("count")))
        case .event: events.append(try EventReport(reader))
        }
    }

    private func last(_ indices: Range<Int>, _ word: String) throws(AdminMessageError) -> Int {
        guard let last = indices.last else { throw AdminMessageError("\(word) stands before what it belongs to") }
        return last
    }
}

extension NodeReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            name: try reader.text("name"), kind: try reader.word("kind"), isLocal: try reader.flag("islocal"),
            status: try reader.word("st"), isUnreachable: try reader.flag("unreachable"),
            isLeaving: try reader.flag("leaving"), generation: try reader.number("generation"),
            age: try reader.optionalDuration("age"), deadInterval: try reader.duration("deadinterval"),
            differsInConfiguration: try reader.flag("differs"), dialect: try reader.word("dialect"),
            fencing: try reader.optionalText("fencing"), leavesFor: try reader.optionalDuration("leavesfor"))
    }
}

extension LinkReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            directive: try reader.text("medium"), name: try reader.text("name"), status: try reader.word("st"),
            age: try reader.optionalDuration("age"))
    }
}

extension GroupReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            name: try reader.text("name"), preferred: try reader.text("preferred"), resources: [],
            owner: try reader.optionalText("owner"), state: try reader.word("st"), epoch: try reader.number("epoch"),
            wanted: try reader.optionalText("wanted"))
    }
}

extension FailureReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            node: try reader.text("node"), count: try reader.number("count"),
            reason: try reader.optionalText("reason"))
    }
}

extension ContestReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            address: try reader.text("address"), interface: try reader.text("interface"),
            group: try reader.text("group"), machine: try reader.text("machine"), count: try reader.number("count"),
            age: try reader.duration("age"))
    }
}

extension MaintenanceReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            node: try reader.text("node"), user: try reader.optionalText("user") ?? "",
            reason: try reader.optionalText("reason") ?? "",
            time: try reader.number("time"), remaining: try reader.optionalDuration("remaining"))
    }
}

extension ResourceFailureReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            resource: try reader.text("resource"), count: try reader.number("count"),
            operation: try reader.text("operation"), reason: try reader.text("reason"),
            output: try reader.optionalText("output") ?? "", age: try reader.duration("age"))
    }
}

extension MediumReport {
    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        self.init(
            directive: try reader.text("medium"), name: try reader.text("name"), isOpen: try reader.flag("open"),
            reason: try reader.optionalText("reason"))
    }
}

extension EventReport {
    private static let levels: [LogLevel] = [.critical, .error, .warning, .notice, .info, .debug]

    fileprivate init(_ reader: RecordReader) throws(AdminMessageError) {
        let word = try reader.text("level")
        guard let level = EventReport.levels.first(where: { $0.word == word }) else {
            throw AdminMessageError("hb-event: unknown level '\(word)'")
        }
        self.init(
            time: try reader.number("time"), level: level, event: try reader.text("event"),
            text: try reader.text("text"))
    }
}
