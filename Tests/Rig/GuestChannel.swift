// How the rig has a virtual machine run something: two pipes that QEMU ties to a virtio port of the machine.
import CLinux
import ClusterModel
import LinuxSystem

/// The rig's end of the port. One request at a time; an answer that comes too late is told from that to a later request
/// by its number.
final class GuestChannel {
    /// What QEMU is told: it reads `PATH.in` and writes `PATH.out`.
    let path: String
    private let requests: Descriptor
    private let answers: Descriptor
    private var number = 0
    private var unread: [UInt8] = []

    /// Makes the pipes; those of an earlier life of the machine go, with what was never read.
    init(path: String) throws {
        self.path = path
        for name in ["\(path).in", "\(path).out"] {
            unlink(name)
            if mkfifo(name, 0o600) != 0 { throw SystemError.last("make \(name)") }
        }
        // Opened for both directions, neither end ever sees the other one gone.
        requests = try Descriptor.open(path + ".in", O_RDWR | O_NONBLOCK)
        answers = try Descriptor.open(path + ".out", O_RDWR | O_NONBLOCK)
    }

    /// Runs a script of at most 32 KB in the machine. `alive` is asked again and again, and throws where there is no
    /// use in waiting any longer.
    func run(
        _ script: String, within limit: Duration, waiting: Waiting, alive: () throws -> Void
    ) throws -> Command.Outcome {
        number += 1
        let bytes = Array(script.utf8)
        let request = Array("\(number) \(bytes.count)\n".utf8) + bytes
        let raw = requests.raw
        let written = try retrying("ask the machine") { write(raw, request, request.count) }
        guard written == request.count else { throw RigError("the machine does not take what it is asked") }
        var outcome: Command.Outcome?
        try waiting.until("an answer of the machine to \(script)", within: limit) {
            take()
            while let (answered, answer) = nextAnswer() {
                if answered == number { outcome = answer }
            }
            if outcome == nil { try alive() }
            return outcome != nil
        }
        return outcome ?? Command.Outcome(status: .exited(0), output: "")
    }

    private func take() {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(answers.raw, &chunk, chunk.count)
            if count <= 0 { return }
            unread += chunk[..<count]
        }
    }

    /// A whole answer, if there is one.
    private func nextAnswer() -> (number: Int, outcome: Command.Outcome)? {
        guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: unread[..<end], as: UTF8.self).split(separator: " ").compactMap { Int($0) }
        let start = end + 1
        guard words.count == 3, unread.count >= start + words[2] else { return nil }
        let output = String(decoding: unread[start..<(start + words[2])], as: UTF8.self)
        unread.removeSubrange(..<(start + words[2]))
        return (words[0], Command.Outcome(status: .exited(Int32(words[1])), output: output))
    }
}
