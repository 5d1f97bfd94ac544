// Two status processes' cores with signed bytes between them, which are lost, repeated and overtaken: every numbered
// message arrives exactly once, by retransmission alone.
import ClusterModel
import Digests
import LinuxSystem
import Messaging
import Testing
@testable import ClusterCore

/// What the wire does to datagrams, in percent.
private struct Weather {
    var loss: UInt64 = 0
    var duplication: UInt64 = 0
    /// Datagrams are under way for up to so long.
    var delay = Duration.milliseconds(4)
}

/// One node: its core, its history, and what came to it.
private struct Station {
    var cluster: Cluster
    let identity: WireIdentity
    let authenticator: Authenticator
    var history: [UInt64: [UInt8]] = [:]
    var newest: UInt64 = 0
    /// How often each number was used, by number.
    var used: [UInt64: Int] = [:]
    var duplicates = 0
    var retransmissions = 0

    init(_ index: Int, generation: UInt64, now: Instant = World.start) throws {
        let names = ["alpha", "beta"]
        var configuration = Configuration()
        configuration.members = names.map { Member(name: $0, kind: .normal) }
        configuration.localName = names[index]
        configuration.media = [.broadcast(interface: "eth0", port: 694)]
        configuration.timing.keepalive = .milliseconds(10)
        configuration.timing.deadtime = .seconds(5)
        configuration.timing.warntime = .seconds(4)
        configuration.timing.initdead = .seconds(5)
        configuration.quorum = .ignore
        let uuid = [UInt8](repeating: UInt8(index + 1), count: 16)
        identity = WireIdentity(name: names[index], uuid: uuid, generation: generation, ttl: 3)
        let key = AuthKey(number: 1, method: .sha1, secret: Array("a secret".utf8))
        authenticator = try Authenticator(AuthKeys(signing: 1, keys: [key]))
        cluster = Cluster(
            configuration: configuration, generation: generation, uuid: uuid, seed: UInt64(index), now: now)
        var effects: [Effect] = []
        cluster.handle(.inventory([], entitledUntil: nil), now: now, effects: &effects)
    }

    /// Applies an event; returns the datagrams that go out. As the shell does, it keeps the last 512.
    mutating func handle(_ event: Event, _ now: Instant) throws -> [[UInt8]] {
        var effects: [Effect] = []
        cluster.handle(event, now: now, effects: &effects)
        var datagrams: [[UInt8]] = []
        var isDuplicate = false
        for effect in effects {
            switch effect {
            case .transmit(let outgoing):
                let message = outgoing.completed(as: identity, timestamp: 1, load: "n/a")
                let bytes = try Digests.Envelope.encode(
                    message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
                if let sequence = outgoing.sequence {
                    newest = sequence
                    history[sequence] = bytes
                    history[sequence &- 512] = nil
                }
                datagrams.append(bytes)
            case .retransmit(let sequence):
                retransmissions += 1
                datagrams.append(try #require(history[sequence]))
            case .dropped(.duplicate): isDuplicate = true
            default: break
            }
        }
        if case .received(let message, _, _) = event, let sequence = message.number("seq", radix: 16) {
            if isDuplicate { duplicates += 1 } else { used[sequence, default: 0] += 1 }
        }
        return datagrams
    }
}

/// Both nodes and the wire between them, on virtual time.
private struct World {
    static let start = Instant(nanoseconds: 0)

    var stations: [Station]
    var weather: Weather
    var random: RandomSource
    var now = World.start
    /// Nothing passes before this instant.
    var cutUntil = World.start
    /// Datagrams under way: when they come, to whom.
    var wire: [(at: Instant, to: Int, bytes: [UInt8])] = []

    init(_ weather: Weather, seed: UInt64) throws {
        self.weather = weather
        random = RandomSource(seed: seed)
        stations = [try Station(0, generation: 5), try Station(1, generation: 9)]
    }

    /// The next thing that happens.
    mutating func step() throws {
        var next: (at: Instant, index: Int)?
        for index in wire.indices where next.map({ wire[index].at < $0.at }) ?? true { next = (wire[index].at, index) }
        var woken: (at: Instant, index: Int)?
        for index in stations.indices {
            guard let at = stations[index].cluster.nextDeadline else { continue }
            if woken.map({ at < $0.at }) ?? true { woken = (at, index) }
        }
        if let next, next.at <= woken?.at ?? .distantFuture {
            now = max(now, next.at)
            let (_, to, bytes) = wire.remove(at: next.index)
            let message = try Digests.Envelope.open(bytes, authenticator: stations[to].authenticator)
            send(try stations[to].handle(.received(message, medium: MediumID(0), arrival: now), now), from: to)
        } else if let woken {
            now = max(now, woken.at)
            send(try stations[woken.index].handle(.wake, now), from: woken.index)
        }
    }

    private mutating func send(_ datagrams: [[UInt8]], from station: Int) {
        for bytes in datagrams where now >= cutUntil {
            let copies = random.next() % 100 < weather.duplication ? 2 : 1
            for _ in 0..<copies where random.next() % 100 >= weather.loss {
                let delay = Int64(random.next() % UInt64(max(1, weather.delay.wholeNanoseconds)))
                wire.append((now + .nanoseconds(delay), 1 - station, bytes))
            }
        }
    }

    /// Until nothing is missing on either side.
    mutating func settle() throws {
        weather = Weather()
        let end = now + .seconds(10)
        while now < end { try step() }
    }

    /// Whether a station used each number from its first one to the other's newest one once.
    func isComplete(_ station: Int) -> Bool {
        let used = stations[station].used
        guard let first = used.keys.min() else { return false }
        let newest = stations[1 - station].newest
        // What is under way now may be missing yet.
        return used.values.allSatisfy { $0 == 1 } && (first...newest - 20).allSatisfy { used[$0] == 1 }
    }
}

@Suite("Reliable messages between two cores")
struct ReliableDeliveryTests {
    @Test("R15: 100000 numbered messages arrive exactly once under 5 % loss, with repeats and reordering")
    func hundredThousand() throws {
        var world = try World(Weather(loss: 5, duplication: 3, delay: .milliseconds(25)), seed: 1)
        let begin = Clock.now()
        while world.stations[0].newest < 100_000 { try world.step() }
        let seconds = Double((Clock.now() - begin).wholeNanoseconds) / 1e9
        try world.settle()
        #expect(world.isComplete(0))
        #expect(world.isComplete(1))
        #expect(world.stations[1].used.count > 99_990)
        let sent = world.stations[0].newest + world.stations[1].newest
        let again = world.stations.reduce(0) { $0 + $1.retransmissions }
        print(
            "\(sent) numbered messages between two cores, \(again) sent again, "
                + "\(world.stations.reduce(0) { $0 + $1.duplicates }) repeats dropped: "
                + "\(Int(Double(sent) / seconds)) messages a second, signed and verified (sha1)")
    }

    @Test("R15: under any weather every number is used at most once, and once where it can be had", arguments: 1...12)
    func weathers(_ seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let weather = Weather(
            loss: random.next() % 40, duplication: random.next() % 40,
            delay: .milliseconds(Int64(1 + random.next() % 60)))
        var world = try World(weather, seed: seed)
        while world.stations[0].newest < 1500 { try world.step() }
        try world.settle()
        #expect(world.isComplete(0), "\(weather)")
        #expect(world.isComplete(1), "\(weather)")
    }

    @Test("R9: a restarted node begins a new sequence, and nothing of the old one is taken any more")
    func restart() throws {
        var world = try World(Weather(loss: 5, duplication: 20, delay: .milliseconds(30)), seed: 3)
        while world.stations[0].newest < 500 { try world.step() }
        let replay = try #require(world.stations[0].history[450])
        world.stations[0] = try Station(0, generation: 6, now: world.now)
        world.stations[1].used = [:]
        while world.stations[0].newest < 300 { try world.step() }
        let message = try Digests.Envelope.open(replay, authenticator: world.stations[1].authenticator)
        var effects: [Effect] = []
        world.stations[1].cluster.handle(
            .received(message, medium: MediumID(0), arrival: world.now), now: world.now, effects: &effects)
        #expect(effects.contains(.dropped(.replay)))
        try world.settle()
        // Below 480: late messages of the old generation were used before the new one was heard.
        let first = try #require(world.stations[1].used.keys.min())
        #expect(first < 20)
        #expect((first..<480).allSatisfy { world.stations[1].used[$0] == 1 })
        #expect(world.isComplete(0))
    }

    @Test("R8, R10: after a cut, long or short, nothing is used twice, and nothing that was for others is asked for")
    func cut() throws {
        for seconds: Int64 in [1, 2, 4, 20] {
            var world = try World(Weather(loss: 2, duplication: 10), seed: UInt64(seconds))
            while world.stations[0].newest < 400 { try world.step() }
            let before = world.stations[0].newest
            world.cutUntil = world.now + .seconds(seconds)
            while world.now < world.cutUntil { try world.step() }
            let retransmissions = world.stations[0].retransmissions
            while world.stations[0].newest < before + UInt64(seconds) * 100 + 500 { try world.step() }
            try world.settle()
            #expect(world.stations[1].used.values.allSatisfy { $0 == 1 })
            let newest = world.stations[0].newest
            let asked = world.stations[0].retransmissions - retransmissions
            if seconds <= 2 {
                #expect(world.isComplete(1), "all were had again")
            } else {
                #expect(asked < 200, "\(asked) were sent again after \(seconds) s")
                #expect(world.stations[1].used.count < Int(newest) - Int(seconds) * 80)
            }
        }
    }
}
