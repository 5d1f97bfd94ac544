// Sessions that were recorded with mon 1.3.6, line by line with this daemon: the same commands, the same answers, but
// for times and numbers that depend on them. Where mon is wrong the fixtures have what is right (Resources/doc/mon.md).
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("Recorded sessions of mon 1.3.6")
struct SessionTests {
    /// As the monitor of the recording: fails where a file names one of its hosts.
    private static let monitor = #"""
        if [ "$1" = -x ]; then extra="$1 $2 "; shift 2; echo "$0: 5: [: LAB/down.two: unexpected operator" >&2; fi
        for h; do
            [ -e LAB/down.$h ] || continue
            printf '%s\ndetail line 1 for %s\nit'"'"'s "quoted" back\\slash\ttab\n' "$h" "$h"
            exit 3
        done
        printf '\nall fine: %s%s\n' "$extra" "$*"
        """#
    private static let alert = #"""
        { echo "$@"; env | grep '^MON_\|^FOO' | sort; echo "STDIN:"; cat; } >>LAB/log/alerts.txt
        """#

    @Test("both sessions, answered as mon answered them", .timeLimit(.minutes(5)))
    func replay() throws {
        let stage = try MonitorStage(
            Folder.read(MonitorStage.fixtures + "mon.cf"),
            programs: [("mon.d/flag.monitor", SessionTests.monitor), ("alert.d/rec.alert", SessionTests.alert)],
            authorization: Folder.read(MonitorStage.fixtures + "auth.cf"))
        try stage.write("etc/monusers.cf", Folder.read(MonitorStage.fixtures + "monusers.cf"))
        try stage.start()
        for name in ["session1.txt", "session2.txt"] {
            let text = Folder.read(MonitorStage.fixtures + name).replacing("LAB", with: stage.folder)
            try play(text.split(separator: "\n").map(String.init), stage, name)
        }
        #expect(try stage.awaitEnd() == .exited(0))
        checkAlerts(stage)
    }

    private func play(_ lines: [String], _ stage: MonitorStage, _ name: String) throws {
        let client = try stage.client()
        var rest = lines[...]
        while let line = rest.popFirst() {
            let text = String(line.dropFirst(2))
            if line.hasPrefix("! ") {
                try act(text, stage)
                continue
            }
            var expected: [String] = []
            while let next = rest.first, next.hasPrefix("<") {
                expected.append(String(next.dropFirst(2)))
                rest.removeFirst()
            }
            let wanted = normalized(expected, stage)
            var found = client.ask(text)
            let end = Clock.now() + .seconds(30)
            // What lists show needs its time to come about, as it did then.
            while text.hasPrefix("list "), normalized(found, stage) != wanted, Clock.now() < end {
                Clock.wait(.milliseconds(20))
                found = client.ask(text)
            }
            #expect(normalized(found, stage) == wanted, "\(name): \(text)")
        }
    }

    private func act(_ text: String, _ stage: MonitorStage) throws {
        if text.contains("trap.py") {
            let (group, status) =
                text.contains("t1.txt") ? ("trapgrp", 5) : text.contains("t2.txt") ? ("unknowng", 5) : ("trapgrp", 0)
            try stage.trap("""
                pro='0.3807'
                usr=''
                seq='0'
                typ='trap'
                grp='\(group)'
                svc='t1'
                sta='\(status)'
                spc=''
                tsp='1795225553'
                sum='trap\\20summary'
                dtl='detail\\20one\\0adetail\\20two'

                """)
        } else {
            try Command(["sh", "-c", text]).check()
            // The recording went on when the second failure had been alerted.
            if text.hasSuffix("www2") {
                try stage.until("list opstatus web,http") { $0.first?.contains(" alerts_sent=1 ") ?? false }
            }
        }
    }

    /// Times, process ids and what depends on the pace of the machine are taken out; order within an answer too, which
    /// mon draws at random.
    private func normalized(_ lines: [String], _ stage: MonitorStage) -> [String] {
        let data = lines.dropLast().map { line in
            withoutDates(line).split(separator: " ", omittingEmptySubsequences: false).map { word in
                let name = word.prefix { $0 != "=" }
                let isVague = ["timer", "failure_duration", "monitor_running", "last_opstatus", "alerts_sent",
                    "last_alert"]
                    .contains(String(name)) || name == "monitor_duration" && word != "monitor_duration=-1"
                return isVague ? "\(name)=N" : withoutTimes(String(word))
            }.filter { $0 != "last_alert=N" }.joined(separator: " ")
        }.map { $0.hasPrefix("server ") ? "server N" : SessionTests.withoutDowntime($0) }
        let last = lines.last.map { $0.hasPrefix("220 reset PID ") ? "220 reset PID N" : $0 } ?? "nothing"
        return Set(data.filter { !$0.isEmpty }).sorted() + [last]
    }

    /// `T web http T 12 3 www1`: how long it was, and the interval then, depend on the pace.
    private static func withoutDowntime(_ line: String) -> String {
        var words = line.split(separator: " ").map(String.init)
        guard words.count >= 6, words[0] == "T", words[3] == "T" else { return line }
        words[4...5] = ["N", "N"]
        return words.joined(separator: " ")
    }

    /// `Sat Nov 21 01:44:52 2026`, as ctime(3) writes it: the day of a month below ten has a blank before it.
    private func withoutDates(_ line: String) -> String {
        line.replacing(/[A-Z][a-z]{2} [A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d \d{4}/, with: "DATE")
    }

    /// Numbers of ten digits are times.
    private func withoutTimes(_ word: String) -> String {
        var result = ""
        var digits = ""
        for character in word + " " {
            if character.isNumber {
                digits.append(character)
            } else {
                result += digits.count >= 10 ? digits.dropLast(10) + "T" : digits[...]
                result.append(character)
                digits = ""
            }
        }
        result.removeLast()
        return result
    }

    private func checkAlerts(_ stage: MonitorStage) {
        let alerts = stage.read("log/alerts.txt")
        for text in [
            "-s ping -g gw -h gw1 -t ", "admin@example.com a b\n", "FOO=bar baz\n", "MON_ALERTTYPE=startup\n",
            "MON_ALERTTYPE=test\n", "MON_TRAP_INTENDED=unknowng:t1\n", "MON_ALERTTYPE=trap\n",
            "STDIN:\ntrap summary\n\ndetail one\ndetail two", "MON_ACK=joe: single quoted it's\n",
            "MON_DESCRIPTION=Gateway \"reach\" it's\n", "STDIN:\ntest\ntest detail\n",
            "STDIN:\nwww2\ndetail line 1 for www2\nit's \"quoted\" back\\slash\ttab\n",
        ] {
            #expect(alerts.contains(text), "\(text) in \(alerts)")
        }
    }
}
