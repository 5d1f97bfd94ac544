// m4, which may read mon.cf first. It runs what the file tells it to, and takes its time.
import CLinux
import ClusterModel
import LinuxSystem
import MonitorConfig
import Reactor

/// One run of m4. It stays until m4 has ended, whoever else lets it go.
final class M4Run {
    /// What m4 made of the file, or why there is nothing.
    typealias Completion = (Result<[UInt8], SystemError>) -> Void

    /// Longest time that m4 may take.
    private static let limit: Duration = .seconds(20)

    private let program: String
    private let output: Descriptor
    private let pid: pid_t
    private let completion: Completion
    private var isOverdue = false
    private var exit: EventSource?
    private var timer: EventSource?

    /// Starts m4, a path or a name in /usr/bin, on a file. `completion` is called once from the event loop.
    @discardableResult
    init(_ m4: String, on path: String, loop: EventLoop, completion: @escaping Completion) throws(SystemError) {
        program = m4.contains("/") ? m4 : "/usr/bin/\(m4)"
        output = Descriptor(owning: try retrying("memfd_create") { memfd_create("mon", UInt32(MFD_CLOEXEC)) })
        self.completion = completion
        var spawn = Spawn(program: program, arguments: [m4, path])
        spawn.environment = ProgramEnvironment.own
        spawn.descriptors = [1: output.raw, 2: 2]
        spawn.leadsProcessGroup = true
        spawn.workingDirectory = ProgramEnvironment.folder
        pid = try spawn.start()
        do throws(SystemError) {
            timer = try loop.onTime(Clock.now() + M4Run.limit) { [unowned self] in
                isOverdue = true
                kill()
            }
            // The cycle ends when m4 has.
            exit = try loop.onChildExit(pid) { [self] status in ended(status) }
        } catch {
            // Without its event sources it would run unwatched.
            timer = nil
            try? Children.signalGroup(pid, SIGKILL)
            _ = try? Children.wait(pid)
            throw error
        }
    }

    /// Ends what runs.
    func kill() {
        if exit != nil { try? Children.signalGroup(pid, SIGKILL) }
    }

    private func ended(_ status: ChildStatus) {
        (exit, timer) = (nil, nil)
        do throws(SystemError) {
            if isOverdue { throw SystemError(code: ETIMEDOUT, operation: program) }
            if status != .exited(0) { throw SystemError(code: EIO, operation: "\(program) ended with \(status)") }
            completion(.success(try MemoryFile.read(output, limit: MonitorConfigReader.sizeMax)))
        } catch {
            completion(.failure(error))
        }
    }
}
