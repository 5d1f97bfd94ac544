// The run: clusters one after the other, faults, repair, audit; and what is said of it.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// The program.
struct Torture {
    private let options: Options
    private let binaries: String
    private var failures = 0
    private var iterationsDone = 0

    /// Runs; the exit code is 1 where an audit failed, 2 for a wrong command line, 4 without the rights.
    static func main(_ arguments: [String]) -> Int32 {
        if arguments.contains("--help") {
            print(Options.usage)
            return 0
        }
        let options: Options
        do { options = try Options(arguments) } catch {
            print("hb_torture: \(error)\n\(Options.usage)")
            return 2
        }
        guard geteuid() == 0 else {
            print("hb_torture: must be started by root: it makes network namespaces")
            return 4
        }
        do {
            var torture = try Torture(options)
            return try torture.run()
        } catch {
            print("hb_torture: \(error)")
            return 1
        }
    }

    private init(_ options: Options) throws {
        self.options = options
        guard let own = FileSystem.target(ofLink: "/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
            throw RigError("/proc is not mounted")
        }
        binaries = String(own[..<slash])
        // The disks of the nodes are mounted where nobody else sees them.
        guard unshare(CLONE_NEWNS) == 0, mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else {
            throw SystemError.last("make a mount namespace")
        }
    }

    private mutating func run() throws -> Int32 {
        say("seed \(options.seed), iterations \(options.first) to \(options.first + options.iterations - 1)")
        let begin = Clock.now()
        let length = options.roundLength
        var next = options.first
        while next < options.first + options.iterations {
            let round = (next - 1) / length
            let end = min(options.first + options.iterations, (round + 1) * length + 1)
            next = try runRound(Scenario(options, number: round), next..<end)
            if failures > 0 && !options.keepsGoing { break }
        }
        let seconds = (Clock.now() - begin).wholeMilliseconds / 1000
        say("\(iterationsDone) iterations in \(seconds) s, \(failures) failed")
        return failures == 0 ? 0 : 1
    }

    /// Iterations with one cluster; returns the one to go on with.
    private mutating func runRound(_ scenario: Scenario, _ range: Range<Int>) throws -> Int {
        say("cluster: \(scenario.description)")
        let victim = try Victim(scenario, binaries: binaries, seed: options.seed)
        var growth = GrowthAudit()
        var copy: String?
        defer { victim.finish(keeping: copy) }
        _ = try victim.settle(faults: [])
        guard try verdict(victim, victim.audit(.none), range.lowerBound, &copy) else { return range.upperBound }
        for iteration in range {
            var draw = FaultDraw(scenario, seed: options.seed, iteration: iteration)
            let findings = try play(victim, draw.draw(), iteration)
            iterationsDone += 1
            guard verdict(victim, findings, iteration, &copy) else { return iteration + 1 }
            victim.kills.removeAll { Clock.now() - $0.time > .seconds(60) }
            growth.sample(victim.cluster.nodes)
            victim.emptyLogs()
        }
        say("  " + growth.summary)
        _ = verdict(victim, growth.findings, range.upperBound - 1, &copy)
        return range.upperBound
    }

    private func play(_ victim: Victim, _ faults: [TimedFault], _ iteration: Int) throws -> [String] {
        let names = victim.scenario.nodes
        let owners = victim.owners
        let starts = victim.journals.map(\.starts)
        let begin = Clock.now()
        victim.story.append("iteration \(iteration), at \(begin)")
        do {
            try victim.play(faults)
            try victim.heal()
            let healed = Clock.now()
            let settled = try victim.settle(faults: faults.map(\.fault))
            victim.watch.read()
            let stall = victim.watch.stalls.map(\.lateness).max() ?? .zero
            say("\(iteration): \(faults.map { $0.describe(names) }.joined(separator: "; "))"
                + " -> \(settled.wholeMilliseconds) ms\(stall > .zero ? ", stall \(stall.wholeMilliseconds) ms" : "")")
            victim.mayEnd = names.map { _ in false }
            return try victim.audit(
                Evidence(
                    faults: faults, begin: begin, healed: healed, stall: stall, owners: owners, starts: starts))
        } catch {
            say("\(iteration): \(faults.map { $0.describe(names) }.joined(separator: "; ")) -> \(error)")
            return ["\(error)"]
        }
    }

    /// Reports findings; false where there are any.
    private mutating func verdict(
        _ victim: Victim, _ findings: [String], _ iteration: Int, _ copy: inout String?
    ) -> Bool {
        if findings.isEmpty { return true }
        failures += 1
        let folder = "/tmp/\(Victim.prefix)-failed-\(options.seed)-\(iteration)-\(getpid())"
        copy = folder
        let story = victim.story.suffix(40).joined(separator: "\n")
        let text = findings.map { "  ! \($0)\n" }.joined()
        say("iteration \(iteration) failed:\n\(text)what was done last:\n\(story)\nlogs, journals and files: \(folder)")
        let report = "seed \(options.seed)\n\(victim.scenario.description)\n\(text)\n\(story)\n"
        try? Folder.write(report, to: victim.cluster.folder + "/report")
        return false
    }

    private func say(_ text: String) {
        print(text)
        fflush(cl_stdout())
    }
}

extension Evidence {
    /// Of a cluster that was only started.
    static var none: Evidence {
        let now = Clock.now()
        return Evidence(faults: [], begin: now, healed: now, stall: .zero, owners: [], starts: [])
    }
}
