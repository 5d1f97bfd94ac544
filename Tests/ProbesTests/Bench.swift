// What the tests of monitors and alerts share: an event loop that is run until something has come, and real servers.
import CLinux
import ClusterModel
import LinuxSystem
import Probes
import Reactor
import Testing

/// What a monitor said.
struct MonitorOutcome {
    var exit: Int32
    var text: String
    var took: Duration

    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
    var summary: String { lines.first ?? "" }
    /// The lines behind the first.
    var detail: String { lines.dropFirst().joined(separator: "\n") }
}

/// An event loop with all native monitors.
final class Bench {
    let loop: EventLoop
    let monitors: NativeMonitors
    private static let patience: Duration = .seconds(60)

    init() throws {
        loop = try EventLoop()
        monitors = NativeMonitors(loop: loop)
    }

    /// Runs a monitor to its end: `http.monitor -p 80` for some hosts.
    func run(
        _ line: String, _ hosts: [String] = ["127.0.0.1"], timeout: Duration = .seconds(50)
    ) throws -> MonitorOutcome {
        try run(line.split(separator: " ").map(String.init), hosts, timeout: timeout)
    }

    func run(_ words: [String], _ hosts: [String], timeout: Duration = .seconds(50)) throws -> MonitorOutcome {
        var outcome: MonitorOutcome?
        let start = Clock.now()
        monitors.start(arguments: words, hosts: hosts, timeout: timeout) { [loop] exit, output in
            outcome = MonitorOutcome(
                exit: exit, text: String(decoding: output, as: UTF8.self), took: Clock.now() - start)
            loop.stop()
        }
        try runLoop()
        return try #require(outcome, "no outcome of \(words)")
    }

    /// Runs the loop until somebody stops it. An sd-event loop runs once: each call needs a bench of its own.
    func runLoop() throws {
        let limit = try loop.onTime(Clock.now() + Bench.patience) { [loop] in
            Issue.record("the loop was not stopped in time")
            loop.stop()
        }
        _ = try loop.run()
        withExtendedLifetime(limit) {}
    }
}

/// A server of `Servers/server.py`, ended with the value.
final class TestServer {
    let port: Int
    private let pid: pid_t
    private static let script = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        + "/Servers/server.py"

    init(_ kind: String, _ arguments: String...) throws {
        let output = try OutputPipe()
        var spawn = Spawn(
            program: "/usr/bin/env", arguments: ["env", "python3", TestServer.script, kind] + arguments)
        spawn.environment = ["PATH=/usr/local/bin:/usr/bin:/bin"]
        spawn.descriptors = [1: output.childEnd.raw]
        pid = try spawn.start()
        let deadline = Clock.now() + .seconds(60)
        while !output.bytes.contains(UInt8(ascii: "\n")), Clock.now() < deadline {
            output.read()
            Clock.wait(.milliseconds(5))
        }
        let text = String(decoding: output.bytes, as: UTF8.self)
        port = try #require(Int(text.prefix { $0.isNumber }), "the server of kind \(kind) said '\(text)'")
    }

    func signal(_ number: Int32) { try? Children.signal(pid, number) }

    deinit {
        try? Children.signal(pid, SIGKILL)
        _ = try? Children.wait(pid)
    }
}

/// A folder that goes with the value.
final class TestFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/hbp.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? runProgram("rm", "-rf", path) }

    /// A certificate for localhost and its key, valid for so many days.
    func certificate(days: Int) throws -> (certificate: String, key: String) {
        let (certificate, key) = (path + "/cert.pem", path + "/key.pem")
        try runProgram(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "\(days)", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
        return (certificate, key)
    }
}

/// Runs a program to its end; a failure is the test's.
func runProgram(_ arguments: String...) throws {
    let output = try OutputPipe()
    var spawn = Spawn(program: "/usr/bin/env", arguments: ["env"] + arguments)
    spawn.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    spawn.descriptors = [1: output.childEnd.raw, 2: output.childEnd.raw]
    let status = try Children.wait(try spawn.start())
    output.finish()
    #expect(status == .exited(0), "\(arguments): \(String(decoding: output.bytes, as: UTF8.self))")
}
