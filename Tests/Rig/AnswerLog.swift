// What a probe saw, and the outages in it.
import CLinux
import ClusterModel
import LinuxSystem

/// One request that was answered.
package struct Answer: Equatable, Sendable {
    /// Requests are numbered from 1 without a gap.
    package var sequence: UInt64
    package var sent: Instant
    package var received: Instant
    /// Who answered, where the answer tells: the web service's node.
    package var node: String?

    /// Reads `SEQUENCE SENT RECEIVED [NODE]`.
    init?(line: Substring) {
        let words = line.split(separator: " ")
        guard words.count >= 3, let sequence = UInt64(words[0]), let sent = Int64(words[1]),
            let received = Int64(words[2])
        else { return nil }
        self.sequence = sequence
        self.sent = Instant(nanoseconds: sent)
        self.received = Instant(nanoseconds: received)
        node = words.count > 3 ? String(words[3]) : nil
    }

    package init(sequence: UInt64, sent: Instant, received: Instant, node: String? = nil) {
        self.sequence = sequence
        self.sent = sent
        self.received = received
        self.node = node
    }
}

/// A time without answers.
package struct Outage: Equatable, Sendable {
    /// The last answer before it.
    package var start: Instant
    /// The first answer after it.
    package var end: Instant

    package var length: Duration { end - start }
}

/// The answers that a probe got, in order.
package struct AnswerLog {
    /// An answer that took longer counts as none: the client would have given up. The kernel keeps packets for an
    /// address whose owner it is looking for, and sends them when it has found one.
    private static let patience = Duration.milliseconds(100)

    package private(set) var answers: [Answer] = []

    package init() {}

    package init(_ answers: [Answer]) { answers.forEach { append($0) } }

    /// Takes the next answer.
    package mutating func append(_ answer: Answer) {
        guard answer.received - answer.sent <= AnswerLog.patience else { return }
        if let last = answers.last, answer.sequence <= last.sequence { return }
        answers.append(answer)
    }

    package var last: Answer? { answers.last }

    /// The outages that ended after an instant and lasted at least `shortest`. Two answers with no unanswered request
    /// between them are no outage, however far apart: then it was the probe that paused.
    package func outages(after: Instant, shortest: Duration = .milliseconds(3)) -> [Outage] {
        var outages: [Outage] = []
        var index = answers.count - 1
        while index > 0, answers[index].received > after {
            let (earlier, later) = (answers[index - 1], answers[index])
            let outage = Outage(start: earlier.received, end: later.received)
            if later.sequence > earlier.sequence + 1, outage.length >= shortest { outages.append(outage) }
            index -= 1
        }
        return outages.reversed()
    }

    /// The longest time without an answer after an instant; zero where every request was answered.
    package func longestOutage(after: Instant) -> Duration {
        outages(after: after, shortest: .zero).map(\.length).max() ?? .zero
    }
}

/// A running probe and what it has seen.
package final class Probe {
    private let process: HeldProcess
    private let file: Descriptor
    private var rest: [UInt8] = []
    private var log = AnswerLog()

    init(_ process: HeldProcess, file: String) throws {
        self.process = process
        self.file = try Descriptor.open(file, O_RDONLY)
    }

    /// All answers until now.
    package var seen: AnswerLog {
        readFile()
        return log
    }

    private func readFile() {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(file.raw, &chunk, chunk.count)
            if count <= 0 { break }
            rest += chunk[..<count]
        }
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return }
        for line in String(decoding: rest[...end], as: UTF8.self).split(separator: "\n") {
            if let answer = Answer(line: line) { log.append(answer) }
        }
        rest.removeSubrange(...end)
    }
}
