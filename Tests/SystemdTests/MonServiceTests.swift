// The service monitor as an administrator installs it: its unit under a real systemd, and what it asks systemd itself.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ServiceTests {
    @Suite("The service monitor under systemd")
    struct MonServiceTests {
        private static let configuration = """
            dtlogging = yes

            hostgroup local localhost

            watch local
                service unit
                    interval 1s
                    monitor unit.monitor victim.service
                    period
                        alert file.alert alerts
                        alertevery 1h
                service process
                    interval 1s
                    monitor process.monitor -u victim.service sleep
                service other
                    interval 1s
                    monitor process.monitor -u mon.service sleep:0

            """

        private func install(on machine: SystemdMachine) throws {
            let unit = Folder.read(Checkout.folder + "/Resources/systemd/mon.service")
            try machine.check(
                "sh", "-ec",
                """
                ip link set lo up
                rm -f /usr/sbin/mon /usr/bin/moncmd
                cp \(SystemdMachine.programs)/mon /usr/sbin/mon
                ln -s hb /usr/bin/moncmd
                """)
            try machine.write("/etc/systemd/system/mon.service", unit)
            try machine.write("/etc/systemd/system/victim.service", "[Service]\nExecStart=/bin/sleep 100000\n")
            try machine.write("/etc/ha.d/mon.cf", MonServiceTests.configuration)
            try machine.write("/etc/ha.d/auth.cf", "list: all\nack: all\ndisable: all\ntrap section\n")
            try machine.check("systemctl", "daemon-reload")
        }

        private func property(_ machine: SystemdMachine, _ name: String) throws -> String {
            String(try machine.check("systemctl", "show", "--value", "-p", name, "mon").dropLast())
        }

        private func ask(_ machine: SystemdMachine, _ words: String...) throws -> String {
            try machine.run(["moncmd", "-s", "127.0.0.1"] + words).output
        }

        private func until(_ stage: Stage, _ service: String, _ words: String) throws {
            try stage.waiting.until("\(service): \(words)", within: .seconds(60)) {
                try ask(stage.alpha, "list", "opstatus", "local,\(service)").contains(" \(words)")
            }
        }

        @Test("ready when it answers; units and their processes; what it knows outlives a restart and a kill; a reload")
        func life() throws {
            try Stage.play { stage in
                let machine = stage.alpha
                try install(on: machine)
                try machine.check("systemctl", "start", "victim", "mon")
                #expect(try ask(machine, "list", "state") == "scheduler running\n220 list state completed\n")
                #expect(try property(machine, "StatusText") == "3 services")
                // Without a heartbeat beside it, too.
                try machine.check("test", "-S", "/run/heartbeat/mon.sock")
                for service in ["unit", "process", "other"] { try until(stage, service, "opstatus=1 ") }

                try machine.check("systemctl", "stop", "victim")
                for service in ["unit", "process"] { try until(stage, service, "opstatus=0 ") }
                #expect(try ask(machine, "list", "opstatus", "local,unit").contains("last_summary=victim.service"))
                try until(stage, "other", "opstatus=1 ")
                try stage.waiting.until("the alert", within: .seconds(20)) {
                    try machine.run(["cat", "/var/log/mon/alerts"]).output.contains("failure local unit")
                }

                #expect(try ask(machine, "ack", "local", "unit", "seen").contains("220 ack completed"))
                try machine.check("systemctl", "restart", "mon")
                try until(stage, "unit", "opstatus=0 ")
                #expect(try ask(machine, "list", "opstatus", "local,unit").contains("seen"))
                #expect(try ask(machine, "disable", "service", "local", "process").contains("220 "))
                let main = try property(machine, "MainPID")
                try machine.check("kill", "-KILL", main)
                try stage.waiting.until("another daemon", within: .seconds(30)) {
                    try property(machine, "MainPID") != main && property(machine, "ActiveState") == "active"
                }
                #expect(try ask(machine, "list", "disabled").hasPrefix("watch local service process\n"))

                try machine.write("/etc/ha.d/mon.cf", MonServiceTests.configuration + "        intervall 3s\n")
                try machine.check("systemctl", "reload", "mon")
                try stage.waiting.until("the error in the status line", within: .seconds(20)) {
                    try property(machine, "StatusText").contains("the one in force stays")
                }
                let journal = try machine.check("journalctl", "--no-pager", "-o", "cat", "-u", "mon")
                #expect(journal.contains("did you mean interval?"), "\(journal)")
                #expect(try ask(machine, "list", "watch").contains("local unit"))
                try machine.write("/etc/ha.d/mon.cf", MonServiceTests.configuration)
                try machine.check("systemctl", "start", "victim")
                try machine.check("systemctl", "reload", "mon")
                try until(stage, "unit", "opstatus=1 ")
                #expect(try property(machine, "StatusText") == "3 services")
                #expect(try ask(machine, "list", "dtlog").contains(" local unit "))

                try machine.check("systemctl", "stop", "mon")
                #expect(try property(machine, "Result") == "success")
                #expect(try machine.run(["test", "-e", "/run/heartbeat/mon.sock"]).status == .exited(1))
            }
        }

        @Test("a start with errors fails, and is not tried again")
        func brokenStart() throws {
            try Stage.play { stage in
                try install(on: stage.alpha)
                try stage.alpha.write("/etc/ha.d/mon.cf", "maxproc = 3\n")
                #expect(try stage.alpha.run(["systemctl", "start", "mon"]).status == .exited(1))
                #expect(try property(stage.alpha, "ActiveState") == "failed")
                #expect(try property(stage.alpha, "NRestarts") == "0")
                let journal = try stage.alpha.check("journalctl", "--no-pager", "-o", "cat", "-u", "mon")
                #expect(journal.contains("/etc/ha.d/mon.cf:1:1: error:"), "\(journal)")
            }
        }
    }
}
