// What watching costs: two thousand services at intervals of ten seconds, by this daemon with native monitors and with
// programs, and by mon 1.3.6, which has programs only, on one processor each; and a flood of traps.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

final class MonitorBenchmark {
    private static let serviceCount = 2000
    /// Services whose monitor writes down when it was started.
    private static let sampleCount = 40
    private static let interval: Duration = .seconds(10)
    /// This daemon with programs, to which traps make no difference.
    private static let programs = "programs"

    /// Who watches, and with what.
    private struct Contender {
        var name: String
        var command: [String]
        /// The monitor of most services.
        var monitor: String
        var hasGoal: Bool
    }

    private let folder: String
    private let listener: Descriptor
    private let port: UInt16
    private let rounds: Int

    /// Processor time, memory, and how far from the schedule checks begin.
    static func measure(rounds: Int) throws -> [Figure] {
        try MonitorBenchmark(rounds: rounds).play { bench, contender in try bench.measure(contender) }
    }

    /// Ten thousand traps a second: how many are lost, what that costs, and how long clients wait meanwhile.
    static func measureTraps(rounds: Int) throws -> [Figure] {
        try MonitorBenchmark(rounds: rounds).play { bench, contender in
            contender.name == programs ? [] : try bench.measureTraps(contender)
        }
    }

    private init(rounds: Int) throws {
        self.rounds = rounds
        folder = try Folder.makeUnique(prefix: "heartbeat-bench-mon")
        listener = try Descriptor.socket(family: AF_INET, type: SOCK_STREAM)
        guard let any = SocketAddress(numeric: "127.0.0.1") else { throw RigError("no address") }
        try listener.bind(to: any)
        try listener.setNonBlocking(true)
        let raw = listener.raw
        _ = try retrying("listen") { listen(raw, 4096) }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(raw, .init(__sockaddr__: $0), &length)
            }
        }
        guard result == 0, let own = SocketAddress(address) else { throw SystemError.last("getsockname") }
        port = own.port
    }

    private func play(_ body: (MonitorBenchmark, Contender) throws -> [Figure]) throws -> [Figure] {
        defer { Folder.remove(folder) }
        for name in ["mon.d", "state", "log", "etc", "run"] { try Folder.make("\(folder)/\(name)") }
        let stamp = "#!/bin/sh\nexec date +%s%N >>\(folder)/log/$1\n"
        try Folder.write(stamp, to: "\(folder)/mon.d/stamp.monitor", mode: 0o755)
        try Folder.write("#!/bin/sh\n", to: "\(folder)/mon.d/program.monitor", mode: 0o755)
        try Folder.write("list: all\nterm: all\ntrap section\n* * *\n", to: "\(folder)/etc/auth.cf")
        guard let own = FileSystem.target(ofLink: "/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
            throw RigError("/proc is not mounted")
        }
        let mon = [String(own[..<slash]) + "/mon", "--run-dir", "\(folder)/run"]
        var contenders = [
            Contender(name: "native monitors", command: mon, monitor: "native:tcp.monitor -p \(port)", hasGoal: true),
            Contender(name: MonitorBenchmark.programs, command: mon, monitor: "program.monitor", hasGoal: false),
        ]
        let debian = Checkout.folder + "/.build/debian-mon/root/usr"
        if FileSystem.kind(of: debian + "/sbin/mon") != nil {
            contenders.append(Contender(
                name: "1.3.6 of Debian",
                command: ["env", "PERL5LIB=\(debian)/share/perl5", "perl", debian + "/sbin/mon"],
                monitor: "program.monitor", hasGoal: false))
        } else {
            print("mon 1.3.6 is not there: make peer fetches it")
        }
        return try contenders.flatMap { try body(self, $0) }
    }

    // MARK: Traps

    /// For ten seconds, each a failure of one service.
    private func measureTraps(_ contender: Contender) throws -> [Figure] {
        let watch = "\nhostgroup bench 127.0.0.1\n\nwatch bench\n    service trap\n        period\n"
        let (pid, own) = try start(contender, services: watch)
        defer { end(pid) }
        let title = contender.hasGoal ? "mon" : "mon, \(contender.name)"
        var lost = Figure("\(title): lost", unit: "% of 10000 a second", goal: contender.hasGoal ? 0.1 : nil)
        var cost = Figure("\(title): daemon", unit: "% of a core")
        var answers = Figure("\(title): list state", unit: "ms", goal: contender.hasGoal ? 50 : nil)
        for _ in 0..<rounds {
            let (ticks, drops, begin) = (MonitorBenchmark.ticks(pid), dropped(own.port), Clock.now())
            let load = try TrapLoad(to: own)
            let sent = try load.run(for: MonitorBenchmark.interval)
            let elapsed = Double((Clock.now() - begin).wholeNanoseconds) / 1e9 * Double(sysconf(Int32(_SC_CLK_TCK)))
            cost.values.append(Double(MonitorBenchmark.ticks(pid).own - ticks.own) / elapsed * 100)
            // What still waits is taken, or has been dropped.
            try pass(.seconds(2))
            lost.values.append(Double(dropped(own.port) - drops) / Double(sent) * 100)
            answers.values += load.answers
            guard try load.hasFailed() else { throw RigError("\(contender.name) has not taken the traps") }
        }
        return [lost, cost, answers]
    }

    /// Datagrams that the kernel has dropped for want of room at a port of this machine.
    private func dropped(_ port: UInt16) -> Int {
        let text = FileSystem.text(of: "/proc/net/udp", limit: 1 << 20) ?? ""
        let place = ":" + String(Int(port) + 0x10000, radix: 16, uppercase: true).dropFirst()
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        return lines.filter { $0.count > 2 && $0[1].hasSuffix(place) }.reduce(0) { sum, line in
            sum + (line.last.flatMap { Int($0) } ?? 0)
        }
    }

    private func measure(_ contender: Contender) throws -> [Figure] {
        for name in FileSystem.names(in: folder + "/log") { Folder.remove("\(folder)/log/\(name)") }
        let (pid, _) = try start(contender, services: services(contender))
        defer { end(pid) }
        try pass(.seconds(14))
        try expectRunning(pid, contender)
        let title = "mon, \(contender.name)"
        var own = Figure("\(title): daemon", unit: "% of a core", goal: contender.hasGoal ? 10 : nil)
        var all = Figure("\(title): with monitors", unit: "% of a core")
        var memory = Figure("\(title): memory", unit: "MB RSS")
        var late = Figure("\(title): off the schedule", unit: "ms", goal: contender.hasGoal ? 50 : nil)
        let wall = Clock.wallNanoseconds()
        for _ in 0..<rounds {
            let before = MonitorBenchmark.ticks(pid)
            let begin = Clock.now()
            try pass(MonitorBenchmark.interval)
            let after = MonitorBenchmark.ticks(pid)
            let elapsed = Double((Clock.now() - begin).wholeNanoseconds) / 1e9 * Double(sysconf(Int32(_SC_CLK_TCK)))
            own.values.append(Double(after.own - before.own) / elapsed * 100)
            all.values.append(Double(after.own + after.children - before.own - before.children) / elapsed * 100)
            memory.values.append(MonitorBenchmark.memory(pid))
        }
        late.values = deviations()
        var begun = Figure("\(title): checks begun", unit: "% of those due")
        begun.values = [begunShare(since: wall)]
        return [own, all, memory, begun, late]
    }

    /// Starts a daemon that watches these services; its ports are those next to the one that is checked.
    private func start(_ contender: Contender, services: String) throws -> (pid: pid_t, address: SocketAddress) {
        let own = port == 65535 ? port - 1 : port + 1
        try Folder.write(globals(own) + services, to: "\(folder)/etc/mon.cf")
        let log = try Descriptor.open("\(folder)/mon.log", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        let pid = try Command(["taskset", "-c", "0"] + contender.command + ["-c", "\(folder)/etc/mon.cf"])
            .start(descriptors: [1: log.raw, 2: log.raw])
        guard let address = SocketAddress(numeric: "127.0.0.1", port: own) else { throw RigError("no address") }
        do {
            try Waiting().until("\(contender.name) answers", within: .seconds(20)) {
                try expectRunning(pid, contender)
                let socket = try Descriptor.socket(family: AF_INET, type: SOCK_STREAM)
                return (try? socket.connect(to: address)) != nil
            }
        } catch {
            end(pid)
            throw error
        }
        return (pid, address)
    }

    private func expectRunning(_ pid: pid_t, _ contender: Contender) throws {
        guard try Children.poll(pid) == nil else {
            throw RigError("\(contender.name) has ended: \(Folder.read("\(folder)/mon.log").suffix(500))")
        }
    }

    private func end(_ pid: pid_t) {
        try? Children.signal(pid, SIGTERM)
        _ = try? Children.wait(pid)
    }

    private func globals(_ own: UInt16) -> String {
        """
            mondir = \(folder)/mon.d
            alertdir = \(folder)/mon.d
            statedir = \(folder)/state
            logdir = \(folder)/log
            cfbasedir = \(folder)/etc
            authfile = \(folder)/etc/auth.cf
            pidfile = \(folder)/mon.pid
            serverport = \(own)
            trapport = \(own)
            randstart = 10s

            """
    }

    private func services(_ contender: Contender) -> String {
        var text = "\nhostgroup bench 127.0.0.1\n\nwatch bench\n"
        for number in 0..<MonitorBenchmark.serviceCount {
            let monitor = number < MonitorBenchmark.sampleCount ? "stamp.monitor s\(number) ;;" : contender.monitor
            text += "    service s\(number)\n        interval 10s\n        monitor \(monitor)\n"
        }
        return text
    }

    /// How far each start of a sampled service is from where its first one puts it, in milliseconds.
    private func deviations() -> [Double] {
        (0..<MonitorBenchmark.sampleCount).flatMap { number -> [Double] in
            let starts = Folder.read("\(folder)/log/s\(number)").split(separator: "\n").compactMap { Double($0) }
            guard let first = starts.first else { return [] }
            return starts.enumerated().dropFirst().map { index, start in
                abs(start - first - Double(index) * 10e9) / 1e6
            }
        }
    }

    /// Of the checks of sampled services that were due since a moment, those that began: a daemon that does not keep
    /// pace spends less, too.
    private func begunShare(since wall: Int64) -> Double {
        let begun = (0..<MonitorBenchmark.sampleCount).reduce(0) { sum, number in
            let starts = Folder.read("\(folder)/log/s\(number)").split(separator: "\n").compactMap { Int64($0) }
            return sum + starts.count { $0 >= wall }
        }
        let due = Double(Clock.wallNanoseconds() - wall) / 1e10 * Double(MonitorBenchmark.sampleCount)
        return Double(begun) / due * 100
    }

    /// Processor time of a process, and of its children that have ended, in ticks.
    private static func ticks(_ pid: pid_t) -> (own: UInt64, children: UInt64) {
        let text = FileSystem.text(of: "/proc/\(pid)/stat", limit: 1024) ?? ""
        let fields = (text.split(separator: ")").last ?? "").split(separator: " ").map { UInt64($0) ?? 0 }
        guard fields.count > 14 else { return (0, 0) }
        return (fields[11] + fields[12], fields[13] + fields[14])
    }

    private static func memory(_ pid: pid_t) -> Double {
        let text = FileSystem.text(of: "/proc/\(pid)/status", limit: 8192) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Double(line.filter(\.isNumber)).map { $0 / 1024 } ?? 0
    }

    /// Passes a time, and takes the connections of those who check.
    private func pass(_ time: Duration) throws {
        let listener = listener.raw
        try Waiting(pause: {
            while true {
                let client = accept4(listener, .init(__sockaddr__: nil), nil, Int32(SOCK_CLOEXEC.rawValue))
                if client < 0 { break }
                _ = close(client)
            }
            Waiting.sleep()
        }).pass(time)
    }
}
