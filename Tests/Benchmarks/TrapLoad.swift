// A flood of traps at a steady rate, and a client that asks a question every 50 milliseconds meanwhile.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// Sends traps to a daemon.
final class TrapLoad {
    /// Traps sent in each millisecond.
    private static let burst = 10
    private static let pause: Duration = .milliseconds(50)
    private static let question = Array("list state\n".utf8)

    private let traps: Descriptor
    private let client: Descriptor
    private let trap = Array(
        "pro='0.3807'\ngrp='bench'\nsvc='trap'\nsta='1'\ntyp='trap'\nsum='link down'\ndtl='no carrier'\n".utf8)
    /// How long each answer took, in milliseconds.
    private(set) var answers: [Double] = []
    private var received: [UInt8] = []

    init(to address: SocketAddress) throws {
        traps = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
        try traps.connect(to: address)
        client = try Descriptor.socket(family: AF_INET, type: SOCK_STREAM)
        try client.connect(to: address)
    }

    /// Runs for a time; returns how many traps were sent.
    func run(for time: Duration) throws -> Int {
        let begin = Clock.now()
        var (sent, asked, next) = (0, Instant?.none, begin)
        while Clock.now() - begin < time {
            let due = Int((Clock.now() - begin).wholeNanoseconds / 1_000_000 + 1) * TrapLoad.burst
            while sent < due {
                sent += 1
                _ = send(traps.raw, trap, trap.count, 0)
            }
            if asked == nil, Clock.now() >= next {
                (asked, next) = (Clock.now(), Clock.now() + TrapLoad.pause)
                _ = send(client.raw, TrapLoad.question, TrapLoad.question.count, Int32(MSG_NOSIGNAL))
            }
            var ready = [Readiness(client.raw, read: true)]
            try Readiness.wait(&ready, timeout: .milliseconds(1))
            if ready[0].isReadable, let start = asked, try take() {
                answers.append(Double((Clock.now() - start).wholeNanoseconds) / 1e6)
                asked = nil
            }
        }
        // A question without an answer counts with the time that it has waited.
        if let asked { answers.append(Double((Clock.now() - asked).wholeNanoseconds) / 1e6) }
        return sent
    }

    /// Whether the daemon has the service that the traps are of among those that fail.
    func hasFailed() throws -> Bool {
        let question = Array("list failures\n".utf8)
        _ = send(client.raw, question, question.count, Int32(MSG_NOSIGNAL))
        let end = Clock.now() + .seconds(10)
        while Clock.now() < end, !String(decoding: received, as: UTF8.self).contains("list failures completed") {
            var ready = [Readiness(client.raw, read: true)]
            try Readiness.wait(&ready, timeout: .milliseconds(100))
            if ready[0].isReadable { _ = try take() }
        }
        return String(decoding: received, as: UTF8.self).contains("service=trap")
    }

    /// Whether the last line of an answer has come.
    private func take() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = recv(client.raw, &chunk, chunk.count, 0)
        guard count > 0 else { throw RigError("the daemon has closed the connection") }
        received += chunk[..<count]
        guard String(decoding: received, as: UTF8.self).contains("220 list state completed") else { return false }
        received = []
        return true
    }
}
