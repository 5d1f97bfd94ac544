// Runs the programs that set a cluster up, and those that an operator would type.
import CLinux
import ClusterModel
import LinuxSystem

/// A program with its arguments, found by PATH.
package struct Command {
    /// What a command printed and how it ended.
    package struct Outcome {
        package var status: ChildStatus
        /// Standard output and error as they came.
        package var output: String

        package var succeeded: Bool { status == .exited(0) }
    }

    package var arguments: [String]

    package init(_ arguments: [String]) { self.arguments = arguments }

    /// Starts the command in a process group of its own, so that a Ctrl-C at the terminal does not reach it.
    package func start(descriptors: [Int32: Int32] = [:]) throws -> pid_t {
        var spawn = Spawn(program: "/usr/bin/env", arguments: ["env"] + arguments)
        spawn.environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        spawn.descriptors = descriptors
        spawn.leadsProcessGroup = true
        return try spawn.start()
    }

    /// Runs the command to its end; it is killed where that does not come within `limit`.
    package func run(within limit: Duration = .seconds(20), waiting: Waiting = Waiting()) throws -> Outcome {
        let pipe = try OutputPipe()
        let pid = try start(descriptors: [1: pipe.childEnd.raw, 2: pipe.childEnd.raw])
        var status: ChildStatus?
        do {
            try waiting.until("the end of \(arguments.joined(separator: " "))", within: limit) {
                pipe.read()
                status = try Children.poll(pid)
                return status != nil
            }
        } catch {
            try? Children.signalGroup(pid, SIGKILL)
            _ = try? Children.wait(pid)
            throw error
        }
        pipe.finish()
        return Outcome(status: status ?? .exited(0), output: String(decoding: pipe.bytes, as: UTF8.self))
    }

    /// Runs a command that must succeed.
    @discardableResult
    package func check() throws -> String {
        let outcome = try run()
        guard outcome.succeeded else {
            throw RigError("\(arguments.joined(separator: " ")): \(outcome.status): \(outcome.output)")
        }
        return outcome.output
    }
}
