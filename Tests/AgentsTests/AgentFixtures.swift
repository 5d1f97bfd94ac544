// What the tests here run on: a folder, a network and mounts of its own, and `hb` under the names of scripts.
import Agents
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

/// A folder, with links to `hb` by the names of resource scripts in `scripts`, and a network namespace to run them in.
final class AgentStage {
    let path: String
    let network: String

    /// The program beside the test bundle.
    static var program: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/hb"
    }

    init() throws {
        var template = Array("/tmp/hbx-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
        path = String(cString: made)
        network = "hbx-\(getpid())-\(path.suffix(6))"
        try sh("mkdir -p \(path)/scripts \(path)/state \(path)/tools && ip netns add \(network)")
        try sh("ip -n \(network) link set lo up")
    }

    deinit {
        _ = try? Command(["sh", "-c", "ip netns del \(network); rm -rf --one-file-system \(path)"]).run()
    }

    @discardableResult
    func sh(_ text: String) throws -> String { try Command(["sh", "-ec", text]).check() }

    /// Lines in the stage's network.
    @discardableResult
    func inside(_ text: String) throws -> String { try sh("ip netns exec \(network) sh -ec '\(text)'") }

    /// A program that agents find before those of the system.
    func tool(_ name: String, _ body: String) throws { try write("tools/\(name)", "#!/bin/sh\n\(body)") }

    /// A file of the stage, which can be executed; its folder is made where it is missing.
    func write(_ name: String, _ text: String) throws {
        try sh("f=\(path)/\(name); mkdir -p ${f%/*}; cat >$f <<'END'\n\(text)\nEND\nchmod 755 $f")
    }

    /// How many packets an interface of the stage's network has sent.
    func sent(_ interface: String) throws -> Int {
        let text = try inside("cat /sys/class/net/\(interface)/statistics/tx_packets")
        return Int(text.split(separator: "\n").first ?? "") ?? 0
    }

    /// Runs a resource script; in the stage's network, with the stage's folder for marks.
    func script(
        _ name: String, _ words: String..., environment: [String] = []
    ) throws -> (status: Int32, output: String) {
        let link = "\(path)/scripts/\(name)"
        if FileSystem.kind(of: link) == nil { symlink(AgentStage.program, link) }
        let settings = ["HA_RSCTMP=\(path)/state", "PATH=\(path)/tools:\(ToolRun.path)"] + environment
        let outcome = try Command(["ip", "netns", "exec", network, "env"] + settings + [link] + words).run()
        guard case .exited(let code) = outcome.status else { return (-1, outcome.output) }
        return (code, outcome.output)
    }
}

/// The package resource-agents, unpacked by `make peer`.
enum AgentPackage {
    static let root = Checkout.debianPackage
    static let ocf = root + "/usr/lib/ocf"

    static let isMissing: Comment = "heartbeat 3.0.6 and resource-agents of Debian are not unpacked: make peer"

    static var isThere: Bool { FileSystem.kind(of: ocf + "/resource.d/heartbeat/Dummy") == .regular }

    /// For one agent that is a program of its own and needs the package's libraries.
    static var environment: [String] {
        ["OCF_ROOT=\(ocf)", "LD_LIBRARY_PATH=\(root)/usr/lib:\(root)/usr/lib/x86_64-linux-gnu"]
    }
}
