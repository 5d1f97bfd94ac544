// What the tests here run on: folders, the built `hb` under any of its names, and reports to show.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Testing

/// A folder that goes with this value.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/hbe-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
        path = String(cString: made)
        chmod(path, 0o755)
    }

    deinit { TemporaryFolder.remove(path) }

    private static func remove(_ path: String) {
        for name in FileSystem.names(in: path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws {
        try write(name, bytes: Array(text.utf8), mode: mode)
    }

    func write(_ name: String, bytes: [UInt8], mode: UInt32 = 0o644) throws {
        let file = try Descriptor.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        #expect(CLinux.write(file.raw, bytes, bytes.count) == bytes.count)
        chmod("\(path)/\(name)", mode)
    }

    func makeFolder(_ name: String) { mkdir("\(path)/\(name)", 0o755) }

    func text(_ name: String) -> String { FileSystem.text(of: "\(path)/\(name)", limit: 1 << 24) ?? "" }

    var paths: Paths { Paths(runDirectory: path) }
}

/// What a program left behind.
struct ToolOutcome: Equatable, CustomStringConvertible {
    var status: Int32
    var output: String
    var errors: String

    var description: String { "exit \(status)\nstdout:\n\(output)\nstderr:\n\(errors)" }
}

/// A tool that runs; ended and reaped with the value.
final class RunningTool {
    private let folder: TemporaryFolder
    let pid: pid_t
    private var isReaped = false

    /// The program beside the test bundle.
    static var program: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/hb"
    }

    /// Starts `hb` under a name. `terminal`: stands in for standard output and error. `input`: a file of the folder to
    /// read from.
    init(
        _ name: String, _ words: [String], in folder: TemporaryFolder, environment: [String] = [],
        terminal: Int32? = nil, input: String? = nil
    ) throws {
        self.folder = folder
        var spawn = Spawn(program: RunningTool.program, arguments: ["/usr/bin/\(name)"] + words)
        spawn.environment = environment + ["TZ=UTC", "TERM=xterm"]
        let output = try Descriptor.open("\(folder.path)/stdout", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        let errors = try Descriptor.open("\(folder.path)/stderr", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        spawn.descriptors = [1: terminal ?? output.raw, 2: terminal ?? errors.raw]
        let source = try Descriptor.open(input.map { "\(folder.path)/\($0)" } ?? "/dev/null", O_RDONLY)
        spawn.descriptors[0] = source.raw
        pid = try spawn.start()
    }

    deinit {
        guard !isReaped else { return }
        try? Children.signal(pid, SIGKILL)
        _ = try? Children.wait(pid)
    }

    func end() throws -> ToolOutcome {
        isReaped = true
        let status = try Children.wait(pid)
        guard case .exited(let code) = status else { throw ToolKilled(status: status) }
        return ToolOutcome(status: code, output: folder.text("stdout"), errors: folder.text("stderr"))
    }
}

struct ToolKilled: Error {
    var status: ChildStatus
}

/// Runs a tool on a node without a daemon.
func runTool(_ name: String, _ words: String..., in folder: TemporaryFolder) throws -> ToolOutcome {
    try RunningTool(name, words, in: folder).end()
}

enum Sample {
    /// Two nodes, a ping node, three media and two groups; all is well.
    static var healthy: ClusterReport {
        var report = ClusterReport(
            version: "0.1.0", pid: 1234, runTime: .seconds(11_040), localName: "alpha", status: .active,
            generation: 12, isLeaving: false, autoFailback: .on,
            timing: TimingReport(
                keepalive: .milliseconds(100), warntime: .milliseconds(500), deadtime: .seconds(1),
                initdead: .seconds(30), deadping: .seconds(1)),
            quorum: QuorumReport(policy: .ping, isPresent: true, reachable: 2, configured: 2, heldFor: nil),
            lease: LeaseReport(duration: .milliseconds(900), isKernels: true),
            holdings: .local)
        report.nodes = [
            NodeReport(
                name: "alpha", kind: .normal, isLocal: true, status: .active, generation: 12, age: .zero,
                deadInterval: .seconds(1),
                links: [LinkReport(directive: "bcast", name: "eth0", status: .dead, age: nil)]),
            NodeReport(
                name: "beta", kind: .normal, isLocal: false, status: .active, generation: 7,
                age: .milliseconds(85), deadInterval: .seconds(1),
                links: [
                    LinkReport(directive: "bcast", name: "eth0", status: .up, age: .milliseconds(85)),
                    LinkReport(directive: "serial", name: "/dev/ttyS0", status: .up, age: .milliseconds(102)),
                ]),
            NodeReport(
                name: "10.0.0.254", kind: .ping, isLocal: false, status: .ping, age: .milliseconds(430),
                deadInterval: .seconds(1),
                links: [LinkReport(directive: "ping", name: "10.0.0.254", status: .up, age: .milliseconds(430))]),
        ]
        report.groups = [
            GroupReport(
                name: "IPaddr2::10.0.0.5/24", preferred: "alpha", resources: ["IPaddr2::10.0.0.5/24", "apache2"],
                owner: "alpha", state: .held, epoch: 3),
            GroupReport(
                name: "IPaddr2::10.0.0.6/24", preferred: "beta", resources: ["IPaddr2::10.0.0.6/24"], owner: "beta",
                state: .held, epoch: 18, wanted: "beta"),
        ]
        report.media = [
            MediumReport(directive: "bcast", name: "eth0", isOpen: true),
            MediumReport(directive: "serial", name: "/dev/ttyS0", isOpen: true),
            MediumReport(directive: "ping", name: "10.0.0.254", isOpen: true),
        ]
        report.processes = [
            ProcessReport(role: "master control process", pid: 1234), ProcessReport(role: "status process", pid: 1240),
        ]
        report.drops = [
            DropReport(cause: "replay", count: 0), DropReport(cause: "ownMessage", count: 62),
            DropReport(cause: "duplicate", count: 900), DropReport(cause: "notForUs", count: 7),
        ]
        report.events = [
            EventReport(time: 1_795_236_487, level: .info, event: "link-up", text: "Link beta:eth0 up."),
            EventReport(
                time: 1_795_236_488, level: .notice, event: "node-active",
                text: "Status update for node beta: status active"),
        ]
        return report
    }

    /// One of each kind of trouble, and texts that try to write on the terminal.
    static var troubled: ClusterReport {
        var report = healthy
        report.isLeaving = true
        report.holdings = .transition
        report.quorum = QuorumReport(
            policy: .majority, isPresent: false, reachable: 1, configured: 4, heldFor: .milliseconds(812))
        report.lease.isKernels = false
        report.nodes[1].links[1].status = .dead
        report.nodes[1].links[1].age = .seconds(184)
        report.nodes[1].differsInConfiguration = true
        report.nodes[2].status = .dead
        report.nodes[2].links[0].status = .dead
        report.nodes[2].links[0].age = nil
        report.nodes[2].age = nil
        report.nodes += [
            NodeReport(
                name: "gamma", kind: .normal, isLocal: false, status: .active, isUnreachable: true,
                age: .seconds(93_784), deadInterval: .seconds(1),
                votes: [
                    VoteReport(voter: "alpha", age: nil), VoteReport(voter: "beta", age: .milliseconds(80)),
                    VoteReport(voter: "eps", age: nil),
                ], leavesFor: .milliseconds(812)),
            NodeReport(
                name: "delta", kind: .normal, isLocal: false, status: .up, isLeaving: true, age: .seconds(9),
                deadInterval: .seconds(1)),
            NodeReport(
                name: "eps", kind: .normal, isLocal: false, status: .initial, age: nil, deadInterval: .seconds(1)),
        ]
        report.groups[0].state = .starting
        report.groups[0].waitsFor = ["beta", "gamma"]
        report.groups[1].wanted = "alpha"
        report.groups[1].failures = [
            FailureReport(node: "alpha", count: 1, reason: "apache2 start: exit code 1\u{1B}[2J\nhttpd: no"),
            FailureReport(node: "beta", count: 3, reason: nil),
        ]
        let more: [(String, GroupReport.State, String?)] = [
            ("a", .blocked, "beta"), ("b", .failed, nil), ("c", .stopped, nil), ("d", .unknown, "beta"),
        ]
        report.groups += more.map { name, state, owner in
            GroupReport(name: name, preferred: "alpha", resources: [name], owner: owner, state: state, epoch: 1)
        }
        report.media[1].isOpen = false
        report.media[1].reason = "open /dev/ttyS0: No such device"
        report.drops = [DropReport(cause: "replay", count: 3), DropReport(cause: "unsigned", count: 12)]
        report.events.append(
            EventReport(
                time: 1_795_236_489, level: .warning, event: "node-late",
                text: "Late heartbeat: Node b\u{7}\u{9B}31m\u{202E}eta"))
        return report
    }
}
