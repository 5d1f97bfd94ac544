// The watchdog with the kernel's own device, which resets the machine. Times are those of the machine's kernel: what a
// busy host takes from the machine does not count.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension MachineTests {
    @Suite("The watchdog of a real kernel", .serialized)
    struct WatchdogTests {
        /// One machine with softdog, whose daemon runs and has the address.
        private func play(
            deadtime: Int = 6000, parameters: String = "", _ scenario: (MachineStage) throws -> Void
        ) throws {
            try MachineStage.play(["alpha"]) { stage in
                try stage.alpha.powerOn()
                try stage.alpha.check("insmod /lib/modules/softdog.ko \(parameters)")
                try stage.configure(
                    stage.alpha,
                    [
                        "keepalive 500ms", "deadtime \(deadtime)ms", "initdead \(deadtime)ms",
                        "watchdog /dev/watchdog",
                    ])
                try stage.startDaemon(stage.alpha)
                try stage.awaitAddress(on: stage.alpha)
                #expect(try fact("state", stage) == "active")
                try scenario(stage)
            }
        }

        /// What the kernel says of its watchdog.
        private func fact(_ name: String, _ stage: MachineStage) throws -> String {
            String(try stage.alpha.check("cat /sys/class/watchdog/watchdog0/\(name)").prefix { $0 != "\n" })
        }

        /// Expects that the machine lives for longer than the watchdog counts.
        private func expectLife(_ stage: MachineStage, beyond timeout: Int) throws {
            try stage.alpha.check("sleep \(timeout + 2)")
        }

        /// Does something and waits for the reset; returns how long that took in seconds of the machine.
        private func timeToReset(_ stage: MachineStage, after script: String) throws -> Double {
            // The machine may go before it can answer.
            _ = try? stage.alpha.run("echo '<2>rig: from here' >/dev/kmsg\n\(script)", within: .seconds(5))
            try stage.alpha.awaitOff(within: .seconds(60))
            let console = stage.alpha.console
            let begin = try #require(instant(of: "rig: from here", console))
            let end = try #require(instant(of: "softdog: Initiating system reboot", console), "\(console)")
            print("reset after \(end - begin) s of the machine's clock: \(script)")
            return end - begin
        }

        /// The time before a line of the kernel, `[   12.345678] words`.
        private func instant(of words: String, _ console: String) -> Double? {
            guard let line = console.split(whereSeparator: \.isNewline).last(where: { $0.contains(words) }),
                let open = line.firstIndex(of: "["), let close = line[open...].firstIndex(of: "]")
            else { return nil }
            return Double(line[open..<close].dropFirst().drop { $0 == " " })
        }

        private func process(_ title: String, _ stage: MachineStage) throws -> String {
            let path = try stage.alpha.check("grep -l 'heartbeat: \(title)' /proc/[0-9]*/cmdline")
            return String(path.dropFirst("/proc/".count).prefix { $0 != "/" })
        }

        @Test("A machine lives through a hand-over and a clean stop")
        func life() throws {
            try play { stage in
                #expect(try fact("timeout", stage) == "5")
                try expectLife(stage, beyond: 5)

                try stage.endDaemon(stage.alpha, "USR1")
                #expect(try fact("timeout", stage) == "15")
                #expect(try stage.holds(stage.alpha))
                try stage.startDaemon(stage.alpha)
                try stage.waiting.until("the next daemon has the device", within: .seconds(14)) {
                    try fact("timeout", stage) == "5"
                }
                try expectLife(stage, beyond: 5)

                try stage.endDaemon(stage.alpha, "TERM")
                #expect(try fact("state", stage) == "inactive")
                try expectLife(stage, beyond: 5)
                #expect(try !stage.holds(stage.alpha))
            }
        }

        @Test("A machine lives where deadtime leaves time to replace a status process that hangs")
        func replaced() throws {
            try play(deadtime: 15_000) { stage in
                let status = try process("status process", stage)
                try stage.alpha.check("kill -STOP \(status)")
                // Control ends it after half of deadtime, and starts another one.
                try expectLife(stage, beyond: 14)
                #expect(try process("status process", stage) != status)
            }
        }

        @Test("A machine whose daemon was killed is reset within deadtime")
        func killed() throws {
            try play { stage in
                // Every process but the first one and the shell that says so.
                let time = try timeToReset(stage, after: "kill -KILL -1")
                #expect(time > 4 && time < 6, "\(time) s")
            }
        }

        @Test("A machine whose daemon is stopped is reset within deadtime")
        func stopped() throws {
            try play { stage in
                let time = try timeToReset(stage, after: "kill -STOP -1")
                #expect(time > 3 && time < 6, "\(time) s")
            }
        }

        @Test("A machine whose daemon hangs, and is killed then, lives for one more timeout and no longer")
        func killedLate() throws {
            try play { stage in
                try stage.alpha.check("kill -STOP -1\nsleep 3")
                let time = try timeToReset(stage, after: "kill -KILL -1")
                #expect(time < 6, "\(time) s")
            }
        }

        @Test("A machine is reset where deadtime leaves no time to replace a status process that hangs")
        func statusProcess() throws {
            try play { stage in
                let status = try process("status process", stage)
                // Not from the start: on a busy host the daemon may need longer than that for its first check-in.
                try stage.alpha.check(
                    """
                    sed -i 's/^deadtime .*/deadtime 3000ms/' /etc/ha.d/ha.cf
                    kill -HUP $(cat /run/control)
                    """)
                try stage.waiting.until("the shorter timeout") { try fact("timeout", stage) == "2" }
                let time = try timeToReset(stage, after: "kill -STOP \(status)")
                #expect(time < 3, "\(time) s")
            }
        }

        @Test("A machine is reset where a hand-over has no next daemon, after the time that the others wait")
        func handOver() throws {
            try play { stage in
                let end = "read -r pid </run/control; kill -USR1 $pid"
                let time = try timeToReset(stage, after: end)
                #expect(time > 10 && time < 20, "\(time) s")
            }
        }

        @Test("A device without a way out: the machine lives as long as a daemon comes back in time")
        func noWayOut() throws {
            try play(parameters: "nowayout=1") { stage in
                #expect(try fact("nowayout", stage) == "1")
                try stage.endDaemon(stage.alpha, "TERM")
                #expect(try fact("state", stage) == "active")
                #expect(stage.alpha.log.contains("/dev/watchdog cannot be stopped: it resets this node in 5"))
                try stage.startDaemon(stage.alpha)
                try expectLife(stage, beyond: 5)
                try stage.awaitAddress(on: stage.alpha)
                let time = try timeToReset(stage, after: "read -r pid </run/control; kill -TERM $pid")
                #expect(time < 10, "\(time) s")
            }
        }
    }
}
