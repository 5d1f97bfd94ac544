// What native monitors ask and get no answer from: a filesystem whose server has stopped, and name servers.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("Native monitors of what hangs", .enabled(if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0,
    "needs root and FUSE"))
struct HungTests {
    /// Longest time of a check, and the longest that checks of others may be apart meanwhile.
    private static let limit = 6
    private static let gapMax: Int64 = 3_500_000_000

    /// A server of a script, once it has said its line; ended by its caller.
    private static func server(_ words: [String], _ waiting: Waiting) throws -> (pid: pid_t, line: String) {
        let output = try OutputPipe()
        let folder = Checkout.folder + "/Tests/ProbesTests/Servers/"
        let pid = try Command(["python3", folder + words[0]] + words.dropFirst())
            .start(descriptors: [1: output.childEnd.raw, 2: output.childEnd.raw])
        var line = ""
        try waiting.until("a line of \(words[0]): \(line)") {
            output.read()
            line = String(decoding: output.bytes, as: UTF8.self)
            return line.hasSuffix("\n")
        }
        return (pid, String(line.dropLast()))
    }

    /// A filesystem of FUSE with a local one on it, until it is told to hang.
    private final class HangingMount {
        let folder: String
        private let pid: pid_t
        private var hasEnded = false

        init(at folder: String, _ waiting: Waiting) throws {
            self.folder = folder
            try Folder.make(folder)
            let line: String
            (pid, line) = try HungTests.server(["hang.py", folder], waiting)
            #expect(line == "mounted")
            _ = try Command(["mount", "-t", "tmpfs", "lab", folder + "/inner"]).check()
        }

        func hang() throws { try Children.signal(pid, SIGUSR1) }

        /// Whoever waits for it is told that it is gone.
        func end() {
            guard !hasEnded else { return }
            hasEnded = true
            try? Children.signal(pid, SIGKILL)
            _ = try? Children.wait(pid)
            _ = try? Command(["umount", "-l", folder]).run()
        }
    }

    @Test("a hung filesystem and silent name servers fail when the time is over; the others go on",
        .timeLimit(.minutes(4)))
    func hung() throws {
        // Nobody reads what comes here: a name server that is silent, also for those who look up a host.
        let silent = try Descriptor.socket(family: AF_INET, type: SOCK_DGRAM)
        try silent.bind(to: try #require(SocketAddress(numeric: "127.0.0.77", port: 53)))
        let web = try HungTests.server(["server.py", "http"], Waiting())
        defer {
            try? Children.signal(web.pid, SIGKILL)
            _ = try? Children.wait(web.pid)
        }
        let checks = [
            ("machine", "space", "freespace.monitor LAB/mount:1%"),
            ("machine", "below", "freespace.monitor LAB/mount/inner:1%"),
            ("server", "dns", "dns.monitor -n www.example.com"),
            ("near", "away", "http.monitor -p \(web.line) -u /away --redirects 2"),
            ("name", "tcp", "tcp.monitor"), ("name", "http", "http.monitor"), ("name", "ping", "ping.monitor -c 1"),
        ]
        let hosts = [
            ("machine", "localhost"), ("server", "127.0.0.77"), ("near", "127.0.0.1"), ("name", "www.lab.invalid"),
        ]
        var text = hosts.map { "hostgroup \($0) \($1)\n\n" }.joined()
        for (group, _) in hosts {
            text += "\nwatch \(group)\n"
            for (of, service, monitor) in checks where of == group {
                text += "  service \(service)\n    interval 1s\n    monitor \(monitor) -t \(HungTests.limit)\n"
            }
        }
        text += "  service well\n    interval 1s\n    monitor well.monitor\n"
        let stage = try MonitorStage(text, programs: [("mon.d/well.monitor", "date +%s%N >>LAB/log/runs; echo\n")])
        try stage.write("resolv.conf", "nameserver 127.0.0.77\n")
        stage.mounts = [("resolv.conf", "/etc/resolv.conf")]
        let mount = try HangingMount(at: stage.folder + "/mount", stage.waiting)
        defer { mount.end() }
        try stage.start()
        for service in ["space", "below"] {
            try stage.until("list opstatus machine,\(service)") { $0[0].contains(" opstatus=1 ") }
        }
        try mount.hang()
        for (group, service, _) in checks {
            try stage.until("list opstatus \(group),\(service)", within: .seconds(60)) {
                $0[0].contains(" opstatus=0 ")
            }
        }
        for service in ["space", "below"] {
            let line = try stage.ask("list opstatus machine,\(service)")[0]
            #expect(line.contains("nothing\\20within\\20\(HungTests.limit)\\20s:\\20waiting\\20for"), "\(line)")
        }
        let starts = stage.read("log/runs").split(separator: "\n").compactMap { Int64($0) }
        #expect(starts.count > HungTests.limit)
        let gap = zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? .max
        #expect(gap < HungTests.gapMax, "checks were \(gap / 1_000_000) ms apart")
        // The end of what hangs is an end of the failure's reason, and not of the daemon.
        mount.end()
        try stage.until("list opstatus machine,below", within: .seconds(60)) {
            $0[0].contains(" opstatus=0 ") && !$0[0].contains("nothing\\20within")
        }
    }
}
