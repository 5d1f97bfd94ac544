// Two machines with kernels of their own, one of which loses its power or stands still: who answers for the address.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension MachineTests.PairTests {
    @Suite("An address on two real kernels")
    struct TakeoverTests {
        private func play(_ directives: [String], _ scenario: (MachineStage) throws -> Void) throws {
            try MachineStage.play(["alpha", "beta"]) { stage in
                try stage.room.powerOn()
                for machine in stage.room.machines {
                    try stage.configure(
                        machine, ["keepalive 500ms", "deadtime 6s", "initdead 30s"] + directives)
                    try stage.startDaemon(machine)
                }
                try stage.awaitAddress(on: stage.alpha)
                let answers = try stage.ask(stage.alpha, seconds: 2).finish()
                #expect(answers.echoes > 0, "the questions find nobody")
                #expect(answers.isOwner(stage.alpha) && !answers.isOwner(stage.beta), "\(answers.owners)")
                try scenario(stage)
            }
        }

        private static let ping = ["ping \(NetworkPlan.router())"]

        @Test("After a power cut the other machine answers, also when the first one is there again")
        func powerCut() throws {
            try play(TakeoverTests.ping) { stage in
                try stage.alpha.cutPower()
                try stage.awaitAddress(on: stage.beta)
                try stage.alpha.powerOn()
                try stage.configure(
                    stage.alpha, ["keepalive 500ms", "deadtime 6s", "initdead 30s"] + TakeoverTests.ping)
                try stage.startDaemon(stage.alpha)
                try stage.waiting.until("alpha hears beta", within: .seconds(60)) {
                    stage.alpha.log.contains("now set to: 'active'")
                }
                let answers = try stage.ask(stage.alpha, seconds: 3).finish()
                #expect(answers.echoes == 0)
                #expect(answers.isOwner(stage.beta) && !answers.isOwner(stage.alpha), "\(answers.owners)")
            }
        }

        @Test(
            "A machine that stood still answers no question when it goes on, and gives up",
            arguments: [TakeoverTests.ping, []])
        func pause(_ directives: [String]) throws {
            try play(directives) { stage in
                try stage.alpha.pause()
                try stage.awaitAddress(on: stage.beta)
                // What is asked while it stands still waits at its card.
                let questions = try stage.ask(stage.alpha, seconds: 10)
                try stage.waiting.pass(.seconds(1))
                try stage.alpha.resume()
                let answers = try questions.finish()
                #expect(answers.echoes == 0)
                #expect(answers.isOwner(stage.beta) && !answers.isOwner(stage.alpha), "\(answers.owners)")
                try stage.waiting.until("alpha without the address", within: .seconds(30)) {
                    try !stage.holds(stage.alpha)
                }
                #expect(try stage.holds(stage.beta))
            }
        }

        @Test("A machine that stood still with its clock answers for less than a lease, and gives up")
        func pauseOfClock() throws {
            try play(TakeoverTests.ping) { stage in
                try stage.alpha.pause(.stops)
                try stage.awaitAddress(on: stage.beta)
                let questions = try stage.ask(stage.alpha, seconds: 12)
                try stage.alpha.resume(.stops)
                let answers = try questions.finish()
                // A hundred questions a second, a lease of 5.5 s.
                #expect(answers.echoes < 550)
                #expect(answers.isOwner(stage.beta))
                try stage.waiting.until("alpha without the address", within: .seconds(30)) {
                    try !stage.holds(stage.alpha)
                }
                #expect(try stage.holds(stage.beta))
                print("a machine whose clock stood still answered \(answers.echoes) questions, a hundred a second")
            }
        }
    }
}
