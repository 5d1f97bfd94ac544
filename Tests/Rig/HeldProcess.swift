// The rig's own programs: started from the rig's executable, tied to the rig by a pipe. When the rig ends, however it
// ends, each of them reads the end of its standard input and goes, and the namespaces go with them.
import CLinux
import ClusterModel
import LinuxSystem

/// A running program of the rig.
package final class HeldProcess {
    let pid: pid_t
    /// Writes to the program's standard input; its end is the program's end.
    private var input: Int32
    private var isReaped = false

    /// Starts `program` (the executable of `RigProgram`) and waits until it has printed the line `ready`. Returns the
    /// lines before that. Descriptors above 2 may be added.
    package static func start(
        _ program: String, _ arguments: [String], descriptors: [Int32: Int32] = [:], waiting: Waiting = Waiting()
    ) throws -> (process: HeldProcess, lines: [String]) {
        let output = try OutputPipe()
        var pair: [Int32] = [-1, -1]
        _ = try retrying("open a pipe") { pipe2(&pair, O_CLOEXEC) }
        let inputEnd = Descriptor(owning: pair[0])
        var spawn = Spawn(program: program, arguments: [program] + arguments)
        spawn.leadsProcessGroup = true
        spawn.environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        spawn.descriptors = descriptors.merging([0: inputEnd.raw, 1: output.childEnd.raw]) { _, own in own }
        let process = HeldProcess(pid: try spawn.start(), input: pair[1])
        try waiting.until("\(arguments.joined(separator: " ")) ready") {
            output.read()
            if try process.hasEnded() {
                throw RigError("\(program) \(arguments.joined(separator: " ")) ended at its start")
            }
            return output.bytes.suffix(6) == Array("ready\n".utf8)[...]
        }
        let lines = String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").dropLast().map(String.init)
        return (process, lines)
    }

    private init(pid: pid_t, input: Int32) {
        self.pid = pid
        self.input = input
    }

    deinit { kill() }

    func write(_ byte: UInt8) {
        var byte = byte
        _ = CLinux.write(input, &byte, 1)
    }

    func hasEnded() throws -> Bool {
        if !isReaped, try Children.poll(pid) != nil { isReaped = true }
        return isReaped
    }

    /// Lets the program end by itself, and waits for that.
    package func finish() {
        closeInput()
        if !isReaped { _ = try? Children.wait(pid) }
        isReaped = true
    }

    /// Ends the program at once.
    package func kill() {
        if !isReaped { try? Children.signal(pid, SIGKILL) }
        finish()
    }

    private func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }
}
