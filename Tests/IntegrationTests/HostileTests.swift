import Admin
import CLinux
import ClusterModel
import Digests
import LinuxSystem
import Messaging
import Rig
import Testing

extension ClusterTests {
    @Suite("Bad messages, bad scripts, changed files")
    struct HostileTests {
        @Test("Garbage at the port is dropped and counted by cause, and the cluster goes on")
        func garbage() throws {
            try Stage.play { stage in
                try stage.start()
                let processes = stage.alpha.processes.map(\.pid)
                let intruder = try stage.cluster.intruder()
                let real = try intruder.receive()
                var random = RandomSource(seed: 1)
                for round in 0..<500 {
                    try intruder.send((0..<(round % 1400)).map { _ in UInt8.random(in: 0...255, using: &random) })
                    // Cut short, one byte changed, and as it was: a message that was sent before.
                    try intruder.send(Array(real.prefix(round % real.count)))
                    var bent = real
                    bent[round % real.count] ^= 0x20
                    try intruder.send(bent)
                    try intruder.send(real)
                }
                try intruder.send([UInt8](repeating: UInt8(ascii: "#"), count: 60_000))
                try stage.expectCalm(for: Stage.deadtime * 2)
                for node in stage.cluster.nodes {
                    let drops = try #require(node.report()).drops
                    let garbage = drops.filter { $0.cause != "ownMessage" && $0.cause != "duplicate" }
                    #expect(garbage.map(\.count).reduce(0, +) > 500, "\(drops)")
                    // The message that came again is one's own, or an old one of the other.
                    #expect(drops.filter { !garbage.contains($0) }.map(\.count).reduce(0, +) > 400, "\(drops)")
                }
                #expect(stage.alpha.processes.map(\.pid) == processes)
                // Thousands of bad datagrams are a handful of lines.
                #expect(stage.alpha.log.split(separator: "\n").count < 150)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Whoever asks for the state without end keeps this node from nothing")
        func asking() throws {
            try Stage.play { stage in
                try stage.start()
                let request = try AdminMessage.encode(AdminRequest.status.message)
                var buffer = [UInt8](repeating: 0, count: AdminMessage.sizeMax)
                let sockets = try (0..<60).map { _ in
                    try AdminSocket.connect(to: stage.alpha.paths.controlSocket, patience: .seconds(5)).release()
                }
                let processes = stage.alpha.processes.map(\.pid)
                let end = Clock.now() + .seconds(6)
                var answered = 0
                while Clock.now() < end {
                    for socket in sockets {
                        for _ in 0..<8 { send(socket, request, request.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) }
                        while recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { answered += 1 }
                    }
                }
                for socket in sockets { close(socket) }
                #expect(answered > 1000)
                // What was asked is worked off first.
                try stage.waiting.until("an answer") { stage.alpha.report() != nil }
                #expect(stage.alpha.processes.map(\.pid) == processes)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("Users who may only look leave room for those who administer")
        func strangers() throws {
            try Stage.play { stage in
                try stage.start()
                let stranger = """
                    import os, socket, sys, time
                    os.setgid(65534)
                    os.setuid(65534)
                    sockets = []
                    for _ in range(80):
                        one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                        one.connect(sys.argv[1])
                        sockets.append(one)
                    print("connected", flush=True)
                    time.sleep(60)
                    """
                let socket = stage.alpha.paths.controlSocket
                let pid = try Command(["python3", "-c", stranger, socket]).start(descriptors: [:])
                defer {
                    try? Children.signal(pid, SIGKILL)
                    _ = try? Children.wait(pid)
                }
                try stage.waiting.pass(.seconds(1))
                #expect(try Children.poll(pid) == nil, "it could not connect")
                let outcome = try stage.alpha.run("hb", ["status"])
                #expect(outcome.status == .exited(0), "\(outcome.output)")
                try stage.expectMovable()
            }
        }

        @Test("A node whose resource cannot be stopped goes down where it is told to, and the other takes over")
        func reboot() throws {
            try Stage.play { plan in
                plan.files.groups[0] = "alpha \(Stage.groupA) unstoppable::alpha::one"
                plan.files.directives = ["stop_failure reboot", "stop_retries 1"]
            } _: { stage in
                try stage.start()
                // The kernel then ends the process namespace of the node, and nothing else.
                try #require(stage.alpha.isIsolated)
                _ = try stage.alpha.run("hb_standby", ["--no-wait", "local"])
                try stage.waiting.until("alpha down") { stage.alpha.processes.isEmpty }
                try stage.alpha.noteDown()
                try stage.awaitBoth(on: stage.beta)
                #expect(stage.record("one") == ["alpha start", "alpha stop", "alpha stop", "beta start"])
                #expect(stage.alpha.log.contains("Reboot required!"))
            }
        }

        @Test("Every message tells the load of its sender's machine")
        func load() throws {
            try Stage.play { stage in
                try stage.start()
                let message = String(decoding: try stage.cluster.intruder().receive(), as: UTF8.self)
                let load = try #require(message.split(separator: "ld=").dropFirst().first?.prefix { $0 != "," })
                #expect(load.split(separator: " ").count == 5, "\(load)")
                #expect(load.split(separator: " ").prefix(3).allSatisfy { Double($0) != nil }, "\(load)")
            }
        }

        @Test("A group whose start fails goes to the other node, with a count that an operator sees and clears")
        func failingStart() throws {
            try Stage.play { plan in
                plan.files.groups[0] = "alpha \(Stage.groupA) broken::alpha::one"
            } _: { stage in
                try stage.cluster.start()
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                #expect(!stage.alpha.holds(Stage.addressA))
                let failures = stage.alpha.report()?.groups.first { $0.name == Stage.groupA }?.failures
                #expect(failures?.map(\.node) == ["alpha"])
                #expect((failures?.first?.count ?? 0) >= 1)
                stage.expectNobodyDied()

                let broken = stage.record("one")
                let cleanup = try stage.alpha.run("hb", ["cleanup"])
                #expect(cleanup.status == .exited(0), "\(cleanup.output)")
                // It is tried at home again.
                try stage.waiting.until("another attempt on alpha") {
                    stage.record("one").dropFirst(broken.count).contains("alpha begin")
                }
            }
        }

        @Test("A script that hangs is killed at its timeout, and the group goes to the other node")
        func hangingScript() throws {
            try Stage.play { plan in
                plan.files.groups[0] = "alpha \(Stage.groupA) stuck::alpha::one"
                plan.files.directives = ["operation_timeout 1s"]
            } _: { stage in
                try stage.cluster.start()
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                #expect(!stage.alpha.processes.contains { $0.title == "sleep 1000" })
                #expect(stage.record("one").last == "beta start")
                stage.expectNobodyDied()
            }
        }

        @Test("Keys are rotated by SIGHUP, one node after the other, and no message is lost to it")
        func keyRotation() throws {
            try Stage.play { stage in
                try stage.start()
                let intruder = try stage.cluster.intruder()
                let first = try key(1, .sha1, "the-rig-has-a-secret")
                let early = try message(from: "alpha", signedBy: first, intruder, stage)
                let steps = [
                    "auth 1\n1 sha1 the-rig-has-a-secret\n2 sha256 a-newer-and-better-secret\n",
                    "auth 2\n1 sha1 the-rig-has-a-secret\n2 sha256 a-newer-and-better-secret\n",
                    "auth 2\n2 sha256 a-newer-and-better-secret\n",
                ]
                for keys in steps {
                    for node in stage.cluster.nodes {
                        try Folder.write(keys, to: node.configurationFolder + "/authkeys", mode: 0o600)
                        let outcome = try node.run("heartbeat", ["-r"])
                        #expect(outcome.status == .exited(0), "\(outcome.output)")
                        try stage.expectCalm(for: Stage.deadtime / 2)
                    }
                }
                // A message with the new key is now all that there is, even where an old one is asked for again.
                let last = try key(2, .sha256, "a-newer-and-better-secret")
                let number = try #require(early.number("seq", radix: 16))
                let fromBeta = try message(from: "beta", signedBy: last, intruder, stage)
                var request = HAMessage(fromBeta.fields.filter { ["src", "srcuuid", "hg", "ts"].contains($0.name) })
                request.append("t", "NS_rexmit")
                request.append("dest", "alpha")
                request.append("firstseq", String(number))
                request.append("lastseq", String(number))
                try intruder.send(
                    Envelope.encode(request, for: .datagram(classicInnerAuth: false), authenticator: last))
                let again = try message(from: "alpha", signedBy: last, intruder, stage) {
                    $0.number("seq", radix: 16) == number
                }
                #expect(again.text("ts") == early.text("ts"))
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        private func key(_ number: Int, _ method: DigestMethod, _ secret: String) throws -> Authenticator {
            let key = AuthKey(number: number, method: method, secret: Array(secret.utf8))
            return try Authenticator(AuthKeys(signing: number, keys: [key]))
        }

        /// The next message of a node that these keys verify.
        private func message(
            from node: String, signedBy keys: Authenticator, _ intruder: Intruder, _ stage: Stage,
            where isWanted: (HAMessage) -> Bool = { _ in true }
        ) throws -> HAMessage {
            var found: HAMessage?
            try stage.waiting.until("a message of \(node)", within: .seconds(10)) {
                while found == nil, let bytes = intruder.poll() {
                    guard let message = try? Envelope.open(bytes, authenticator: keys) else { continue }
                    if message.text("src") == node && message.text("seq") != nil && isWanted(message) {
                        found = message
                    }
                }
                return found != nil
            }
            return try #require(found)
        }

        @Test("A reload with errors is refused, and the old configuration stays in force")
        func badReload() throws {
            try Stage.play { stage in
                try stage.start()
                try Folder.write("keepalive nonsense\n", to: stage.alpha.configurationFolder + "/ha.cf")
                let outcome = try stage.alpha.run("heartbeat", ["-r"])
                #expect(outcome.status == .exited(1))
                #expect(outcome.output.contains("nonsense"))
                // What the daemon finds, whatever the command has found before.
                let (_, response) = try AdminClient.ask(
                    .reload, stage.alpha.paths, deadline: Clock.now() + .seconds(20))
                #expect(response.outcome == .refused)
                #expect(response.text.contains("/alpha/ha.d/ha.cf: error:"))
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A reload leaves haresources alone: what runs is stopped as it was started, before it starts elsewhere")
        func changedGroups() throws {
            try Stage.play { stage in
                try stage.start()
                let path = stage.alpha.configurationFolder + "/haresources"
                try Folder.write(Folder.read(path).replacing("recorder::one", with: "recorder::three"), to: path)
                #expect(try stage.alpha.run("heartbeat", ["-r"]).status == .exited(0))
                #expect(stage.alpha.log.contains("not applied until heartbeat is restarted: haresources"))
                try stage.expectCalm(for: Stage.deadtime)
                try stage.expectMovable()
                #expect(stage.record("one") == ["alpha start", "alpha stop", "beta start"])
                #expect(stage.record("three") == [])
            }
        }

        @Test("A reload applies new intervals, and moves nothing")
        func timing() throws {
            try Stage.play { plan in
                plan.files.deadtime = "2s"
            } _: { stage in
                try stage.start()
                for node in stage.cluster.nodes {
                    let path = node.configurationFolder + "/ha.cf"
                    let changed = Folder.read(path).split(separator: "\n").map { line in
                        line.hasPrefix("deadtime ") ? "deadtime 600ms" : String(line)
                    }
                    try Folder.write(changed.joined(separator: "\n") + "\n", to: path)
                    #expect(try node.run("heartbeat", ["-r"]).status == .exited(0))
                }
                try stage.waiting.until("the new deadtime in force") {
                    stage.cluster.nodes.allSatisfy { $0.report()?.timing.deadtime == .milliseconds(600) }
                }
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("Another machine with the name of a node takes nothing while that one is alive", arguments: [true, false])
        func namesake(hearsTheOther: Bool) throws {
            try Stage.play { plan in
                plan.nodes.append("other")
                plan.files.groups.append("alpha recorder::three")
            } _: { stage in
                let other = stage.cluster["other"]
                for node in stage.cluster.nodes {
                    let path = node.configurationFolder + "/ha.cf"
                    let text = Folder.read(path).replacing("node alpha beta other", with: "node alpha beta")
                    try Folder.write(text, to: path)
                    try node.powerOn()
                }
                try other.command(["hostname", "alpha"]).check()
                // What runs on it is by its scripts' own word.
                let volatile = "\(stage.cluster.folder)/alpha/volatile"
                try other.command(["mount", "-t", "tmpfs", "none", volatile]).check()
                if !hearsTheOther {
                    let (one, two) = (stage.alpha.index, other.index)
                    try stage.cluster.network.disturb([
                        FrameLoss(from: one, to: two, bridge: 0), FrameLoss(from: two, to: one, bridge: 0),
                    ])
                }
                for node in [stage.alpha, stage.beta] { try node.startDaemon() }
                try stage.awaitHome()
                try stage.cluster.awaitOwner("alpha", of: "recorder::three")
                try other.startDaemon()
                try stage.waiting.until("beta hears two of them") { stage.beta.log.contains("another machine uses") }
                try stage.expectCalm(for: Stage.deadtime * 4)
                stage.expectNothingMoved()
                #expect(stage.record("three") == ["alpha start"])
                stage.expectNobodyDied()
                #expect(other.log.contains("another machine uses this node's name alpha") == hearsTheOther)
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
            }
        }
    }
}
