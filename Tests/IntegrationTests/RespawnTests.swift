import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Clients that the daemon keeps running")
    struct RespawnTests {
        /// Notes what happens to it: `KEY start`, `KEY term`. Its exit code is that of the file KEY.code, once there is
        /// one.
        private func script(_ folder: String) -> String {
            """
            #!/bin/sh
            # KEY
            echo "$1 start $(id -un)" >>\(folder)/respawn.log
            trap 'echo "$1 term" >>\(folder)/respawn.log; exit 0' TERM
            while [ ! -e \(folder)/$1.code ]; do sleep 0.05; done
            exit "$(cat \(folder)/$1.code)"

            """
        }

        private func prepare(_ stage: Stage, _ lines: [String]) throws {
            let path = stage.cluster.folder + "/client"
            try Folder.write(script(stage.cluster.folder), to: path, mode: 0o755)
            let file = stage.alpha.configurationFolder + "/ha.cf"
            let added = lines.map { $0.replacing("CLIENT", with: path) + "\n" }.joined()
            try Folder.write(Folder.read(file) + added, to: file)
        }

        private func record(_ stage: Stage) -> [String] {
            Folder.read(stage.cluster.folder + "/respawn.log").split(separator: "\n").map(String.init)
        }

        private func pids(_ stage: Stage, _ key: String) -> [pid_t] {
            stage.alpha.processes.filter { $0.title.hasSuffix("/client \(key)") }.map(\.pid)
        }

        @Test("Clients are started in order, again when they end, not after code 100, and ended in reverse order")
        func life() throws {
            try Stage.play { stage in
                chmod(stage.cluster.folder, 0o777)
                try Folder.write("", to: stage.cluster.folder + "/respawn.log", mode: 0o666)
                let lines = ["root CLIENT one", "nobody CLIENT two", "root CLIENT three"]
                try prepare(stage, lines.map { "respawn \($0)" })
                try stage.start()
                let users = ["one": "root", "two": "nobody", "three": "root"]
                try stage.waiting.until("three clients") { record(stage).count == 3 }
                #expect(Set(record(stage)) == Set(users.map { "\($0) start \($1)" }))
                // Ordinary programs, with the rights of their user.
                let two = try #require(pids(stage, "two").first)
                let status = Folder.read("/proc/\(two)/status")
                #expect(status.contains("CapEff:\t0000000000000000"))

                try Children.signal(two, SIGKILL)
                try stage.waiting.until("the second again") { record(stage).count == 4 }
                #expect(record(stage).last == "two start nobody")
                try Folder.write("100", to: stage.cluster.folder + "/two.code")
                try stage.waiting.until("the second ended") { pids(stage, "two").isEmpty }
                try stage.waiting.pass(.milliseconds(300))
                #expect(record(stage).count == 4)

                #expect(try stage.alpha.stopDaemon() == .exited(0))
                #expect(record(stage).suffix(2) == ["three term", "one term"])
                #expect(stage.alpha.processes.count == 1, "\(stage.alpha.processes.map(\.title))")
            }
        }

        @Test("A failfast client that is killed takes its machine with it; asked to end, or with code 0, it does not")
        func failfast() throws {
            try Stage.play { stage in
                try prepare(stage, ["failfast root CLIENT one"])
                try stage.start()
                // The kernel then ends the process namespace of the node, and nothing else.
                try #require(stage.alpha.isIsolated)
                try stage.waiting.until("the client") { record(stage) == ["one start root"] }
                try Children.signal(try #require(pids(stage, "one").first), SIGTERM)
                try stage.waiting.until("the client again") {
                    record(stage) == ["one start root", "one term", "one start root"]
                }
                #expect(try stage.alpha.stopDaemon() == .exited(0))
                #expect(!stage.alpha.processes.isEmpty, "the machine runs on")
                #expect(record(stage).last == "one term")

                try stage.alpha.startDaemon()
                try stage.waiting.until("the client of the next daemon") { record(stage).last == "one start root" }
                try stage.awaitHome()
                let pid = try #require(pids(stage, "one").first)
                try Children.signal(pid, SIGKILL)
                try stage.waiting.until("alpha down") { stage.alpha.processes.isEmpty }
                try stage.alpha.noteDown()
                try stage.awaitBoth(on: stage.beta)
            }
        }

        @Test("A client that ends again and again is given up, and the cluster goes on")
        func tooFast() throws {
            try Stage.play { stage in
                try prepare(stage, ["respawn root CLIENT one"])
                try Folder.write("3", to: stage.cluster.folder + "/one.code")
                try stage.start()
                try stage.waiting.until("the end of the attempts") {
                    stage.alpha.log.contains("respawning too fast")
                }
                // The first start, and ten more.
                #expect(record(stage).count == 11)
                try stage.expectCalm(for: Stage.deadtime)
                stage.expectNobodyDied()
            }
        }
    }
}
