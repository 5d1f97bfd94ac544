import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("What was said to a status process counts for the one after it")
    struct EndTests {
        private static let title = "heartbeat: status process"

        /// Sends a signal to alpha's control process in the moment in which its status process dies, which has not
        /// taken the order yet.
        private func signal(_ number: Int32, _ stage: Stage) throws {
            let status = try #require(stage.alpha.process(titled: EndTests.title))
            let control = try #require(stage.alpha.control)
            try Children.signal(status.pid, SIGSTOP)
            try Children.signal(control.pid, number)
            // Control has put the order into the channel by then, and the other node has not missed a keepalive.
            Clock.wait(.milliseconds(50))
            try Children.signal(status.pid, SIGKILL)
        }

        @Test("A node that shuts down ends, though its status process dies of it, and takes nothing again")
        func shutdown() throws {
            try Stage.play { stage in
                try stage.start()
                try signal(SIGTERM, stage)
                #expect(try stage.alpha.awaitDaemonEnd() == .exited(0))
                try stage.awaitBoth(on: stage.beta)
                #expect(stage.record("one") == ["alpha start", "alpha stop", "beta start"])
                #expect(!stage.alpha.holds(Stage.addressA))
            }
        }

        @Test("A hand-over takes place, though the status process dies of it")
        func handOver() throws {
            try Stage.play { plan in
                plan.files.deadtime = "3s"
            } _: { stage in
                try stage.start()
                try signal(SIGUSR1, stage)
                #expect(try stage.alpha.awaitDaemonEnd() == .exited(0))
                try stage.expectCalm(for: .seconds(1))
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                stage.expectNothingMoved()
            }
        }

        @Test("A status process that is started anew goes by the files that are in force, not by those being written")
        func changedFiles() throws {
            try Stage.play { stage in
                try stage.start()
                let folder = stage.alpha.configurationFolder
                let (settings, groups) = (Folder.read(folder + "/ha.cf"), Folder.read(folder + "/haresources"))
                try Folder.write("keepalive nonsense\n", to: folder + "/ha.cf")
                try Folder.write("", to: folder + "/haresources")
                for title in [EndTests.title, "heartbeat: resource manager"] {
                    let old = try #require(stage.alpha.process(titled: title))
                    try Children.signal(old.pid, SIGKILL)
                    try stage.waiting.until("a new \(title)") {
                        stage.alpha.process(titled: title).map { $0.pid != old.pid && $0.state != "Z" } ?? false
                    }
                    try stage.awaitHome()
                }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try Folder.write(settings, to: folder + "/ha.cf")
                try Folder.write(groups, to: folder + "/haresources")
            }
        }

        @Test("A status process that cannot be started is tried again, and meanwhile nothing runs on two nodes")
        func unstartable() throws {
            try Stage.play { stage in
                try stage.start()
                // No generation can be written, as on a disk that the kernel has made read-only.
                let place = try #require(
                    [stage.alpha.paths.stateDirectory, stage.alpha.runFolder].first {
                        FileSystem.kind(of: $0 + "/hb_generation") != nil
                    })
                #expect(mkdir(place + "/hb_generation.new", 0o700) == 0)
                let control = try #require(stage.alpha.control)
                let status = try #require(stage.alpha.process(titled: EndTests.title))
                try Children.signal(status.pid, SIGKILL)
                try stage.waiting.until("a takeover") { stage.record("one").contains("beta start") }
                try stage.waiting.until("alpha's own stop") { stage.record("one").contains("alpha stop") }
                #expect(stage.record("one").prefix(2) == ["alpha start", "alpha stop"])
                #expect(stage.alpha.control?.pid == control.pid)
                rmdir(place + "/hb_generation.new")
                try stage.awaitHome()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
            }
        }
    }
}
