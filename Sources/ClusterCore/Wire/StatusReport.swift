// The status message: heartbeat's four fields, and the extension in which each node says what it hears, what it holds
// and what it was told. 3.0.6 ignores the extension's fields; a message without them comes from a classic node.
import ClusterModel
import Messaging

/// What a group is at one node, as that node says.
package enum GroupPhase: String, Sendable, CaseIterable {
    /// Wants to start and waits until every live node has granted it.
    case claiming = "c"
    case starting = "s"
    case held = "h"
    case stopping = "p"
    /// Could not be stopped; something may run.
    case blocked = "b"
    /// The node does not know yet what runs there.
    case unknown = "u"
    /// Nothing runs; it could not be started there.
    case failed = "f"

    /// Whether something of the group may run at the node.
    package var occupies: Bool {
        switch self {
        case .starting, .held, .stopping, .blocked, .unknown: true
        case .claiming, .failed: false
        }
    }
}

/// One group's line in a status message; a group without one is idle at the node.
package struct GroupReport: Equatable, Sendable {
    package var group: GroupID
    package var phase: GroupPhase
    package var epoch: UInt64
    /// Failed starts since the last cleanup.
    package var failures: Int
}

/// A promise: the sender will neither claim the group nor promise it to another while this claim stands.
package struct Grant: Equatable, Sendable {
    package var group: GroupID
    package var node: NodeID
    package var epoch: UInt64
}

/// How fresh a node's knowledge of another one is.
package struct Hearing: Equatable, Sendable {
    package var generation: UInt64
    /// The newest of that node's messages of this generation that was heard.
    package var sequence: UInt64
    /// How long before sending it was heard.
    package var age: Duration
}

/// What a node says of all that it hears, as text: `NAME GENERATION SEQUENCE AGE ...`, hexadecimal, ages in
/// microseconds. It is new in every message and seldom asked, so it is read only where it is asked.
package struct Hearings: Equatable, Sendable {
    private var words: StatusWords

    init(text: [UInt8] = []) { words = StatusWords(text: text) }

    var text: [UInt8] { words.text }

    package mutating func append(_ name: String, _ hearing: Hearing) {
        words.append(name)
        words.append(hexadecimal: hearing.generation)
        words.append(hexadecimal: hearing.sequence)
        words.append(hexadecimal: UInt64(max(0, hearing.age.wholeNanoseconds / 1000)))
    }

    /// What is said of one node; nil where nothing, or nothing readable, is.
    package subscript(_ name: String) -> Hearing? {
        let wanted = name.utf8.span
        var words = WordScanner(bytes: text)
        while let word = words.next(), let generation = words.next(), let sequence = words.next(),
            let age = words.next()
        {
            guard words.equal(word, wanted) else { continue }
            guard let generation = words.number(generation), let sequence = words.number(sequence),
                let age = words.number(age)
            else { return nil }
            return Hearing(
                generation: generation, sequence: sequence, age: .microseconds(Int64(min(age, 1 << 40))))
        }
        return nil
    }
}

/// The words of a text, separated by blanks, without a copy of any.
private struct WordScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Range<Int>? {
        while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: " ") { position += 1 }
        return start < position ? start..<position : nil
    }

    func equal(_ word: Range<Int>, _ other: Span<UInt8>) -> Bool {
        guard word.count == other.count else { return false }
        for index in other.indices where bytes[word.lowerBound + index] != other[index] { return false }
        return true
    }

    /// A hexadecimal number; nil where the word is none, or too large.
    func number(_ word: Range<Int>) -> UInt64? {
        guard word.count <= 16 else { return nil }
        var number: UInt64 = 0
        for index in word {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(bytes[index] & 0x0F)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                number = number << 4 | UInt64((bytes[index] & 0x0F) + 9)
            default: return nil
            }
        }
        return number
    }
}

/// What a status message says beyond the classic fields.
package struct StatusExtension: Equatable, Sendable {
    package var hears = Hearings()
    package var groups: [GroupReport] = []
    package var grants: [Grant] = []
    package var marks: [Mark] = []
    package var clearings: [Clearing] = []
    /// What operators hold still.
    package var maintenance: [MaintenanceReport] = []
    /// Which nodes were powered off, and what the sender does about it.
    package var fences: [FenceReport] = []
    /// The sender is shutting down and holds on only until others have claimed.
    package var leaving = false
    /// The sender may hold nothing now: it does not reach what its quorum asks for.
    package var barred = false
    /// The sender cannot stop a group and asks the others to power it off.
    package var pleads = false
    /// Nodes that others hear and the sender does not.
    package var deaf: [NodeID] = []
    /// `Configuration.digest` of the sender.
    package var configurationDigest: UInt64 = 0

    package init() {}

    /// The sender's line for a group.
    package func report(on group: GroupID) -> GroupReport? { groups.first { $0.group == group } }
}

/// A status message.
package struct StatusReport: Equatable, Sendable {
    package var status: NodeStatus
    /// `dt`: how long the others wait for the sender before they judge it.
    package var deadInterval: Duration
    package var statusExtension: StatusExtension?
}

/// The names that reports use, looked up by bisection: as fast as hashing here, and in a fixed order.
struct NameTable: Sendable {
    private let sorted: [(name: String, index: Int)]

    init(_ names: [String]) {
        sorted = names.enumerated().map { ($0.element, $0.offset) }.sorted { $0.0 < $1.0 }
    }

    func index(of name: String) -> Int? {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low].name == name ? sorted[low].index : nil
    }
}

/// Writes and reads status messages for one configuration.
struct StatusCoding: Sendable {
    static let version = "1"
    /// Fields that hold lists, in the order in which they are decoded.
    private static let listNames = ["hb_groups", "hb_grants", "hb_marks", "hb_clear", "hb_deaf", "hb_still", "hb_fence"]

    let memberNames: [String]
    let groupNames: [String]
    private let members: NameTable
    private let groups: NameTable

    init(_ configuration: Configuration) {
        memberNames = configuration.members.map(\.name)
        groupNames = configuration.groups.map(\.name)
        members = NameTable(memberNames)
        groups = NameTable(groupNames)
    }

    func name(_ node: NodeID) -> String { memberNames[node.index] }
    func node(named name: String) -> NodeID? { members.index(of: name).map(NodeID.init) }
    func group(named name: String) -> GroupID? { groups.index(of: name).map(GroupID.init) }

    func encode(_ report: StatusReport) -> HAMessage {
        // With the fields that the shell adds.
        var message = HAMessage(capacity: 20, bytes: 512)
        message.append("t", "status")
        message.append("st", report.status.rawValue)
        message.append("dt", number: UInt64(max(1, report.deadInterval.wholeMilliseconds)), radix: 16)
        message.append("protocol", "1")
        guard let said = report.statusExtension else { return message }
        message.append("hb_version", StatusCoding.version)
        message.append("hb_config", number: said.configurationDigest, radix: 16)
        if said.leaving { message.append("hb_leaving", "1") }
        if said.pleads { message.append("hb_plea", "1") }
        if said.barred { message.append("hb_barred", "1") }
        appendList("hb_deaf", said.deaf, to: &message) { $1.append(memberNames[$0.index]) }
        if !said.hears.text.isEmpty { message.append("hb_hears", text: said.hears.text) }
        appendList("hb_groups", said.groups, to: &message, write)
        appendList("hb_grants", said.grants, to: &message) { grant, words in
            words.append(groupNames[grant.group.index])
            words.append(memberNames[grant.node.index])
            words.append(hexadecimal: grant.epoch)
        }
        appendList("hb_marks", said.marks, to: &message) { mark, words in
            words.append(groupNames[mark.group.index])
            words.append(mark.node.map { memberNames[$0.index] } ?? "-")
            words.append(hexadecimal: mark.stamp)
        }
        appendList("hb_clear", said.clearings, to: &message) { clearing, words in
            words.append(groupNames[clearing.group.index])
            words.append(hexadecimal: clearing.stamp)
        }
        appendList("hb_still", said.maintenance, to: &message, write)
        appendList("hb_fence", said.fences, to: &message) { report, words in
            words.append(memberNames[report.mark.node.index])
            words.append(hexadecimal: report.mark.generation)
            words.append(hexadecimal: report.mark.stamp)
            words.append(report.mark.isFenced ? "f" : "-")
            words.append(report.effort.rawValue)
        }
        return message
    }

    /// nil where a classic field is missing or is not what it must be. Entries of the extension that name what this
    /// configuration does not have are left out; `previous` saves decoding what has not changed.
    func decode(_ message: HAMessage, previous: CachedStatus?) -> CachedStatus? {
        guard let word = message.text("st") else { return nil }
        // A peer may send any text (specs/heartbeat.md 4.1): what is not a known word counts as running.
        let status = NodeStatus(rawValue: word) ?? NodeStatus(rawValue: word.lowercased()) ?? .up
        let deadInterval = message.number("dt", radix: 16).map { Duration.milliseconds(Int64(min($0, 86_400_000))) }
        var report = StatusReport(status: status, deadInterval: deadInterval ?? .zero, statusExtension: nil)
        guard message.text("hb_version") != nil else { return CachedStatus(report: report, raw: []) }
        var said: StatusExtension
        var raw: [FieldValue?] = []
        if let previous, let before = previous.report.statusExtension, holds(message, previous.raw) {
            (said, raw) = (before, previous.raw)
        } else {
            said = StatusExtension()
            decodeLists(message, into: &said, &raw, previous)
        }
        said.configurationDigest = message.number("hb_config", radix: 16) ?? 0
        said.leaving = message.text("hb_leaving") == "1"
        said.pleads = message.text("hb_plea") == "1"
        said.barred = message.text("hb_barred") == "1"
        if case .string(let text)? = message["hb_hears"] {
            said.hears = Hearings(text: text)
        } else {
            said.hears = Hearings()
        }
        report.statusExtension = said
        return CachedStatus(report: report, raw: raw)
    }

    private func holds(_ message: HAMessage, _ lists: [FieldValue?]) -> Bool {
        StatusCoding.listNames.indices.allSatisfy { message.holds(lists[$0], for: StatusCoding.listNames[$0]) }
    }

    private func decodeLists(
        _ message: HAMessage, into said: inout StatusExtension, _ raw: inout [FieldValue?], _ previous: CachedStatus?
    ) {
        let before = previous?.report.statusExtension
        raw.reserveCapacity(StatusCoding.listNames.count)
        func list<Item>(width: Int, _ known: [Item]?, _ decode: ([String]) -> Item?) -> [Item] {
            let place = raw.count
            raw.append(message[StatusCoding.listNames[place]])
            if let known, let previous, previous.raw[place] == raw[place] { return known }
            return entries(raw[place], width: width, decode)
        }
        said.groups = list(width: 4, before?.groups, groupReport)
        said.grants = list(width: 3, before?.grants) { words in
            guard let group = group(named: words[0]), let node = node(named: words[1]),
                let epoch = counter(words[2])
            else { return nil }
            return Grant(group: group, node: node, epoch: epoch)
        }
        said.marks = list(width: 3, before?.marks) { words in
            guard let group = group(named: words[0]), let stamp = counter(words[2]) else { return nil }
            guard words[1] == "-" || node(named: words[1]) != nil else { return nil }
            return Mark(group: group, node: node(named: words[1]), stamp: stamp)
        }
        said.clearings = list(width: 2, before?.clearings) { words in
            guard let group = group(named: words[0]), let stamp = counter(words[1]) else { return nil }
            return Clearing(group: group, stamp: stamp)
        }
        said.deaf = list(width: 1, before?.deaf) { node(named: $0[0]) }
        said.maintenance = list(width: 8, before?.maintenance, maintenanceReport)
        said.fences = list(width: 5, before?.fences, fenceReport)
    }

    /// What a goodbye says: that the sender ends, and what it could not stop.
    func encodeGoodbye(_ remains: [GroupReport]) -> HAMessage {
        var message = HAMessage()
        message.append("t", "shutdone")
        message.append("st", "dead")
        appendList("hb_groups", remains, to: &message, write)
        return message
    }

    /// What the sender of a goodbye could not stop.
    func remains(in goodbye: HAMessage) -> [GroupReport] {
        entries(goodbye["hb_groups"], width: 4, groupReport).filter { $0.phase == .blocked }
    }

    private func counter(_ word: String) -> UInt64? { UInt64(word, radix: 16).flatMap(Counter.accepted) }

    private func groupReport(_ words: [String]) -> GroupReport? {
        guard let group = group(named: words[0]), let phase = GroupPhase(rawValue: words[1]),
            let epoch = counter(words[2]), let failures = Int(words[3]), failures >= 0
        else { return nil }
        return GroupReport(group: group, phase: phase, epoch: epoch, failures: failures)
    }

    /// `GROUP PHASE EPOCH FAILURES`, the epoch in hexadecimal.
    private func write(_ report: GroupReport, _ words: inout StatusWords) {
        words.append(groupNames[report.group.index])
        words.append(report.phase.rawValue)
        words.append(hexadecimal: report.epoch)
        words.append(String(report.failures))
    }

    /// `GROUP|* 0|1 STAMP REMAINING-MS|- NODE USER TIME REASON`, numbers in hexadecimal, texts as `StatusText` has
    /// them.
    private func write(_ report: MaintenanceReport, _ words: inout StatusWords) {
        let mark = report.mark
        words.append(mark.group.map { groupNames[$0.index] } ?? "*")
        words.append(mark.isOn ? "1" : "0")
        words.append(hexadecimal: mark.stamp)
        words.append(report.remaining.map { String(max(0, $0.wholeMilliseconds), radix: 16) } ?? "-")
        words.append(StatusText.encode(mark.words.node))
        words.append(StatusText.encode(mark.words.user))
        words.append(String(mark.words.time, radix: 16))
        words.append(StatusText.encode(mark.words.reason))
    }

    private func maintenanceReport(_ words: [String]) -> MaintenanceReport? {
        let group = group(named: words[0])
        let remaining = Int64(words[3], radix: 16)
        guard words[0] == "*" || group != nil, let stamp = counter(words[2]),
            words[3] == "-" || remaining != nil, let time = Int64(words[6], radix: 16)
        else { return nil }
        return MaintenanceReport(
            mark: MaintenanceMark(
                group: group, isOn: words[1] == "1", stamp: stamp, until: nil,
                words: MaintenanceWords(
                    node: StatusText.decode(words[4]), user: StatusText.decode(words[5]),
                    reason: StatusText.decode(words[7]), time: time)),
            remaining: remaining.map { .milliseconds(min(max(0, $0), 366 * 86_400_000)) })
    }

    private func fenceReport(_ words: [String]) -> FenceReport? {
        guard let node = node(named: words[0]), let generation = UInt64(words[1], radix: 16),
            let stamp = counter(words[2]), let effort = FenceEffort(rawValue: words[4])
        else { return nil }
        return FenceReport(
            mark: FenceMark(node: node, generation: generation, stamp: stamp, isFenced: words[3] == "f"),
            effort: effort)
    }

    private func appendList<Item>(
        _ name: String, _ items: [Item], to message: inout HAMessage, _ write: (Item, inout StatusWords) -> Void
    ) {
        guard !items.isEmpty else { return }
        var words = StatusWords()
        for item in items { write(item, &words) }
        message.append(name, text: words.text)
    }

    /// The entries of a list in which each has `width` words; an entry that does not decode is left out.
    private func entries<Item>(_ raw: FieldValue?, width: Int, _ decode: ([String]) -> Item?) -> [Item] {
        guard case .string(let text)? = raw else { return [] }
        let words = text.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        var items: [Item] = []
        var start = 0
        while start + width <= words.count {
            if let item = decode(Array(words[start..<start + width])) { items.append(item) }
            start += width
        }
        return items
    }
}

/// A decoded status with the text that it came from, so that the next one is compared before it is decoded. It never
/// changes, and is a class so that keeping it and passing it on costs one reference, not one for each list.
final class CachedStatus: Sendable {
    let report: StatusReport
    /// The list fields as they came, in the order in which they are decoded; empty for a classic message.
    let raw: [FieldValue?]

    init(report: StatusReport, raw: [FieldValue?]) {
        self.report = report
        self.raw = raw
    }

    /// The sender runs heartbeat 3.0.6.
    var isClassic: Bool { raw.isEmpty }
}

extension Configuration {
    /// Equal on two nodes whose nodes and groups are the same, and who by their ha.cf can fence whom; what differs
    /// otherwise does not change who owns what. Nothing of a device's parameters is in it: they may be passwords.
    package var digest: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xff) &* 0x100_0000_01b3
        }
        for name in nodes.sorted() { mix(name) }
        for name in witnesses.sorted() { mix("witness " + name) }
        for group in groups {
            mix(group.preferred)
            for resource in group.resources { mix(resource.text) }
            mix("")
        }
        var canFence = false
        for node in nodes.sorted() {
            for target in nodes.sorted() where self.canFence(from: node, target) {
                canFence = true
                mix(node)
                mix(target)
            }
        }
        // Groups of addresses wait for no fence where a lease ends them.
        if canFence { mix(policy.leasesAddresses ? "lease" : "no lease") }
        return hash
    }
}
