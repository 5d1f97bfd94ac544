// Debian's own programs of mon, unchanged, with this daemon: its clients, one of its monitors, two of its alerts.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

/// The packages mon and mon-client, unpacked.
private enum DebianMon {
    static let root = Checkout.folder + "/.build/debian-mon/root"
    static let isThere = FileSystem.kind(of: root + "/usr/bin/moncmd") != nil
        && FileSystem.kind(of: root + "/usr/share/perl5/CGI.pm") != nil && FileSystem.kind(of: "/usr/bin/perl") != nil

    /// Where the packages have their Perl libraries.
    static var libraries: [String] {
        let compiled = FileSystem.names(in: root + "/usr/lib").flatMap { name in
            FileSystem.names(in: root + "/usr/lib/\(name)/perl5").map { root + "/usr/lib/\(name)/perl5/\($0)" }
        }
        return [root + "/usr/share/perl5"] + compiled
    }

    /// A program of the packages as a command; `-T`, since some of them ask for it in their first line.
    static func command(_ path: String, _ arguments: [String], taint: Bool = false) -> [String] {
        ["/usr/bin/perl"] + (taint ? ["-T"] : []) + libraries.flatMap { ["-I", $0] } + [root + path] + arguments
    }
}

@Suite(
    "Debian's programs of mon", .enabled(if: DebianMon.isThere, "the packages are not there: make peer fetches them"))
struct DebianClientTests {
    private func stage() throws -> MonitorStage {
        let text = """
            mondir = LAB/mon.d:\(DebianMon.root)/usr/lib/mon/mon.d
            alertdir = LAB/alert.d:\(DebianMon.root)/usr/lib/mon/alert.d
            logdir = LAB/log
            statedir = LAB/state
            cfbasedir = LAB/etc
            pidfile = LAB/mon.pid
            authtype = userfile

            hostgroup web 127.0.0.1 127.0.0.2

            alias site
              the web site
              web:http

            watch web
              service http
                description The site
                interval 1s
                monitor tcp.monitor -p 1
                PERL5LIB=\(DebianMon.libraries.joined(separator: ":"))
                period
                  alert file.alert -d LAB/log file.log
                  alert trap.alert -U joe -P sekrit 127.0.0.1
                  alertevery 1h
              service mine
                interval 1s
                monitor tcp.monitor -p PORT
                exclude_hosts 127.0.0.2
              service trap
                period
                  alert file.alert -d LAB/log trap.log
            """
        let stage = try MonitorStage(text, programs: [])
        try stage.write("etc/mon.cf", stage.read("etc/mon.cf").replacing("PORT", with: "\(stage.port)"))
        try stage.write("etc/auth.cf",
            "list: all\nack: AUTH_ANY\ndisable: joe\nservertime: all\ntrap section\n127.0.0.1 * *\n")
        try stage.write("etc/monusers.cf", "joe:abfbSiOREpOPQ\n")
        return stage
    }

    @Test("moncmd, monshow and monfailures show what is", .timeLimit(.minutes(3)))
    func clients() throws {
        let stage = try stage()
        try stage.start()
        try stage.until("list failures") { $0.count == 2 }
        try stage.until("list opstatus web,mine") { $0.first?.contains(" opstatus=1 ") ?? false }
        let place = ["-s", "127.0.0.1", "-p", "\(stage.port)"]
        let list = try Command(DebianMon.command("/usr/bin/moncmd", place + ["list", "opstatus", "web,http"])).check()
        #expect(list.hasPrefix("group=web service=http opstatus=0 ")
            && list.hasSuffix("\n220 list opstatus completed\n"))
        // It reads a line more than it says, and forgets that one.
        let script = "printf 'PASS=sekrit\\nversion\\nack web http known\\ndisable host 127.0.0.2\\n' | \"$@\""
        let words = DebianMon.command("/usr/bin/moncmd", ["-a", "-l", "joe"] + place)
        let done = try Command(["sh", "-c", script, "sh"] + words).check()
        #expect(done.contains("220 ack completed") && done.contains("220 disable host completed"))
        let show = ["--server", "127.0.0.1", "--port", "\(stage.port)"]
        let full = try Command(DebianMon.command("/usr/bin/monshow", ["--full"] + show, taint: true)).check()
        #expect(full.contains("state: scheduler running"), "\(full)")
        let row = full.split(separator: "\n").first { $0.contains("http") } ?? ""
        #expect(row.contains("FAIL") && row.contains("127.0.0.1"), "\(full)")
        #expect(full.split(separator: "\n").contains { $0.contains("trap") && $0.contains("untested") }, "\(full)")
        let detail = try Command(DebianMon.command("/usr/bin/monshow", ["--detail", "web,http"] + show,
            taint: true)).check()
        #expect(detail.contains("opstatus: fail (0)") && detail.contains("The site"), "\(detail)")
        let failures = try Command(
            DebianMon.command("/usr/bin/monfailures", ["-s", "127.0.0.1", "--port", "\(stage.port)"])).run()
        #expect(failures.status == .exited(1) && failures.output.contains("web:http"), "\(failures.output)")
    }

    @Test("monitors and alerts run unchanged, and a trap of one is one", .timeLimit(.minutes(3)))
    func programs() throws {
        let stage = try stage()
        try stage.start()
        try stage.waiting.until("file.alert writes", within: .seconds(30)) {
            stage.read("log/file.log").contains("failure web http ")
        }
        #expect(stage.read("log/file.log").contains("OPSTATUS=0"))
        try stage.until("list opstatus web,mine") { $0.first?.contains(" opstatus=1 ") ?? false }
    }

    @Test("mon.cgi shows what is", .timeLimit(.minutes(3)), .enabled(if: geteuid() == 0, "needs root"))
    func webPage() throws {
        let stage = try stage()
        // The full view ends in an error of the page's own with the Perl of Debian 12, whatever the daemon says.
        // It asks the local daemon at the standard port: in a network of its own there is only one.
        let script = """
            ip link set lo up
            "$1" -c "$2/etc/mon.cf" --run-dir "$2/run" >"$2/mon.log" 2>&1 & mon=$!
            shift 2
            for i in $(seq 100); do
                page=$(QUERY_STRING=command=query_opstatus REQUEST_METHOD=GET "$@" 2>&1)
                case $page in *mine*) break ;; esac
                sleep 0.1
            done
            echo "$page"
            kill $mon
            wait $mon
            """
        let cgi = DebianMon.command("/usr/lib/cgi-bin/mon.cgi", [], taint: true)
        let page = try Command(
            ["unshare", "-n", "sh", "-c", script, "sh", MonitorStage.program, stage.folder]
                + cgi).run(within: .seconds(60))
        #expect(page.succeeded, "\(page.output.suffix(500))")
        #expect(page.output.contains("Operation Status") && page.output.contains("mine")
            && page.output.contains("http"), "\(page.output)")
        #expect(!page.output.contains("cannot be contacted"))
    }
}
