// What the processes of a node say to each other must not change unnoticed: a helper of an older installation would
// read it wrongly.
import ClusterModel
import Failovers
import Privsep
import Testing

@Suite("The version of the frames")
struct FrameVersionTests {
    /// The version, and the digest of all samples in it.
    private static let recorded: (version: Int, digest: UInt64) = (9, 0x37b5_993b_6275_9d95)

    private static let toStatus: [ControlToStatus] = [
        .configure(generation: 1, uuid: [2, 3], confirmedFor: .nanoseconds(4)),
        .configure(generation: 1, uuid: [2, 3], confirmedFor: nil),
        .medium(index: 4), .mediumDown(index: 5, reason: "six"),
        .resourceManager, .request(client: 7, privileged: true, bytes: [8]), .clientGone(client: 9), .shutdown,
        .handOver, .processes([RunningProcess(role: "ten", pid: 11)], watchdog: "12"),
        .processes([], watchdog: nil), .clientService, .inject([12]), .notifier,
    ]
    private static let fromStatus: [StatusToControl] = [
        .state(active: true, line: "one"), .response(client: 2, bytes: [3], last: true),
        .alive(at: Instant(nanoseconds: 4)), .finished, .confirms(for: .nanoseconds(5)),
    ]
    private static let toHelper: [ControlToHelper] = [.configure, .statusProcess, .finish]
    private static let fromResource: [ResourceToControl] = [.alive]
    private static let orders: [StatusToResource] = [
        .takeInventory, .start(operation: 1, group: "two", epoch: 3, isCold: true),
        .stop(operation: 4, group: "five", isForfeit: true),
        .reassert(operation: 6, group: "seven", epoch: 8), .reboot(reason: "nine"),
        .fence(operation: 10, node: "b", until: Instant(nanoseconds: 11)), .recall(operation: 18),
        .entitled(until: Instant(nanoseconds: 12)), .forgetFailures(group: "thirteen"), .suspend(group: "14", true),
        .fail(group: "fifteen", resource: 16, reason: "17"),
    ]
    private static let outcomes: [ResourceToStatus] = [
        .inventory([GroupInventory(group: "one", state: .partial, epoch: 2)], entitledUntil: Instant(nanoseconds: 3)),
        .inventory([], entitledUntil: nil), .finished(operation: 4, failure: "five", remains: true),
        .finished(operation: 6, failure: nil, remains: false), .lost(group: "seven", reason: "eight"),
        .forfeited(group: "seven", reason: "eight"),
        .fenced(operation: 9, failure: "ten"), .fenced(operation: 11, failure: nil),
        .contested(ContestedAddress(group: "twelve", address: "a", interface: "b", machine: "c", count: 13)),
        .failures(
            group: "twelve",
            [
                ResourceFailure(
                    resource: "a", count: 13, operation: "monitor", reason: "b", output: "c",
                    at: Instant(nanoseconds: 14))
            ]),
        .leaseLacks("fourteen"), .worked([step(.worked, "a"), step(.addressUp, nil), step(.announced, "b")]),
    ]

    private static func step(_ kind: FailoverStep.Kind, _ text: String?) -> FailoverStep {
        var step = FailoverStep(kind, at: Instant(nanoseconds: 1), group: "c")
        step.resource = "d"
        step.duration = .nanoseconds(2)
        step.text = text
        return step
    }

    private static let toClients: [ControlToClients] = [.configure, .statusProcess]
    private static let views: [StatusToClients] = [
        .view(
            ClientView(
                localName: "alpha", holdings: "all",
                nodes: [
                    ClientNode(
                        name: "beta", isPing: true, status: "dead", links: [ClientLink(name: "eth0", isUp: true)],
                        uuid: [1])
                ])),
        .message([2]), .flow(isOpen: true),
    ]
    private static let fromClients: [ClientsToStatus] = [.watch(true), .send([1])]
    private static let transitions = [
        Transition(kind: .held, node: "a", group: "b", epoch: 1, cause: "c", time: 2),
        Transition(kind: .dead, node: "d", cause: "e", time: -3),
    ]
    private static let news: [StatusToNotifier] = transitions.map {
        .transition(life: 4, number: 5, $0, missed: 6)
    }
    private static let kept: [NotifierToStatus] = [.kept(7)]
    private static let spool: [SpoolRecord] =
        transitions.map { .told(number: 8, life: 9, source: 10, $0) } + [.done(target: "f", number: 11, dropped: 12)]
    private static let datagram = ReceivedDatagram(arrival: Instant(nanoseconds: 1), bytes: [2, 3])
    private static let bundle = ConfigurationBundle(
        configurationDirectory: "a", stateDirectory: "b", runDirectory: "c", nodeName: "d", haConfig: "e",
        haResources: "f", authKeys: Array("g".utf8))

    /// The types of frames that the decoder knows, by their first byte.
    private func knownTypes<F: Frame>(_: F.Type) -> Set<UInt8> {
        Set((UInt8.min...UInt8.max).filter { type in
            do throws(FrameError) {
                _ = try F(decoding: [type])
                return true
            } catch {
                return !error.reason.hasPrefix("unknown frame type")
            }
        })
    }

    private func expectAll<F: Frame>(_ samples: [F], _ location: SourceLocation = #_sourceLocation) {
        let types = Set(samples.compactMap { $0.encoded().first })
        #expect(types == knownTypes(F.self), "each type of \(F.self) needs a sample", sourceLocation: location)
        for sample in samples {
            let decoded = try? F(decoding: sample.encoded())
            #expect(decoded == sample, sourceLocation: location)
        }
    }

    @Test("every type of frame has a sample, which is read as it was written")
    func complete() {
        expectAll(FrameVersionTests.toStatus)
        expectAll(FrameVersionTests.fromStatus)
        expectAll(FrameVersionTests.toHelper)
        expectAll(FrameVersionTests.fromResource)
        expectAll(FrameVersionTests.orders)
        expectAll(FrameVersionTests.outcomes)
        expectAll(FrameVersionTests.toClients)
        expectAll(FrameVersionTests.views)
        expectAll(FrameVersionTests.fromClients)
        expectAll(FrameVersionTests.news)
        expectAll(FrameVersionTests.kept)
        expectAll(FrameVersionTests.spool)
    }

    @Test("frames change with their version alone")
    func version() {
        var samples: [any Frame] = FrameVersionTests.toStatus
        samples += FrameVersionTests.fromStatus as [any Frame]
        samples += FrameVersionTests.toHelper as [any Frame]
        samples += FrameVersionTests.fromResource as [any Frame]
        samples += FrameVersionTests.orders as [any Frame]
        samples += FrameVersionTests.outcomes as [any Frame]
        samples += FrameVersionTests.toClients as [any Frame]
        samples += FrameVersionTests.views as [any Frame]
        samples += FrameVersionTests.fromClients as [any Frame]
        samples += FrameVersionTests.news as [any Frame]
        samples += FrameVersionTests.kept as [any Frame]
        samples += FrameVersionTests.spool as [any Frame]
        samples += [FrameVersionTests.datagram, FrameVersionTests.bundle] as [any Frame]
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for sample in samples {
            let bytes = sample.encoded()
            for byte in bytes + [UInt8(truncatingIfNeeded: bytes.count)] {
                digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3
            }
        }
        let recorded = FrameVersionTests.recorded
        #expect(
            Launch.protocolVersion == recorded.version && digest == recorded.digest,
            """
            the frames are 0x\(String(digest, radix: 16)) in version \(Launch.protocolVersion). Where their coding has \
            changed: increase Launch.protocolVersion, and record both here
            """)
    }
}
