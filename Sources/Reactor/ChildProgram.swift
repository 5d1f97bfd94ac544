// A program that runs beside the event loop: what it is given to read, what it prints, how it ends.
import CLinux
import ClusterModel
import LinuxSystem

/// A program at work. It stays until it has ended, whoever else lets it go.
package final class ChildProgram {
    /// How it ended, and what it printed, at most `OutputPipe.sizeMax` bytes of it.
    package typealias Completion = (_ status: ChildStatus, _ output: [UInt8]) -> Void

    private let output: OutputPipe
    private let pid: pid_t
    private var completion: Completion?
    private var exit: EventSource?
    private var reader: EventSource?
    private var limit: EventSource?

    /// Starts a program in a process group of its own, with `input` as its standard input. `completion` is called once
    /// from the event loop, unless it is cancelled. After `timeout` the whole group is killed.
    @discardableResult
    package init(
        _ program: String, _ arguments: [String], environment: [String], input: [UInt8] = [], timeout: Duration,
        loop: EventLoop, completion: @escaping Completion
    ) throws(SystemError) {
        output = try OutputPipe()
        self.completion = completion
        var spawn = Spawn(program: program, arguments: arguments)
        spawn.environment = environment
        spawn.leadsProcessGroup = true
        spawn.isOrdinary = true
        spawn.descriptors = [1: output.childEnd.raw, 2: output.childEnd.raw]
        if input.isEmpty {
            pid = try spawn.start()
        } else {
            let file = try MemoryFile.write(input)
            spawn.descriptors[0] = file.raw
            pid = try spawn.start()
        }
        // The cycle ends when the program has.
        exit = try loop.onChildExit(pid) { [self] status in ended(status) }
        reader = try loop.onReadable(output.raw) { [unowned self] in output.read() }
        limit = try loop.onTime(Clock.now() + timeout) { [unowned self] in kill() }
    }

    /// Kills what runs; its completion is not called any more. It is reaped when it has ended, which a program that
    /// waits for a server that is gone does only when that is back.
    package func cancel() {
        completion = nil
        kill()
    }

    private func kill() {
        if exit != nil { try? Children.signalGroup(pid, SIGKILL) }
    }

    private func ended(_ status: ChildStatus) {
        output.finish()
        let completion = completion
        self.completion = nil
        reader = nil
        limit = nil
        exit = nil
        completion?(status, output.bytes)
    }
}
