// Monitors and maintenance on real daemons, from the dead service to what an operator sees.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Monitors and maintenance")
    struct Monitors {
        /// A service whose state is a file, at home on alpha, looked at ten times a second.
        private func play(_ scenario: (Stage, String) throws -> Void) throws {
            try Stage.play { plan in
                plan.files.groups[0] = "alpha \(Stage.groupA) service recorder::one"
                plan.files.directives = [
                    "monitor service interval 100ms restarts 2 within 10m"
                ]
            } _: { stage in
                let state = "\(stage.cluster.folder)/service"
                let text = """
                    #!/bin/sh
                    case "$1" in
                    start) touch \(state).$HA_CURHOST;;
                    stop) rm -f \(state).$HA_CURHOST;;
                    status) if [ -e \(state).$HA_CURHOST ]; then echo running; else echo "shot by a test"; fi;;
                    esac
                    """
                for node in stage.cluster.nodes {
                    try Folder.write(text, to: node.configurationFolder + "/resource.d/service", mode: 0o755)
                }
                try stage.start()
                try scenario(stage, state)
            }
        }

        private func exists(_ path: String) -> Bool { FileSystem.kind(of: path) != nil }

        private func failures(_ node: Node) -> [ResourceFailureReport] {
            node.report()?.groups.first { $0.name == Stage.groupA }?.resourceFailures ?? []
        }

        @Test("What dies is started again where it is; when it dies too often, its group moves; hb status has it all")
        func restarts() throws {
            try play { stage, state in
                for count in 1...2 {
                    unlink("\(state).alpha")
                    try stage.waiting.until("restart \(count)") { failures(stage.alpha).first?.count == count }
                    try stage.waiting.until("it runs again") { exists("\(state).alpha") }
                    try stage.waiting.until("its follower too") { stage.record("one").count == 1 + 2 * count }
                }
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                let failure = try #require(failures(stage.alpha).first)
                #expect(failure.resource == "service" && failure.operation == "monitor")
                #expect(failure.output.contains("shot by a test"))
                let status = try stage.alpha.run("hb", ["status"])
                #expect(status.output.contains("shot by a test"), "\(status.output)")

                unlink("\(state).alpha")
                try stage.cluster.awaitOwner("beta", of: Stage.groupA)
                #expect(exists("\(state).beta") && !exists("\(state).alpha"))
                #expect(try stage.beta.run("hb", ["cleanup"]).status == .exited(0))
                try stage.waiting.until("nothing is known any more") { failures(stage.alpha).isEmpty }
                try stage.cluster.awaitOwner("alpha", of: Stage.groupA)
                stage.expectNobodyDied()
            }
        }

        @Test("A frozen cluster lets the dead lie, says so, and sees to it when it is managed again")
        func freeze() throws {
            try play { stage, state in
                let freeze = try stage.beta.run("hb", ["freeze", "--for", "10m", "--reason", "new cables"])
                #expect(freeze.status == .exited(0), "\(freeze.output)")
                unlink("\(state).alpha")
                try stage.waiting.until("the failure is told") { failures(stage.alpha).first?.count == 1 }
                try stage.expectCalm(for: Stage.deadtime)
                #expect(!exists("\(state).alpha"))
                #expect(stage.record("one") == ["alpha start"])
                let status = try stage.alpha.run("hb", ["status"])
                #expect(status.status == .exited(1) && status.output.contains("new cables"), "\(status.output)")
                let standby = try stage.alpha.run("hb_standby", ["local"])
                #expect(standby.status == .exited(1), "\(standby.output)")

                #expect(try stage.alpha.run("hb", ["freeze", "--end"]).status == .exited(0))
                try stage.waiting.until("it runs again") { exists("\(state).alpha") }
                #expect(stage.alpha.report()?.frozen == nil)
                stage.expectNobodyDied()
            }
        }
    }
}
