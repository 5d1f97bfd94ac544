// Requests, answers and reports as bytes: what goes in comes out, and nothing that comes in does harm.
import ClusterModel
import Messaging
import Testing

@testable import Admin

@Suite struct CodecTests {
    private func roundTrip(_ message: HAMessage) throws -> HAMessage {
        try AdminMessage.decode(try AdminMessage.encode(message))
    }

    @Test("requests come back as they were, also those for groups that are named like words")
    func requests() throws {
        let selections: [GroupSelection] = [
            .all, .local, .foreign, .failback, .group("all"), .group("IPaddr::1.2.3.4"),
        ]
        var requests: [AdminRequest] = [
            .status, .reload, .cleanup(group: nil), .cleanup(group: "all"),
            .maintain(group: nil, isOn: true, duration: .seconds(600), user: "root", reason: "a b"),
            .maintain(group: "ip1", isOn: false, duration: nil, user: "", reason: ""), .parameter(name: "deadtime"),
            .fail(resource: "nginx.service", reason: "web/http: www1"),
        ]
        requests += selections.map { .standby($0) } + selections.map { .takeover($0) }
        for request in requests {
            let message = try roundTrip(request.message)
            #expect(try AdminRequest(message) == request)
        }
    }

    @Test("who may only look may not see passwords")
    func readOnly() {
        #expect(AdminRequest.status.isReadOnly)
        #expect(AdminRequest.parameter(name: "deadtime").isReadOnly)
        #expect(!AdminRequest.parameter(name: "stonith_host").isReadOnly)
        #expect(!AdminRequest.standby(.all).isReadOnly)
        #expect(!AdminRequest.takeover(.all).isReadOnly)
        #expect(!AdminRequest.cleanup(group: nil).isReadOnly)
        #expect(!AdminRequest.reload.isReadOnly)
    }

    @Test("the bytes of a request are those of the documentation")
    func requestBytes() throws {
        let bytes = try AdminMessage.encode(AdminRequest.standby(.group("web")).message)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "###\n15:(0)t=hb-request,15:(0)verb=standby,18:(0)selection=group,12:(0)group=web,%%%\n")
    }

    @Test(
        "a request that is not understood is refused with the reason",
        arguments: [
            ([], "expected t=hb-request, found t="),
            ([("t", "status")], "expected t=hb-request, found t=status"),
            ([("t", "hb-request")], "hb-request: field 'verb' is not a text"),
            ([("t", "hb-request"), ("verb", "reboot")], "unknown verb 'reboot'"),
            ([("t", "hb-request"), ("verb", "standby")], "hb-request: field 'selection' is not a text"),
            ([("t", "hb-request"), ("verb", "takeover"), ("selection", "some")], "unknown selection 'some'"),
            (
                [("t", "hb-request"), ("verb", "standby"), ("selection", "group")],
                "hb-request: field 'group' is not a text"
            ),
            ([("t", "hb-request"), ("verb", "parameter")], "hb-request: field 'name' is not a text"),
        ] as [([(String, String)], String)])
    func badRequests(fields: [(String, String)], reason: String) {
        let message = HAMessage(fields.map { Field($0.0, .string(Array($0.1.utf8))) })
        #expect(throws: AdminMessageError(reason)) { try AdminRequest(message) }
    }

    @Test("responses keep outcome and lines; an unknown outcome is refused")
    func responses() throws {
        for outcome in AdminResponse.Outcome.allCases {
            let response = AdminResponse(outcome, "IPaddr::1.2.3.4 runs on beta\nb runs on beta, 50 % there")
            let message = try roundTrip(response.message)
            #expect(try AdminAnswer(message) == .end(response))
        }
        var message = HAMessage()
        message.append("t", "hb-end")
        message.append("result", "perhaps")
        #expect(throws: AdminMessageError("hb-end: field 'result' is not a known word")) { try AdminAnswer(message) }
    }

    @Test("texts are cut between characters, and lose what the wire cannot carry")
    func cutTexts() throws {
        let long = String(repeating: "é", count: 20_000)
        let response = try AdminResponse(try roundTrip(AdminResponse(.done, "x" + long).message))
        #expect(response.text == "x" + String(repeating: "é", count: 16_383))
        #expect(try AdminResponse(try roundTrip(AdminResponse(.done, "a\0b").message)).text == "ab")
        let parameter = ParameterRecord(name: "deadtime", value: "10")
        #expect(try ParameterRecord(try roundTrip(parameter.message)) == parameter)
    }

    @Test("a report comes back as it was", arguments: [Sample.healthy, Sample.troubled])
    func report(report: ClusterReport) throws {
        #expect(try ClusterReport(try report.messages().map(roundTrip)) == report)
    }

    @Test("random reports come back as they were", arguments: 0..<200 as Range<UInt64>)
    func randomReports(seed: UInt64) throws {
        var generator = ReportGenerator(seed: seed)
        let report = generator.report()
        #expect(try ClusterReport(try report.messages().map(roundTrip)) == report, "seed \(seed)")
    }

    @Test("the largest cluster fits into packets, whatever its texts")
    func largeReport() throws {
        var report = Sample.healthy
        let text = String(repeating: "x", count: 100_000)
        report.groups = (0..<100).map { number in
            GroupReport(
                name: "\(number)" + text, preferred: text, resources: Array(repeating: text, count: 3), owner: text,
                state: .failed, epoch: .max, failures: [FailureReport(node: text, count: 1, reason: text)])
        }
        report.nodes = (0..<100).map { number in
            var node = Sample.healthy.nodes[1]
            node.name = "\(number)"
            node.links = (0..<64).map { LinkReport(directive: "bcast", name: "eth\($0)", status: .up, age: .zero) }
            return node
        }
        let messages = report.messages()
        #expect(messages.count < AdminClient.recordsMax)
        for message in messages { #expect(try AdminMessage.encode(message).count < 20_000) }
        #expect(try ClusterReport(messages).nodes == report.nodes)
    }

    @Test(
        "a report with a record missing or out of place is refused",
        arguments: [
            ([], "the answer has no record"),
            (["hb-node"], "expected t=hb-cluster, found t=hb-node"),
            (["hb-cluster", "hb-cluster"], "a second hb-cluster"),
            (["hb-cluster", "hb-link"], "hb-link stands before what it belongs to"),
            (["hb-cluster", "hb-node", "hb-resource"], "hb-resource stands before what it belongs to"),
        ])
    func badReports(types: [String], reason: String) {
        let all = Sample.troubled.messages()
        let messages = types.compactMap { type in all.first { $0.text("t") == type } }
        #expect(throws: AdminMessageError(reason)) { try ClusterReport(messages) }
    }

    @Test("records of a later version are passed over")
    func unknownRecords() throws {
        var messages = Sample.healthy.messages()
        var record = HAMessage()
        record.append("t", "hb-weather")
        messages.insert(record, at: 3)
        messages[0].append("mood", "good")
        #expect(try ClusterReport(messages) == Sample.healthy)
    }

    @Test("no damage to a report's bytes or fields crashes the reader", arguments: 0..<40 as Range<UInt64>)
    func damagedReports(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let packets = try Sample.troubled.messages().map { try AdminMessage.encode($0) }
        var survivors = 0
        for _ in 0..<50 {
            let messages = packets.compactMap { packet -> HAMessage? in
                guard Int.random(in: 0..<4, using: &random) == 0 else { return try? AdminMessage.decode(packet) }
                var packet = packet
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    packet[Int.random(in: packet.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                return try? AdminMessage.decode(packet)
            }
            if (try? ClusterReport(messages)) != nil { survivors += 1 }
            for message in messages { _ = try? AdminRequest(message) }
        }
        #expect(survivors < 50)
    }

    @Test("wrong types, numbers beyond range and negative times are refused")
    func badFields() {
        let wrong: [(String, FieldValue)] = [
            ("pid", .string(Array("99999999999".utf8))), ("pid", .binary([49])), ("pid", .string([])),
            ("runtime", .string(Array("-1".utf8))), ("runtime", .string(Array("9223372036854775808".utf8))),
            ("leaving", .string(Array("maybe".utf8))), ("st", .string(Array("fine".utf8))),
            ("generation", .string(Array("-1".utf8))), ("version", .list([])),
        ]
        for (name, value) in wrong {
            var messages = Sample.healthy.messages()
            messages[0].removeAll(named: name)
            messages[0].fields.append(Field(name, value))
            #expect(throws: AdminMessageError.self, "\(name) = \(value)") { try ClusterReport(messages) }
        }
    }
}

/// Reports with every kind of value, from a seed.
private struct ReportGenerator {
    private var random: RandomSource

    init(seed: UInt64) { random = RandomSource(seed: seed) }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    private mutating func flag() -> Bool { .random(using: &random) }
    private mutating func time() -> Duration { .nanoseconds(Int64.random(in: 0...Int64.max / 4, using: &random)) }
    private mutating func element<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }
    private mutating func perhaps<Value>(_ make: (inout Self) -> Value) -> Value? { flag() ? make(&self) : nil }

    private mutating func list<Value>(_ make: (inout Self) -> Value) -> [Value] {
        (0..<number(0...5)).map { _ in make(&self) }
    }

    private mutating func text() -> String {
        let alphabet = Array("abc019=,:%#<>\n\r\t\u{7}\u{1B} é中🂡\u{202E}'\"\\")
        return String((0..<number(0...40)).map { _ in element(alphabet) })
    }

    mutating func report() -> ClusterReport {
        var report = ClusterReport(
            version: text(), pid: .random(in: Int32.min...Int32.max, using: &random), runTime: time(),
            localName: text(), status: element(NodeStatus.allCases), generation: random.next(), isLeaving: flag(),
            autoFailback: element([.on, .off, .legacy]),
            timing: TimingReport(
                keepalive: time(), warntime: time(), deadtime: time(), initdead: time(), deadping: time()),
            quorum: QuorumReport(
                policy: element([.majority, .ping, .ignore]), isPresent: flag(), reachable: number(0...100),
                configured: number(0...100), heldFor: perhaps { $0.time() }),
            lease: LeaseReport(duration: time(), isKernels: flag()),
            holdings: element(Holdings.allCases))
        report.nodes = list { $0.node() }
        report.groups = list { $0.group() }
        report.lacks = list { $0.text() }
        report.contests = list {
            ContestReport(
                address: $0.text(), interface: $0.text(), group: $0.text(), machine: $0.text(),
                count: $0.random.next(), age: $0.time())
        }
        report.media = list {
            MediumReport(directive: $0.text(), name: $0.text(), isOpen: $0.flag(), reason: $0.perhaps { $0.text() })
        }
        report.frozen = perhaps { $0.maintenance() }
        report.processes = list { ProcessReport(role: $0.text(), pid: Int32($0.number(0...1 << 30))) }
        report.drops = list { DropReport(cause: $0.text(), count: $0.random.next()) }
        report.events = list {
            EventReport(
                time: Int64($0.number(-5...1 << 40)),
                level: $0.element([.critical, .error, .warning, .notice, .info, .debug]), event: $0.text(),
                text: $0.text())
        }
        return report
    }

    private mutating func node() -> NodeReport {
        NodeReport(
            name: text(), kind: element(NodeReport.Kind.allCases), isLocal: flag(),
            status: element(NodeStatus.allCases), isUnreachable: flag(), isLeaving: flag(), generation: random.next(),
            age: perhaps { $0.time() }, deadInterval: time(), differsInConfiguration: flag(),
            dialect: element(NodeReport.Dialect.allCases), fencing: perhaps { $0.text() },
            votes: list { VoteReport(voter: $0.text(), age: $0.perhaps { $0.time() }) },
            leavesFor: perhaps { $0.time() },
            links: list {
                LinkReport(
                    directive: $0.text(), name: $0.text(), status: $0.element(LinkReport.Status.allCases),
                    age: $0.perhaps { $0.time() })
            })
    }

    private mutating func maintenance() -> MaintenanceReport {
        MaintenanceReport(
            node: text(), user: text(), reason: text(), time: Int64(number(0...1 << 40)),
            remaining: perhaps { $0.time() })
    }

    private mutating func group() -> GroupReport {
        GroupReport(
            name: text(), preferred: text(), resources: list { $0.text() }, owner: perhaps { $0.text() },
            state: element(GroupReport.State.allCases), epoch: random.next(), wanted: perhaps { $0.text() },
            failures: list {
                FailureReport(node: $0.text(), count: $0.number(0...9), reason: $0.perhaps { $0.text() })
            },
            resourceFailures: list {
                ResourceFailureReport(
                    resource: $0.text(), count: $0.number(0...9), operation: $0.text(), reason: $0.text(),
                    output: $0.text(), age: $0.time())
            }, unmanaged: perhaps { $0.maintenance() }, waitsFor: list { $0.text() })
    }
}
