// What the worker processes are to the rest of the system: rights, title, and how they end.
import CLinux
import ClusterModel
import LinuxSystem
import Media
import Privsep
import Testing

@Suite struct WorkerProcessTests {
    private let medium = Medium.broadcast(interface: "eth0", port: 694)

    @Test("a worker has no rights, no way to get any, and shows its duty")
    func confinement() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        for direction in [MediumWorker.Direction.read, .write] {
            let worker = try TestWorker(direction, medium, open)
            #expect(try worker.awaitTitle() == "heartbeat: \(direction.rawValue): bcast eth0\u{0}")
            let status = try content("/proc/\(worker.pid)/status").split(separator: "\n")
            func line(_ name: String) -> String? { status.first { $0.hasPrefix("\(name):\t") }.map(String.init) }
            #expect(line("Name") == "Name:\theartbeat: \(direction == .read ? "read" : "writ")")
            #expect(line("Uid") == "Uid:\t65534\t65534\t65534\t65534")
            #expect(line("Gid") == "Gid:\t65534\t65534\t65534\t65534")
            #expect(line("Groups") == "Groups:\t ")
            #expect(line("CapEff") == "CapEff:\t0000000000000000")
            #expect(line("CapPrm") == "CapPrm:\t0000000000000000")
            #expect(line("NoNewPrivs") == "NoNewPrivs:\t1")
        }
    }

    @Test("a worker with a real-time priority has it, its children would not, and it works without")
    func realtime() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        let worker = try TestWorker(.read, medium, open, realtimePriority: 1)
        #expect(try worker.awaitTitle() == "heartbeat: read: bcast eth0\u{0}")
        var parameters = sched_param(sched_priority: 1)
        let probe = try Spawn(program: "/bin/sleep", arguments: ["sleep", "60"]).start()
        let isAllowed = sched_setscheduler(probe, SCHED_FIFO, &parameters) == 0
        try Children.signal(probe, SIGKILL)
        _ = try Children.wait(probe)
        #expect(sched_getscheduler(worker.pid) == (isAllowed ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER))
    }

    @Test("a worker ends quietly when the status process closes its channel")
    func channelClosed() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        for direction in [MediumWorker.Direction.read, .write] {
            let worker = try TestWorker(direction, medium, open)
            _ = try worker.awaitTitle()
            #expect(shutdown(worker.channel.raw, Int32(SHUT_RDWR)) == 0)
            #expect(try worker.end() == .exited(MediumWorkerExit.finished.rawValue))
        }
    }

    @Test("a worker whose parent ended before it could watch it ends by itself")
    func parentGone() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        let worker = try TestWorker(.read, medium, open, parent: getpid() + 1)
        #expect(try worker.end() == .exited(0))
    }

    @Test("a worker dies with its parent, also after it has given up root")
    func parentKilled() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        let pair = try SocketPair()
        let worker = MediumWorker(
            direction: .read, protocolVersion: Launch.protocolVersion, parent: 0, index: 0, medium: medium,
            transport: open.transport, identity: .nobody, realtimePriority: nil, node: "a", logging: LogSettings(),
            isForeground: false)
        let words = worker.arguments.map { $0 == "parent=0" ? "parent=$$" : "'\($0)'" }.joined(separator: " ")
        // The shell is the parent; it waits, and is killed.
        var shell = Spawn(
            program: "/bin/bash",
            arguments: ["bash", "-c", "(exec -a hb_medium \(TestWorker.program) \(words)) & wait"])
        shell.descriptors = [
            MediumWorker.channelDescriptor: pair.second.raw, MediumWorker.mediumDescriptor: open.receiver.raw,
        ]
        let parent = try shell.start()
        var title = ""
        var child: pid_t = 0
        for _ in 0..<5000 where !title.hasPrefix("heartbeat: ") {
            usleep(1000)
            let children = try content("/proc/\(parent)/task/\(parent)/children")
            child = children.split(separator: " ").first.flatMap { pid_t($0) } ?? 0
            title = (try? content("/proc/\(child)/cmdline")) ?? ""
        }
        #expect(title == "heartbeat: read: bcast eth0\u{0}")
        let opened = cl_pidfd_open(child, 0)
        try #require(opened >= 0)
        let handle = Descriptor(owning: opened)
        // The orphan becomes ours to reap.
        #expect(cl_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
        try Children.signal(parent, SIGKILL)
        #expect(try Children.wait(parent) == .killed(signal: SIGKILL))
        var ready = [Readiness(handle.raw, read: true)]
        try Readiness.wait(&ready, timeout: .seconds(5))
        #expect(ready[0].isReadable, "the worker outlived its parent")
        #expect(try Children.poll(child) == .killed(signal: SIGKILL))
    }

    @Test("a worker of another version, or without its descriptors, refuses to start")
    func refused() throws {
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        for version in [Launch.protocolVersion + 1, Launch.protocolVersion] {
            let worker = MediumWorker(
                direction: .read, protocolVersion: version, parent: getpid(), index: 0, medium: medium,
                transport: open.transport, identity: .nobody, realtimePriority: nil, node: "a",
                logging: LogSettings(), isForeground: false)
            var spawn = Spawn(program: TestWorker.program, arguments: ["hb_medium"] + worker.arguments)
            let null = try Descriptor.open("/dev/null", O_WRONLY)
            spawn.descriptors[2] = null.raw
            #expect(try Children.wait(try spawn.start()) == .exited(MediumWorkerExit.badArguments.rawValue))
        }
    }

    @Test("a datagram that is longer than any message is dropped whole, and the next one is passed on")
    func oversized() throws {
        // A real medium carries 65507 bytes at most; a socket pair carries more.
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &ends) == 0)
        let sender = Descriptor(owning: ends[0])
        let receiver = Descriptor(owning: ends[1])
        let network = try TestNetwork()
        let open = try network.open(medium, on: 1)
        let reader = try TestWorker(.read, medium, open, receiver: receiver.raw)
        for size in [MediumWorker.datagramSizeMax + 1, MediumWorker.datagramSizeMax, 5] {
            let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            #expect(send(sender.raw, bytes, bytes.count, 0) == bytes.count)
        }
        #expect(try reader.receive()?.bytes.count == MediumWorker.datagramSizeMax)
        #expect(try reader.receive()?.bytes.count == 5)
    }

    @Test("a status process that is stopped bounds what its reader holds, and gets everything that fits in order")
    func stoppedReceiver() throws {
        let network = try TestNetwork()
        let receiving = Medium.unicast(interface: "eth0", address: "10.94.0.1", port: 694)
        let far = try network.open(receiving, on: 2)
        let reader = try TestWorker(.read, receiving, far)
        _ = try reader.awaitTitle()
        try network.inside(1) {
            let socket = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
            try socket.connect(to: try #require(SocketAddress(numeric: "10.94.0.2", port: 694)))
            for number in 0..<20_000 {
                let text = "\(number)"
                _ = send(socket.raw, text + String(repeating: " ", count: 500 - text.utf8.count), 500, 0)
            }
        }
        var last = -1
        while true {
            var ready = [Readiness(reader.channel.raw, read: true)]
            try Readiness.wait(&ready, timeout: .milliseconds(last < 0 ? 5000 : 200))
            guard ready[0].isReadable, let received = try reader.receive() else { break }
            let text = String(decoding: received.bytes, as: UTF8.self)
            let number = try #require(Int(text.prefix { $0 != " " }))
            #expect(number > last)
            last = number
        }
        #expect(last > 100)
        let memory = try content("/proc/\(reader.pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        let kilobytes = memory?.split(separator: " ").compactMap { Int($0) }.first
        #expect(try #require(kilobytes) < 64_000)
    }
}
