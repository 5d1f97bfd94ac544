// How many messages a second the status process can take in: each verified, decoded and decided on by the daemon's own
// core, as they come from another node that is alive.
import CLinux
import ClusterCore
import ClusterModel
import Digests
import Messaging

enum StatusBenchmark {
    private static let rounds = 20
    private static let perRound = 5_000
    private static let keepalive = Duration.milliseconds(1)

    /// One node's core.
    private struct Side {
        var core: Cluster
        let identity: WireIdentity
        var effects: [Effect] = []

        init(_ name: String, generation: UInt64) {
            var configuration = Configuration()
            configuration.members = ["alpha", "beta"].map { Member(name: $0, kind: .normal) }
            configuration.localName = name
            configuration.media = [.broadcast(interface: "eth0", port: 694)]
            configuration.groups = [ResourceGroup(name: "10.0.0.1/24/eth0", preferred: "alpha", resources: [], line: 1)]
            configuration.timing.keepalive = keepalive
            configuration.timing.deadtime = .seconds(10)
            let uuid = [UInt8](repeating: name == "alpha" ? 1 : 2, count: 16)
            let start = Instant(nanoseconds: 0)
            core = Cluster(
                configuration: configuration, generation: generation, uuid: uuid, seed: generation, now: start)
            identity = WireIdentity(name: name, uuid: uuid, generation: generation, ttl: 3)
            handle(.inventory([], entitledUntil: nil), at: start)
        }

        mutating func handle(_ event: Event, at now: Instant) {
            core.handle(event, now: now, effects: &effects)
        }

        /// The messages that the events had this node send.
        mutating func messages(at now: Instant) -> [HAMessage] {
            var messages: [HAMessage] = []
            for effect in effects {
                guard case .transmit(let outgoing) = effect else { continue }
                messages.append(outgoing.completed(as: identity, timestamp: 1_700_000_000, load: "0.1 0.1 0.1 1/99 9"))
            }
            effects.removeAll(keepingCapacity: true)
            return messages
        }
    }

    /// Microseconds a message, and messages a second, with the digest that is safest.
    static func measure() throws -> [Figure] {
        let secret = Array("a-secret-of-some-length".utf8)
        let keys = AuthKeys(signing: 1, keys: [AuthKey(number: 1, method: .sha256, secret: secret)])
        let authenticator = try Authenticator(keys)
        let (receiver, texts) = try record(authenticator)
        // 200 000 a second.
        var time = Figure("status process: verify, decode and decide on a status, sha256", unit: "us", goal: 5)
        var rate = Figure("the same, messages a second", unit: "")
        var message = HAMessage()
        for _ in 0..<rounds {
            var side = receiver
            let begin = processorTime()
            for (now, bytes) in texts {
                try Envelope.open(bytes, authenticator: authenticator, into: &message)
                side.handle(.received(message, medium: MediumID(0), arrival: now), at: now)
                side.effects.removeAll(keepingCapacity: true)
            }
            let microseconds = Double(processorTime() - begin) / 1000 / Double(texts.count)
            time.values.append(microseconds)
            rate.values.append(1_000_000 / microseconds)
        }
        return [time, rate]
    }

    /// Two nodes talk to each other on virtual time; the second one as it was before what the first one then said.
    private static func record(_ authenticator: Authenticator) throws -> (Side, [(now: Instant, bytes: [UInt8])]) {
        var (alpha, beta) = (Side("alpha", generation: 5), Side("beta", generation: 7))
        var receiver = beta
        var texts: [(now: Instant, bytes: [UInt8])] = []
        let warm = 1000
        for step in 1...warm + perRound {
            let now = Instant(nanoseconds: Int64(step) * keepalive.wholeNanoseconds)
            if step == warm { receiver = beta }
            for index in 0..<2 {
                if index == 0 { alpha.handle(.wake, at: now) } else { beta.handle(.wake, at: now) }
                for message in index == 0 ? alpha.messages(at: now) : beta.messages(at: now) {
                    if index == 1 {
                        alpha.handle(.received(message, medium: MediumID(0), arrival: now), at: now)
                        continue
                    }
                    beta.handle(.received(message, medium: MediumID(0), arrival: now), at: now)
                    guard step >= warm else { continue }
                    let bytes = try Envelope.encode(
                        message, for: .datagram(classicInnerAuth: false), authenticator: authenticator)
                    texts.append((now, bytes))
                }
            }
        }
        guard texts.count >= perRound / 2 else { throw StatusBenchmarkError.silent(texts.count) }
        return (receiver, texts)
    }

    /// The node that should have spoken did not.
    private enum StatusBenchmarkError: Error { case silent(Int) }

    /// Nanoseconds that this process has had on a processor: other programs do not count.
    private static func processorTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
