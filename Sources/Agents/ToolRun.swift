// Runs a program to its end, for agents that are processes of their own: nothing else waits for them.
import CLinux
import ClusterModel
import LinuxSystem

/// Why an agent could not do its work, in one line.
package struct AgentError: Error, Equatable {
    package let reason: String
    /// The exit code of the LSB for it (specs/agents.md 2): 1 in general, 2 for arguments, 5 for a missing program.
    package var code: Int32 = 1

    package init(_ reason: String, code: Int32 = 1) {
        self.reason = reason
        self.code = code
    }
}

/// A program that ran to its end.
package struct ToolRun {
    package let status: ChildStatus
    /// At most `OutputPipe.sizeMax` bytes.
    package let output: String
    package let errors: String

    package var succeeded: Bool { status == .exited(0) }

    /// Where programs of the system are.
    package static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The path of a program in PATH; throws what to install where it is in none of its folders.
    package static func find(_ name: String, package: String) throws(AgentError) -> String {
        let folders = getenv("PATH").map { String(cString: $0) } ?? path
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let file = "\(folder)/\(name)"
            if FileSystem.kind(of: file) == .regular, access(file, X_OK) == 0 { return file }
        }
        throw AgentError("\(name) is not installed: it comes with the package \(package)", code: 5)
    }

    /// Runs a program with this process's environment and `environment` beside it. `input` goes to its standard input.
    /// Without a `limit` it is in the process group of this process: whoever ends that, as the resource manager does
    /// with an agent that is over its time, ends the program too. With one it and all that it started are killed where
    /// it does not end within, and that is thrown.
    package static func run(
        _ arguments: [String], environment: [String] = [], input: String? = nil, limit: Duration? = nil
    ) throws(AgentError) -> ToolRun {
        do throws(SystemError) {
            let output = try OutputPipe()
            let errors = try OutputPipe()
            var spawn = Spawn(program: arguments[0], arguments: arguments)
            spawn.environment = merged(environment)
            spawn.descriptors = [1: output.childEnd.raw, 2: errors.childEnd.raw]
            spawn.leadsProcessGroup = limit != nil
            let pid = try start(spawn, input: input)
            let status = try wait(pid, output, errors, limit)
            guard let status else {
                throw SystemError(code: ETIMEDOUT, operation: "run \(arguments.joined(separator: " "))")
            }
            return ToolRun(
                status: status, output: String(decoding: output.bytes, as: UTF8.self),
                errors: String(decoding: errors.bytes, as: UTF8.self))
        } catch {
            throw AgentError("\(error)")
        }
    }

    private static func start(_ spawn: Spawn, input: String?) throws(SystemError) -> pid_t {
        guard let input else { return try spawn.start() }
        var spawn = spawn
        let file = try MemoryFile.write(Array(input.utf8))
        spawn.descriptors[0] = file.raw
        return try spawn.start()
    }

    /// As `run`, of a program that must exit with 0; throws its own words where it does not.
    @discardableResult
    package static func check(_ arguments: [String], input: String? = nil) throws(AgentError) -> String {
        let result = try run(arguments, input: input)
        if result.succeeded { return result.output }
        let line = (result.errors + "\n" + result.output).split(separator: "\n").first.map { ": \($0)" } ?? ""
        throw AgentError("\(arguments.joined(separator: " ")): \(result.status)\(line)")
    }

    /// nil where the time was over; the program and its group are then gone.
    private static func wait(
        _ pid: pid_t, _ output: OutputPipe, _ errors: OutputPipe, _ limit: Duration?
    ) throws(SystemError) -> ChildStatus? {
        let deadline = limit.map { Clock.now() + $0 }
        var pause: Duration = .milliseconds(1)
        while true {
            output.read()
            errors.read()
            if let status = try Children.poll(pid) {
                output.finish()
                errors.finish()
                return status
            }
            if let deadline, Clock.now() >= deadline {
                try? Children.signalGroup(pid, SIGKILL)
                _ = try? Children.wait(pid)
                return nil
            }
            var list = [Readiness(output.raw, read: true), Readiness(errors.raw, read: true)]
            try Readiness.wait(&list, timeout: pause)
            pause = min(pause * 2, .milliseconds(20))
        }
    }

    /// This process's environment, with these entries in place of those of their names.
    private static func merged(_ entries: [String]) -> [String] {
        let names = Set(entries.map { $0.prefix { $0 != "=" } })
        return own.filter { !names.contains($0.prefix { $0 != "=" }) } + entries
    }

    /// This process's environment.
    private static var own: [String] {
        var entries: [String] = []
        var next = cl_environ()
        while let pointer = next?.pointee {
            entries.append(String(cString: pointer))
            next = next?.successor()
        }
        if !entries.contains(where: { $0.hasPrefix("PATH=") }) { entries.append("PATH=\(path)") }
        return entries
    }
}
