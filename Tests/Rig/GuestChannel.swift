// How the rig has a virtual machine run something: two pipes that QEMU ties to a virtio port of the machine.
import CLinux
import ClusterModel
import LinuxSystem

/// Two named pipes in the form that QEMU takes as a device: it reads `PATH.in` and writes `PATH.out`.
final class PipePair {
    private let input: Descriptor
    private let output: Descriptor

    /// Makes the pipes; those of an earlier life of the machine go, with what was never read.
    init(path: String) throws {
        for name in ["\(path).in", "\(path).out"] {
            unlink(name)
            if mkfifo(name, 0o600) != 0 { throw SystemError.last("make \(name)") }
        }
        // Opened for both directions, neither end ever sees the other one gone.
        input = try Descriptor.open(path + ".in", O_RDWR | O_NONBLOCK)
        output = try Descriptor.open(path + ".out", O_RDWR | O_NONBLOCK)
    }

    /// Writes at most 64 KB.
    func say(_ text: String) throws {
        let bytes = Array(text.utf8)
        let raw = input.raw
        let written = try retrying("ask the machine") { write(raw, bytes, bytes.count) }
        guard written == bytes.count else { throw RigError("the machine does not take what it is asked") }
    }

    /// What has come since the last call.
    func heard() -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(output.raw, &chunk, chunk.count)
            if count <= 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}

/// The rig's end of the port. One request at a time; an answer that comes too late is told from that to a later request
/// by its number.
final class GuestChannel {
    private let pipes: PipePair
    private var number = 0
    private var unread: [UInt8] = []

    init(path: String) throws { pipes = try PipePair(path: path) }

    /// Runs a script of at most 32 KB in the machine. `alive` is asked again and again, and throws where there is no
    /// use in waiting any longer.
    func run(
        _ script: String, within limit: Duration, waiting: Waiting, alive: () throws -> Void
    ) throws -> Command.Outcome {
        number += 1
        try pipes.say("\(number) \(script.utf8.count)\n\(script)")
        var outcome: Command.Outcome?
        try waiting.until("an answer of the machine to \(script)", within: limit) {
            unread += pipes.heard()
            while let (answered, answer) = nextAnswer() {
                if answered == number { outcome = answer }
            }
            if outcome == nil { try alive() }
            return outcome != nil
        }
        return outcome ?? Command.Outcome(status: .exited(0), output: "")
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
