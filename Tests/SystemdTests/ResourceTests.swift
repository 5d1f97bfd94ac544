// Resources under a real systemd: what a script has started lives in a control group of its own below the service, and
// units that die, fail or are masked.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ServiceTests {
    @Suite("Resources under systemd", .serialized)
    struct ResourceTests {
        /// A daemon that leaves its script, its process group and its session; `keep` has its stop forget it.
        private static let script = """
            #!/bin/sh
            pid=/run/site.pid
            alive() { [ -e $pid ] && kill -0 $(cat $pid) 2>/dev/null; }
            case "$1" in
            start) alive || { setsid sh -c 'echo $$ >/run/site.pid; exec sleep 100000' </dev/null >/dev/null 2>&1 &
                while ! alive; do sleep 0.01; done; } ;;
            stop) [ -e /run/keep ] || ! alive || kill $(cat $pid); rm -f $pid ;;
            status) alive && echo running || echo stopped ;;
            esac

            """

        private func pid(_ stage: Stage) throws -> String {
            String(try stage.alpha.check("cat", "/run/site.pid").filter { $0 != "\n" })
        }

        @Test("What a script has started outlives the daemon's end and restart, and a stop that leaves it is told")
        func script() throws {
            try Stage.play { stage in
                for machine in [stage.alpha, stage.beta] {
                    try machine.check("mkdir", "-p", "/etc/ha.d/resource.d")
                    try machine.write("/etc/ha.d/resource.d/site", ResourceTests.script, mode: "755")
                }
                try stage.configure(resources: "site")
                try stage.start()
                let daemon = try pid(stage)
                let group = try stage.alpha.check("cat", "/proc/\(daemon)/cgroup")
                #expect(group.contains("/heartbeat.service/resources/site/run-"), "\(group)")

                try stage.alpha.check("systemctl", "restart", "heartbeat")
                try stage.awaitOwner("alpha")
                let main = try stage.property("MainPID")
                try stage.alpha.check("kill", "-KILL", main)
                try stage.waiting.until("another control", within: .seconds(30)) {
                    let next = try stage.property("MainPID")
                    return try next != main && next != "0" && stage.property("ActiveState") == "active"
                }
                try stage.awaitOwner("alpha")
                #expect(try pid(stage) == daemon)
                #expect(try stage.alpha.check("cat", "/proc/\(daemon)/cgroup") == group)
                #expect(try !stage.journal().contains("programs run without"))

                try stage.alpha.check("touch", "/run/keep")
                try stage.alpha.check("hb", "standby", "all")
                try stage.awaitOwner("beta")
                try stage.waiting.until("the word of what is left", within: .seconds(30)) {
                    try stage.journal().contains("site was stopped and has left processes running: \(daemon) (sleep)")
                }
                try stage.alpha.check("systemctl", "stop", "heartbeat")
                #expect(try stage.alpha.run(["kill", "-0", daemon]).status == .exited(0))
                try stage.alpha.check("systemctl", "start", "heartbeat")
                try stage.alpha.check("kill", daemon)
            }
        }

        @Test("A unit that dies is seen at once; one that is masked or fails is told in systemd's words")
        func units() throws {
            try Stage.play { stage in
                let unit = "[Service]\nExecStart=/usr/bin/sleep infinity\n"
                for machine in [stage.alpha, stage.beta] {
                    try machine.write("/etc/systemd/system/web.service", unit)
                    try machine.check("systemctl", "daemon-reload")
                }
                // Within this test nothing is looked at by the interval.
                try stage.configure(resources: "web.service", directives: "monitor web.service interval 10m")
                try stage.start()
                func main() throws -> String {
                    try stage.alpha.check("systemctl", "show", "--value", "-p", "MainPID", "web").filter { $0 != "\n" }
                }
                let first = try main()
                #expect(first != "0")
                try stage.alpha.check("kill", "-KILL", first)
                try stage.waiting.until("another web server", within: .seconds(30)) {
                    let next = try main()
                    return next != first && next != "0"
                }
                #expect(try stage.journal().contains("web.service failed: it does not run"))
                #expect(try stage.journal().contains("Restarting web.service"))

                try stage.alpha.check("hb", "standby", "all")
                try stage.awaitOwner("beta")
                try stage.alpha.check("systemctl", "mask", "--runtime", "web.service")
                // A file in /etc goes before the mask in /run.
                try stage.alpha.check("rm", "/etc/systemd/system/web.service")
                try stage.alpha.check("systemctl", "daemon-reload")
                _ = try stage.alpha.run(["hb", "takeover", "all"])
                try stage.waiting.until("the word of the mask", within: .seconds(30)) {
                    try stage.journal().contains(
                        "Giving up resources due to failure of web.service: Unit web.service is masked.")
                }
                try stage.awaitOwner("beta")
                #expect(try stage.alpha.run(["hb", "status"]).output.contains("Unit web.service is masked."))

                try stage.alpha.check("systemctl", "unmask", "--runtime", "web.service")
                try stage.alpha.write(
                    "/etc/systemd/system/web.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
                try stage.alpha.check("systemctl", "daemon-reload")
                try stage.alpha.check("hb", "cleanup")
                _ = try stage.alpha.run(["hb", "takeover", "all"])
                try stage.waiting.until("the word of the failure", within: .seconds(30)) {
                    try stage.journal().contains("web.service: job failed, then failed: journalctl -u web.service has")
                }
                try stage.awaitOwner("beta")
            }
        }
    }
}
