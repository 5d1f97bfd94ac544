// `hb simulate`: the administrator's own configuration under thousands of fault schedules, on virtual time.
import Admin
import CLinux
import ClusterConfig
import ClusterModel
import JSON
import Simulation

extension Tool {
    static let simulate = Tool(
        verb: "simulate", program: nil, summary: "try the configuration against thousands of fault schedules",
        usage: "[--runs N] [--seed S] [--json] [--cut [NODE:]LINK] [--kill NODE] [--pause NODE TIME]",
        help: """
            Runs the cluster of ha.cf and haresources on virtual time, with the daemon's own decisions, under random
            faults, and says how long each group was not served, and whether two nodes ever served one at once. Needs
            neither root nor a running daemon, and touches nothing.

                  --runs N           schedules to try (1000; 100 where the faults are given)
                  --seed S           another choice of schedules (1); equal seeds give equal reports
              -j, --json             as JSON; hb(1) describes it
                  --cut LINK         what if this medium fails: an interface or a serial line, as in ha.cf
                  --cut NODE:LINK    what if it fails on this node alone: its card, its cable
                  --kill NODE        what if this node loses power
                  --pause NODE TIME  what if its processes are stopped for so long: 3s, 500ms

            Faults that are given happen together; without any all kinds are drawn. ^C ends it with a report of what
            was tried until then.

            Exit status: 0 no group was ever served by two nodes at once, 1 one was, 2 wrong command line or
            configuration, 6 none was, but ^C ended it, or the report could not be written.

            """,
        options: [
            ProgramOption("runs", value: .required), ProgramOption("seed", value: .required),
            ProgramOption("json", "j"), ProgramOption("cut", value: .required),
            ProgramOption("kill", value: .required), ProgramOption("pause", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        let given = arguments.options.contains { ["cut", "kill", "pause"].contains($0.name) }
        let seed = try arguments.number("seed") ?? 1
        let runs = try arguments.number("runs") ?? (given ? 100 : 1000)
        guard (1...10_000_000).contains(runs) else { throw UsageError("--runs takes a number from 1 to 10000000") }
        let folder = ConfigurationFolder(arguments.common.paths.configurationDirectory)
        guard let configuration = folder.simulated() else { return ExitStatus.usage }
        guard let cluster = StudyCluster(configuration, seed: seed) else {
            invocation.complain(
                configuration.groups.isEmpty || configuration.nodes.count < 2
                    ? "there is nothing to simulate: a cluster has two nodes and a group at least"
                    : "the cluster does not come to rest even without a fault: do its nodes hear each other?")
            return ExitStatus.usage
        }
        let steps = try cluster.steps(arguments)
        let study = Study(cluster: cluster, configuration: configuration, steps: steps, runs: Int(runs), seed: seed)
        let report = study.report(progress: Progress(total: Int(runs)))
        let text = arguments.has("json") ? report.json.text(isCompact: false) + "\n" : report.text(Painter.ofOutput)
        guard Terminal.print(text) else { return ExitStatus.unknown }
        return report.isDouble ? ExitStatus.failed : report.isComplete ? ExitStatus.done : ExitStatus.unknown
    }
}

extension ProgramArguments {
    fileprivate func number(_ name: String) throws(UsageError) -> UInt64? {
        guard let text = value(name) else { return nil }
        guard let number = UInt64(text) else { throw UsageError("--\(name) takes a number, not '\(text)'") }
        return number
    }
}

extension ConfigurationFolder {
    /// What the files say, as any of their nodes would read them; nil after complaints. Keys, devices and scripts of
    /// this machine do not matter.
    fileprivate func simulated() -> Configuration? {
        var (files, facts) = read()
        var names: [String] = []
        for line in String(decoding: files.haConfig.bytes ?? [], as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split { " \t,".contains($0) }
            if words.first == "node" { names += words.dropFirst().map { $0.lowercased() } }
        }
        if let first = names.first, !names.contains(facts.localNode) { facts.localNode = first }
        facts.interfaces = nil
        facts.scripts = nil
        facts.kindOfPath = nil
        facts.keysMode = nil
        facts.keysOwner = nil
        files.keys.bytes = Array("auth 1\n1 sha256 simulated\n".utf8)
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        if configuration == nil { Terminal.complain(Terminal.printable(diagnostics.rendered)) }
        return configuration
    }
}

extension StudyCluster {
    /// The faults of a command line, all at once; empty where none is given.
    fileprivate func steps(_ arguments: ProgramArguments) throws(UsageError) -> [Step] {
        var steps: [Step] = []
        var times = arguments.operands[...]
        for option in arguments.options {
            let word = option.value ?? ""
            switch option.name {
            case "cut": steps.append(Step(at: .zero, fault: try failure(word)))
            case "kill": steps.append(Step(at: .zero, fault: .kill(node: try node(word))))
            case "pause":
                guard let time = times.popFirst() else { throw UsageError("--pause needs a node and a time: 3s") }
                steps.append(Step(at: .zero, fault: .pause(node: try node(word), try StudyCluster.duration(time))))
            default: break
            }
        }
        if let rest = times.first { throw UsageError("unexpected word '\(rest)'") }
        return steps
    }

    /// `eth0`, or `alpha:eth0`.
    private func failure(_ word: String) throws(UsageError) -> Fault {
        if let fault = failure(of: word) { return fault }
        let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
        if parts.count == 2, let fault = failure(of: parts[1], node: try node(parts[0])) { return fault }
        throw UsageError("no medium is called '\(word)': \(links.joined(separator: ", "))")
    }

    private func node(_ word: String) throws(UsageError) -> Int {
        guard let node = nodes.firstIndex(of: word.lowercased()) else {
            throw UsageError("no node is called '\(word)': \(nodes.joined(separator: ", "))")
        }
        return node
    }

    /// `3s`, `500ms`, `2m`; seconds without a unit.
    private static func duration(_ text: String) throws(UsageError) -> Duration {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let units = ["ms": 1.0, "s": 1000, "": 1000, "m": 60_000]
        guard let unit = units[String(text.dropFirst(digits.count))], let number = Double(digits), number > 0,
            number * unit <= 86_400_000
        else { throw UsageError("'\(text)' is no time: 3s, 500ms") }
        return .nanoseconds(Int64(number * unit * 1_000_000))
    }
}
