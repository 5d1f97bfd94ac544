// When the watchdog is fed. The device is a pseudo-terminal that shows what is written to it: a stand-in, which has no
// timeout and resets nothing.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Feeding the watchdog")
    struct WatchdogTests {
        /// The side of the device that the kernel would have.
        private final class Listener {
            let master: Descriptor
            /// Kept open, so that the master never sees an end.
            let slave: Descriptor
            let path: String

            init() throws {
                master = Descriptor(
                    owning: try retrying("open a pseudo-terminal") { posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) })
                var name = [CChar](repeating: 0, count: 128)
                guard grantpt(master.raw) == 0, unlockpt(master.raw) == 0,
                    ptsname_r(master.raw, &name, name.count) == 0
                else { throw SystemError.last("set up a pseudo-terminal") }
                path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                slave = try Descriptor.open(path, O_RDWR | O_NOCTTY)
                var settings = termios()
                guard tcgetattr(slave.raw, &settings) == 0 else { throw SystemError.last("read the settings") }
                cfmakeraw(&settings)
                guard tcsetattr(slave.raw, TCSANOW, &settings) == 0 else { throw SystemError.last("set up \(path)") }
                try master.setNonBlocking(true)
            }

            /// What was written since the last call.
            func take() -> [UInt8] {
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = read(master.raw, &bytes, bytes.count)
                return count > 0 ? Array(bytes[..<count]) : []
            }
        }

        private func expectFed(_ listener: Listener, _ stage: Stage) throws {
            _ = listener.take()
            try stage.waiting.until("the watchdog is fed") { listener.take().contains(0) }
        }

        @Test("fed while status process and resource manager check in, disarmed by a stop, not by a hand-over")
        func feeding() throws {
            try Stage.play { plan in
                plan.files.deadtime = "2s"
            } _: { stage in
                let listener = try Listener()
                let file = stage.alpha.configurationFolder + "/ha.cf"
                try Folder.write(Folder.read(file) + "watchdog \(listener.path)\n", to: file)
                try stage.start()
                try expectFed(listener, stage)

                let status = try #require(stage.alpha.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, SIGSTOP)
                _ = try stage.waiting.watch(.milliseconds(300)) { nil as Int? }
                _ = listener.take()
                let fed = try stage.waiting.watch(.milliseconds(1200)) { listener.take().isEmpty ? nil : true }
                #expect(fed == nil, "fed while the status process was stopped")
                try Children.signal(status.pid, SIGCONT)
                try expectFed(listener, stage)

                let manager = try #require(stage.alpha.process(titled: "heartbeat: resource manager"))
                try Children.signal(manager.pid, SIGSTOP)
                try stage.waiting.until("the daemon sees it") {
                    stage.alpha.log.contains("the resource manager has not checked in")
                }
                _ = listener.take()
                let starved = try stage.waiting.watch(.milliseconds(1200)) { listener.take().isEmpty ? nil : true }
                #expect(starved == nil, "fed while the resource manager was stopped")
                try Children.signal(manager.pid, SIGCONT)
                try expectFed(listener, stage)

                #expect(try stage.alpha.stopDaemon() == .exited(0))
                #expect(listener.take().last == UInt8(ascii: "V"))

                try stage.alpha.startDaemon()
                try expectFed(listener, stage)
                try stage.awaitHome()
                try Folder.write(Folder.read(file).replacing("watchdog \(listener.path)\n", with: ""), to: file)
                try Children.signal(try #require(stage.alpha.control).pid, 1)
                try stage.waiting.until("the daemon says that it keeps the device") {
                    stage.alpha.log.contains("not applied until heartbeat is restarted: watchdog")
                }
                try expectFed(listener, stage)
                let control = try #require(stage.alpha.control)
                _ = listener.take()
                try Children.signal(control.pid, SIGUSR1)
                try stage.alpha.awaitDaemonEnd()
                let last = listener.take()
                #expect(last.last == 0, "\(last)")
                #expect(!last.contains(UInt8(ascii: "V")))
            }
        }

        @Test("hb status names what does not protect a node as ha.cf has it: a watchdog, the lease of addresses")
        func lacks() throws {
            try Stage.play { plan in
                plan.files.deadtime = "2s"
            } _: { stage in
                let file = stage.alpha.configurationFolder + "/ha.cf"
                try Folder.write(Folder.read(file) + "watchdog /dev/no-watchdog\n", to: file)
                for node in stage.cluster.nodes { try node.powerOn() }
                try stage.alpha.command(["mount", "--bind", "/dev/null", "/usr/sbin/nft"]).check()
                for node in stage.cluster.nodes { try node.startDaemon() }
                try stage.awaitHome()
                func problems() throws -> (isWell: Bool, text: String) {
                    let outcome = try stage.alpha.run("hb", ["status"])
                    return (outcome.succeeded, outcome.output)
                }
                let lacking = try problems()
                #expect(!lacking.isWell && lacking.text.contains("no watchdog resets this node: open /dev/no-watchdog"))
                #expect(lacking.text.contains("nftables cannot lease addresses"), "\(lacking.text)")

                // A status process started anew is told as well, and a resource manager that can is not blamed.
                try stage.alpha.command(["umount", "/usr/sbin/nft"]).check()
                for title in ["heartbeat: status process", "heartbeat: resource manager"] {
                    let old = try #require(stage.alpha.process(titled: title))
                    try Children.signal(old.pid, SIGKILL)
                    try stage.waiting.until("another \(title)") {
                        stage.alpha.process(titled: title).map { $0.pid != old.pid } ?? false
                    }
                }
                try stage.awaitHome()
                let mended = try problems()
                #expect(!mended.isWell && mended.text.contains("no watchdog resets this node"), "\(mended.text)")
                #expect(!mended.text.contains("nftables cannot lease addresses"), "\(mended.text)")
            }
        }
    }
}
