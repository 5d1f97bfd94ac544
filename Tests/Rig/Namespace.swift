// Looks into the network of a node from outside: sockets that are opened there stay there.
import CLinux
import LinuxSystem

/// The network namespace of a process.
struct Namespace {
    /// A process in the namespace, as this process sees it.
    let pid: pid_t

    /// Calls with this thread in the namespace.
    func inside<Result>(_ body: () throws -> Result) throws -> Result {
        let home = try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
        let there = try Descriptor.open("/proc/\(pid)/ns/net", O_RDONLY)
        if setns(there.raw, CLONE_NEWNET) != 0 { throw SystemError.last("enter the network of process \(pid)") }
        // To go on in the wrong network would touch the host's.
        defer { precondition(setns(home.raw, CLONE_NEWNET) == 0, "the way back to the host's network is lost") }
        return try body()
    }

    /// The words before a command that is to run with this network.
    var words: [String] { ["nsenter", "--target", "\(pid)", "--net", "--"] }

    /// Runs lines of ip(8) in the namespace.
    func ip(_ lines: [String], folder: String) throws {
        let file = "\(folder)/ip-batch"
        try Folder.write(lines.joined(separator: "\n") + "\n", to: file)
        try Command(words + ["ip", "-batch", file]).check()
    }
}
