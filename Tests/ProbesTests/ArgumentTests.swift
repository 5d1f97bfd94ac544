import ClusterModel
import Probes
import Reactor
import Testing

@Suite("Arguments of native monitors, when a configuration is read")
struct ArgumentTests {
    @Test("what is right", arguments: [
        "http.monitor -p 8080 -u /status -m ok -t 5 -o", "http", "https.monitor --certificate-days=14 --host a.b",
        "tcp.monitor -p25 -4", "fping.monitor -a -r 5 -t 500 -s 100", "smtp.monitor --starttls --helo me",
        "freespace.monitor /:5% /var:10G /srv:102400", "loadavg.monitor -m 8,6,4 --per-cpu",
        "process.monitor nginx:1-8 -u nginx.service", "unit.monitor nginx", "softraid.monitor",
        "dns.monitor -n a -q mx",
    ])
    func right(line: String) throws {
        let monitors = NativeMonitors(loop: try EventLoop())
        #expect(monitors.check(arguments: line.split(separator: " ").map(String.init)) == nil)
        #expect(monitors.knows(String(line.prefix { $0 != " " })))
    }

    @Test("what is wrong: which word, and what was meant", arguments: [
        ("http.monitor -x", 1, "unknown option -x", "it has -4"),
        ("http.monitor --agnt me", 1, "unknown option --agnt", "did you mean --agent?"),
        ("http.monitor -p 80000", 2, "'80000' is no number from 1 to 65535", nil),
        ("http.monitor -m [a", 2, "'[a' is no regular expression", nil),
        ("http.monitor -u http://a/b", 2, "'http://a/b' is a whole URL", "give its path"),
        ("http.monitor -t", 1, "-t needs a value", nil), ("http.monitor -s 20", 2, "'20' is no status", "for example"),
        ("http.monitor -o=1", 1, "unknown option -o=1", nil),
        ("http.monitor www1", 1, "unexpected word 'www1'", "hosts"),
        ("http.monitor --insecure", 1, "--insecure is of no use without https.monitor", nil),
        ("ping.monitor -4 -6", 1, "-4 and -6 exclude each other", nil),
        ("smtp.monitor --certificate-days 3", 2, "--certificate-days is of no use without --tls or --starttls", nil),
        ("freespace.monitor /srv", 1, "'/srv' is no path with a size", "for example /srv:10%"),
        ("freespace.monitor", 0, "a path and how much must be free there is missing", "for example"),
        ("unit.monitor -s activ x", 2, "unknown state 'activ'", "did you mean active?"),
        ("dns.monitor -q A", 0, "-n NAME is missing", "-n example.com"),
        ("dns.monitor -n a -q Z", 4, "unknown type 'Z'", "known are A"),
        ("loadavg.monitor -m 1,2,3,4", 2, "'1,2,3,4' are no three loads", "for example"),
        ("nosuch.monitor", 0, "no native monitor is called nosuch.monitor", nil),
    ] as [(String, Int, String, String?)])
    func wrong(line: String, word: Int, text: String, suggestion: String?) throws {
        let monitors = NativeMonitors(loop: try EventLoop())
        let problem = try #require(monitors.check(arguments: line.split(separator: " ").map(String.init)))
        #expect(problem.word == word, "\(problem)")
        #expect(problem.description.hasPrefix(text), "\(problem)")
        if let suggestion { #expect(problem.suggestion?.hasPrefix(suggestion) == true, "\(problem)") }
    }

    @Test("a program's path is none of ours; a run with wrong arguments fails in words")
    func others() throws {
        let bench = try Bench()
        #expect(!bench.monitors.knows("/usr/lib/mon/mon.d/http.monitor"))
        #expect(!bench.monitors.knows("seq.monitor"))
        let outcome = try bench.run("http.monitor -x", ["a"])
        #expect(outcome.exit == 1 && outcome.detail.contains("unknown option -x"), "\(outcome)")
    }

    @Test("without hosts nothing fails")
    func empty() throws {
        let outcome = try Bench().run("http.monitor", [])
        #expect(outcome.exit == 0 && outcome.text == "\n", "\(outcome)")
    }
}
