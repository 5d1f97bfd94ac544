import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Clients of heartbeat's API")
    struct ClientTests {
        /// Starts the small client in a node; its words go to a file.
        private func client(_ stage: Stage, _ node: Node, _ words: [String], output: String) throws -> pid_t {
            let file = try Descriptor.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            let program = stage.cluster.plan.binaries + "/hb_demo"
            return try node.command([program, "api-client", node.paths.registerSocket] + words)
                .start(descriptors: [1: file.raw, 2: file.raw])
        }

        /// Starts the cluster and waits until clients can sign on everywhere.
        private func start(_ stage: Stage) throws {
            try stage.start()
            try stage.waiting.until("the sockets") {
                stage.cluster.nodes.allSatisfy {
                    FileSystem.kind(of: $0.paths.registerSocket) != nil
                        && $0.process(titled: "heartbeat: client service") != nil
                }
            }
        }

        private func end(_ clients: [pid_t]) {
            for pid in clients {
                try? Children.signalGroup(pid, SIGKILL)
                _ = try? Children.wait(pid)
            }
        }

        private func run(_ stage: Stage, _ node: Node, _ words: String...) throws -> Command.Outcome {
            let program = stage.cluster.plan.binaries + "/hb_demo"
            return try node.command([program, "api-client", node.paths.registerSocket] + words).run()
        }

        @Test("What a client says reaches the clients of its name on every node, once, and others not")
        func messages() throws {
            try Stage.play { plan in
                plan.files.directives = ["apiauth chat uid=root", "apiauth other uid=root"]
            } _: { stage in
                try start(stage)
                let folder = stage.cluster.folder
                // They hear of sign-ons, and of nodes and links that come up, before what is said.
                let listeners = [
                    try client(stage, stage.beta, ["chat", "hear", "100"], output: folder + "/heard-beta"),
                    try client(stage, stage.beta, ["other", "hear", "100"], output: folder + "/heard-other"),
                ]
                defer { end(listeners) }
                try stage.waiting.until("both signed on") {
                    ["beta", "other"].allSatisfy { Folder.read(folder + "/heard-\($0)").contains("hbapi-clstat") }
                }
                #expect(try run(stage, stage.alpha, "chat", "say", "greeting", "hello").succeeded)
                try stage.waiting.until("the greeting heard") {
                    Folder.read(folder + "/heard-beta").contains("t=greeting info=hello")
                }
                let heard = Folder.read(folder + "/heard-beta")
                #expect(heard.contains("st=join from_id=chat to_id=chat info=signon client_gen=1 src=alpha"))
                let words = "t=greeting info=hello from_id=chat to_id=chat client_gen=1 src=alpha"
                #expect(heard.contains(words), "\(heard)")
                #expect(!Folder.read(folder + "/heard-other").contains("greeting"))
                stage.expectNothingMoved()
            }
        }

        @Test("Who may not sign on is told so; what only daemons may say is not sent")
        func refused() throws {
            try Stage.play { plan in
                plan.files.directives = ["apiauth chat uid=root", "apiauth theirs uid=65534"]
            } _: { stage in
                try start(stage)
                #expect(try run(stage, stage.alpha, "unknown", "idle").output.contains("info=no default client auth"))
                #expect(try run(stage, stage.alpha, "theirs", "idle").output.contains("info=client failed auth"))
                for type in ["status", "shutdone", "NS_nak_rexmit", "resource"] {
                    #expect(try run(stage, stage.alpha, "chat", "say", type, "lie").succeeded)
                }
                try stage.waiting.until("the refusal in the log") { stage.alpha.log.contains("is not sent: reserved") }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Garbage, floods, silent readers and too many of them cost the cluster nothing")
        func hostile() throws {
            try Stage.play { plan in
                plan.files.directives = ["apiauth chat uid=root", "apiauth flood uid=root"]
            } _: { stage in
                try start(stage)
                let processes = stage.alpha.processes.map(\.pid)
                var random = RandomSource(seed: 3)
                for round in 0..<200 {
                    guard let socket = try? StreamSocket(stage.alpha.paths.registerSocket) else { continue }
                    // Bytes, a header that lies about its length, a text that is none.
                    switch round % 3 {
                    case 0: socket.send((0..<round * 20).map { _ in UInt8.random(in: 0...255, using: &random) })
                    case 1: socket.send([0xFF, 0xFF, 0xFF, 0x7F, 0xCD, 0xAB, 0, 0])
                    default: socket.send([5, 0, 0, 0, 0xCD, 0xAB, 0, 0] + Array("hello".utf8))
                    }
                }
                let folder = stage.cluster.folder
                let pids = [
                    try client(stage, stage.alpha, ["chat", "idle"], output: folder + "/idle"),
                    try client(stage, stage.alpha, ["flood", "flood", "100000"], output: folder + "/flood"),
                ]
                defer { end(pids) }
                // More than the service takes; they come as fast as it accepts.
                var sockets: [StreamSocket] = []
                try stage.waiting.until("many connections") {
                    if let socket = try? StreamSocket(stage.alpha.paths.registerSocket) { sockets.append(socket) }
                    return sockets.count == 100
                }
                try stage.expectCalm(for: Stage.deadtime * 3)
                let after = Set(stage.alpha.processes.map(\.pid))
                #expect(processes.allSatisfy(after.contains), "a process of the daemon has ended")
                let service = try #require(stage.alpha.process(titled: "heartbeat: client service"))
                let memory = Folder.read("/proc/\(service.pid)/status").split(separator: "\n")
                    .first { $0.hasPrefix("VmRSS") }?.split(separator: " ").compactMap { Int($0) }.first
                #expect(try #require(memory) < 64_000, "kB")
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A client service that is killed is started again, and clients can sign on again")
        func serviceKilled() throws {
            try Stage.play { plan in
                plan.files.directives = ["apiauth chat uid=root"]
            } _: { stage in
                try start(stage)
                let old = try #require(stage.alpha.process(titled: "heartbeat: client service"))
                try Children.signal(old.pid, SIGKILL)
                try stage.waiting.until("a new client service") {
                    stage.alpha.process(titled: "heartbeat: client service").map { $0.pid != old.pid } ?? false
                }
                try stage.waiting.until("a sign-on") {
                    try run(stage, stage.alpha, "chat", "say", "greeting", "hello").succeeded
                }
                // The status process may be a new one, too.
                let status = try #require(stage.alpha.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, SIGKILL)
                try stage.waiting.until("a sign-on with the new status process") {
                    guard let now = stage.alpha.process(titled: "heartbeat: status process"), now.pid != status.pid
                    else { return false }
                    return try run(stage, stage.alpha, "chat", "say", "greeting", "hello").succeeded
                }
                stage.expectNothingMoved()
            }
        }

        @Test("R17: clients wait while a node that is alive takes nothing in, and all that they said arrives once")
        func flowControl() throws {
            try Stage.play { plan in
                (plan.files.deadtime, plan.files.initdead) = ("30s", "60s")
                plan.files.directives = ["apiauth chat uid=root"]
            } _: { stage in
                try start(stage)
                let folder = stage.cluster.folder
                let count = 600
                let listener = try client(stage, stage.beta, ["chat", "hear", "2000"], output: folder + "/heard")
                defer { end([listener]) }
                try stage.waiting.until("signed on") { Folder.read(folder + "/heard").contains("hbapi-clstat") }
                let status = try #require(stage.beta.process(titled: "heartbeat: status process"))
                let intruder = try stage.cluster.intruder()
                try Children.signal(status.pid, SIGSTOP)
                defer { try? Children.signal(status.pid, SIGCONT) }
                // Without flow control some 500 of them would go out in this time, which is shorter than control's
                // patience with a silent status process.
                let speaker = try client(stage, stage.alpha, ["chat", "flood", "\(count)"], output: folder + "/spoken")
                defer { end([speaker]) }
                var said = Set<String>()
                let limit = Clock.now() + .seconds(9)
                while Clock.now() < limit {
                    let text = String(decoding: try intruder.receive(), as: UTF8.self)
                    guard text.contains("t=flood"), let info = text.split(separator: "info=").dropFirst().first else {
                        continue
                    }
                    said.insert(String(info.prefix { $0.isNumber }))
                }
                #expect(said.count > 100, "flow control closed too early")
                #expect(said.count <= 250, "clients did not wait")

                try Children.signal(status.pid, SIGCONT)
                func heard() -> [Substring] {
                    Folder.read(folder + "/heard").split(separator: "\n").filter { $0.contains("t=flood ") }
                }
                try stage.waiting.until("all heard", within: .seconds(60)) { heard().count >= count }
                let infos = heard().compactMap { line in
                    line.split(separator: "info=").dropFirst().first?.prefix { $0.isNumber }
                }
                #expect(infos.count == count)
                #expect(Set(infos).count == count)
                stage.expectNobodyDied()
                stage.expectNothingMoved()
            }
        }

        @Test("What scripts write into the FIFO reaches clients everywhere; orders are carried out, lies are not")
        func fifo() throws {
            try Stage.play { plan in
                plan.files.directives = ["apiauth chat uid=root"]
            } _: { stage in
                try start(stage)
                let folder = stage.cluster.folder
                let pid = try client(stage, stage.beta, ["chat", "hear", "100"], output: folder + "/heard")
                defer { end([pid]) }
                try stage.waiting.until("signed on") { Folder.read(folder + "/heard").contains("hbapi-clstat") }
                func write(_ text: String) throws {
                    try stage.alpha.command(["sh", "-c", "printf \"$0\" >>\"$1\"", text, stage.alpha.paths.fifo])
                        .check()
                }
                try write("noise\n>>>\nt=shutdone\nst=dead\n<<<\n")
                try write(">>>\nt=greeting\ninfo=by FIFO\n<<<\n")
                try stage.waiting.until("the greeting heard") {
                    Folder.read(folder + "/heard").contains("t=greeting info=by FIFO src=alpha")
                }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNobodyDied()
                try write(">>>\nt=ask_resources\nrsc_hold=local\ninfo=me\n<<<\n")
                try stage.awaitBoth(on: stage.beta)

                // What is written while no daemon runs becomes a file, which is in nobody's way.
                try stage.alpha.stopDaemon()
                try write(">>>\nt=greeting\n<<<\n")
                try stage.alpha.startDaemon()
                try stage.waiting.until("alpha active again") { stage.alpha.report()?.status == .active }
            }
        }
    }
}

/// A connection to a stream socket, closed with the value.
private final class StreamSocket {
    private let descriptor: Descriptor

    init(_ path: String) throws {
        descriptor = Descriptor(
            owning: try retrying("socket") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let raw = descriptor.raw
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(raw, .init(__sockaddr__: $0), length) }
        }
        if result != 0 { throw SystemError.last("connect to \(path)") }
    }

    func send(_ bytes: [UInt8]) { _ = CLinux.send(descriptor.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
}
