// What the tests here run on: folders, network namespaces, commands, and a loop that turns until something is so.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

/// A folder that goes with this value, and what is mounted on its `mount`.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/hbd-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("mkdtemp") }
        path = String(cString: made)
    }

    deinit {
        _ = try? shellStatus(
            "while umount -l '\(path)/mount' 2>/dev/null; do :; done; rm -rf --one-file-system '\(path)'")
    }

    func write(_ name: String, _ text: String, mode: UInt32 = 0o755) throws {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") { try shell("mkdir -p '\(file[..<slash])'") }
        let descriptor = try Descriptor.open(file, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        let bytes = Array(text.utf8)
        #expect(CLinux.write(descriptor.raw, bytes, bytes.count) == bytes.count)
        chmod(file, mode)
    }

    func text(_ name: String) -> String { FileSystem.text(of: "\(path)/\(name)", limit: 1 << 20) ?? "" }
}

extension ResourceOperations {
    /// Of a node alpha, whose scripts are in the folder's `resource.d`.
    convenience init(scriptsIn folder: TemporaryFolder, loop: EventLoop, _ records: Records) throws(SystemError) {
        var configuration = Configuration()
        configuration.localName = "alpha"
        try self.init(
            loop: loop, settings: Settings(configuration, configurationDirectory: folder.path), log: records.write)
        settings.locations.scriptDirectories = ["\(folder.path)/resource.d"]
    }
}

/// Runs a command and waits for it; throws unless it exits with 0.
func shell(_ command: String) throws {
    let status = try shellStatus(command)
    if status != .exited(0) { throw CommandFailed(command: command, status: status) }
}

@discardableResult
func shellStatus(_ command: String) throws(SystemError) -> ChildStatus {
    var spawn = Spawn(program: "/bin/sh", arguments: ["sh", "-c", command])
    spawn.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    return try Children.wait(try spawn.start())
}

struct CommandFailed: Error {
    var command: String
    var status: ChildStatus
}

/// Two network namespaces joined by a cable: `eth0` in each, 10.7.0.1/24 here and 10.7.0.2/24 there.
final class TestNetwork {
    let near: String
    let far: String

    init() throws {
        let number = "\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        near = "hbd-\(number)-a"
        far = "hbd-\(number)-b"
        try shell(
            """
            ip netns add \(near) && ip netns add \(far) &&
            ip -n \(near) link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 \
                address 02:00:00:00:00:02 netns \(far) &&
            ip -n \(near) addr add 10.7.0.1/24 dev eth0 && ip -n \(far) addr add 10.7.0.2/24 dev eth0 &&
            ip -n \(near) link set eth0 up && ip -n \(far) link set eth0 up && ip -n \(near) link set lo up &&
            ip -n \(near) addr add fd00:7::1/64 dev eth0 nodad && ip -n \(far) addr add fd00:7::2/64 dev eth0 nodad
            """)
    }

    deinit {
        _ = try? shell("ip netns del \(near)")
        _ = try? shell("ip netns del \(far)")
    }

    /// Runs a body with this thread in a namespace; what it opens and starts stays there.
    func inside<Result>(_ namespace: String, _ body: () throws -> Result) throws -> Result {
        let own = try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
        let other = try Descriptor.open("/run/netns/\(namespace)", O_RDONLY)
        _ = try retrying("setns") { setns(other.raw, CLONE_NEWNET) }
        defer { setns(own.raw, CLONE_NEWNET) }
        return try body()
    }
}

/// Turns the loop until a condition holds; false where it does not come true in time.
func turn(_ loop: EventLoop, within limit: Duration = .seconds(30), until condition: () -> Bool) -> Bool {
    let deadline = Clock.now() + limit
    while !condition() {
        if Clock.now() > deadline { return false }
        sd_event_run(loop.event, 5000)
    }
    return true
}

/// Keeps what is logged.
final class Records {
    private(set) var all: [LogRecord] = []

    func write(_ record: LogRecord) { all.append(record) }

    var events: [String] { all.map(\.event) }
    func texts(_ event: String) -> [String] { all.filter { $0.event == event }.map(\.text) }
}
