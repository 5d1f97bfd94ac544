// What is on the network beside the nodes: messages that come twice, late, again after minutes, bent, and garbage.
import ClusterModel
import LinuxSystem
import Rig

/// An intruder on the first bridge who hears everything and repeats what it likes.
final class Noise {
    private static let recordedMax = 200

    var shuffles = false
    private let intruder: Intruder
    private var random: RandomSource
    /// The latest messages, oldest first.
    private var recorded: [[UInt8]] = []
    private var waiting: [(due: Instant, bytes: [UInt8])] = []

    init(_ intruder: Intruder, seed: UInt64) {
        self.intruder = intruder
        random = RandomSource(seed: seed)
    }

    /// To be called often.
    func work() {
        let now = Clock.now()
        while let message = intruder.poll() {
            if recorded.count == Noise.recordedMax { recorded.removeFirst() }
            recorded.append(message)
            if shuffles && waiting.count < 50 {
                waiting.append((now + .milliseconds(Int.random(in: 1...300, using: &random)), message))
            }
        }
        let due = waiting.filter { $0.due <= now }
        waiting.removeAll { $0.due <= now }
        for entry in due { try? intruder.send(entry.bytes) }
    }

    /// Messages as they were, from the oldest that is kept on, every second one.
    func replay() {
        for message in recorded where Bool.random(using: &random) { try? intruder.send(message) }
    }

    func garbage() {
        for round in 0..<50 {
            try? intruder.send((0..<round * 20).map { _ in UInt8.random(in: 0...255, using: &random) })
            guard var bent = recorded.randomElement(using: &random), !bent.isEmpty else { continue }
            bent[Int.random(in: 0..<bent.count, using: &random)] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            try? intruder.send(bent)
            try? intruder.send(Array(bent.prefix(round)))
        }
    }
}
