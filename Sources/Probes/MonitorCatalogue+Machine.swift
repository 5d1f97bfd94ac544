// Monitors of the machine that they run on. What they check stands in their arguments; hosts are not looked at.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem

extension MonitorCatalogue {
    static let local = [process, unit, freespace, load, raid]

    private static let process = MonitorEntry(
        name: "process.monitor", options: [MonitorOption("u", "unit")]
    ) { arguments throws(MonitorProblem) in
        var demands: [String: ProcessDemand] = [:]
        let unit = arguments.text("unit")
        for operand in arguments.operands {
            let demand = try processDemand(operand, unit)
            demands[demand.name] = demand
        }
        if demands.isEmpty, let unit { demands[unit] = ProcessDemand(name: "*", count: 1...Int.max, unit: unit) }
        try expectSubjects(demands.isEmpty, "the name of a program", "process.monitor nginx:1-8")
        let all = demands
        return MonitorPlan(timeout: .seconds(10), subjects: Array(demands.keys)) { tools, name, _, done in
            done(all[name]?.finding(in: tools.processes) ?? Finding(failure: "nothing is expected of it"))
            return nil
        }
    }

    /// `nginx`, `nginx:2`, `nginx:1-8`, `oldd:0`
    private static func processDemand(
        _ operand: MonitorArguments.Given, _ unit: String?
    ) throws(MonitorProblem) -> ProcessDemand {
        let parts = operand.value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return ProcessDemand(name: operand.value, count: 1...Int.max, unit: unit) }
        let ends = parts[1].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(ends.count), let low = ends[0], low >= 0, !parts[0].isEmpty else {
            throw MonitorProblem(
                word: operand.word, "'\(operand.value)' is no name and number", suggestion: "for example nginx:1-8")
        }
        if ends.count == 1 {
            return ProcessDemand(name: String(parts[0]), count: low == 0 ? 0...0 : low...Int.max, unit: unit)
        }
        guard let high = ends[1], low <= high else {
            throw MonitorProblem(word: operand.word, "'\(parts[1])' is no range", suggestion: "for example 1-8")
        }
        return ProcessDemand(name: String(parts[0]), count: low...high, unit: unit)
    }

    private static let unit = MonitorEntry(
        name: "unit.monitor", options: [timeout, MonitorOption("s", "state")]
    ) { arguments throws(MonitorProblem) in
        let states = arguments.text("state")?.split(separator: ",").map(String.init) ?? ["active", "reloading"]
        let known = ["active", "reloading", "inactive", "failed", "activating", "deactivating"]
        for given in arguments.options where given.name == "state" {
            guard let wrong = states.first(where: { !known.contains($0) }) else { continue }
            throw MonitorProblem(
                word: given.word, "unknown state '\(wrong)'",
                suggestion: Spelling.nearest(to: wrong, among: known).map { "did you mean \($0)?" }
                    ?? "known are \(Spelling.list(known, joinedBy: "and"))")
        }
        let units = arguments.operands.map { $0.value.contains(".") ? $0.value : $0.value + ".service" }
        try expectSubjects(units.isEmpty, "a unit", "unit.monitor nginx.service")
        let timeout = try arguments.seconds("timeout", default: .seconds(10))
        return MonitorPlan(timeout: timeout, subjects: units) { tools, unit, end, done in
            UnitCheck(unit, states: states, tools: tools, deadline: end, done)
        }
    }

    // MARK: Room

    private static let freespace = MonitorEntry(
        name: "freespace.monitor", options: [timeout, MonitorOption("i", "inodes")]
    ) { arguments throws(MonitorProblem) in
        let inodes = try arguments.number("inodes", in: 0...100, default: 0)
        var demands: [String: SpaceDemand] = [:]
        for operand in arguments.operands {
            let demand = try spaceDemand(operand, inodes == 0 ? nil : inodes)
            demands[demand.path] = demand
        }
        try expectSubjects(demands.isEmpty, "a path and how much must be free there", "freespace.monitor /srv:10%")
        let all = demands
        let timeout = try arguments.seconds("timeout", default: .seconds(10))
        return MonitorPlan(timeout: timeout, subjects: Array(demands.keys)) { tools, path, end, done in
            guard let demand = all[path] else {
                done(Finding(failure: "nothing is expected of it"))
                return nil
            }
            return SpaceCheck(demand, tools: tools, deadline: end, done)
        }
    }

    /// `/srv:10%`, `/srv:5G`, `/srv:102400`: without a unit it is kilobytes, as freespace.monitor of mon has it.
    private static func spaceDemand(
        _ operand: MonitorArguments.Given, _ inodes: Int?
    ) throws(MonitorProblem) -> SpaceDemand {
        let problem = MonitorProblem(
            word: operand.word, "'\(operand.value)' is no path with a size",
            suggestion: "for example /srv:10%, /srv:5G or /srv:102400 (kilobytes)")
        guard operand.value.hasPrefix("/"), let colon = operand.value.lastIndex(of: ":") else { throw problem }
        var path = String(operand.value[..<colon])
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let text = operand.value[operand.value.index(after: colon)...]
        guard let last = text.last else { throw problem }
        if last == "%" {
            guard let share = Int(text.dropLast()), 0...100 ~= share else { throw problem }
            return SpaceDemand(path: path, minimum: .share(share), inodeShare: inodes)
        }
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let shift = last.isNumber ? 10 : units[Character(last.uppercased())]
        guard let shift, let number = UInt64(last.isNumber ? text : text.dropLast()), number < 1 << 32 else {
            throw problem
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << UInt64(shift))
        if overflow { throw problem }
        return SpaceDemand(path: path, minimum: .bytes(bytes), inodeShare: inodes)
    }

    // MARK: Load and raid

    private static let load = MonitorEntry(
        name: "loadavg.monitor",
        options: [MonitorOption("m", "max"), MonitorOption(nil, "per-cpu", takesValue: false)]
    ) { arguments throws(MonitorProblem) in
        try arguments.refuseOperands()
        guard let given = arguments.options.last(where: { $0.name == "max" }) else {
            throw MonitorProblem(
                word: 0, "-m is missing: the loads of 1, 5 and 15 minutes that are too much", suggestion: "-m 8,6,4")
        }
        var bounds: [Double?] = []
        for part in given.value.split(separator: ",", omittingEmptySubsequences: false) {
            if part.isEmpty || part == "-" {
                bounds.append(nil)
                continue
            }
            guard let bound = Double(part), bound >= 0, bounds.count < 3 else {
                throw MonitorProblem(
                    word: given.word, "'\(given.value)' are no three loads", suggestion: "for example 8,6,4")
            }
            bounds.append(bound)
        }
        let demand = LoadDemand(bounds: bounds, isPerProcessor: arguments.has("per-cpu"))
        return MonitorPlan(timeout: .seconds(10), subjects: ["loadavg"]) { _, _, _, done in
            let text = FileSystem.text(of: LoadDemand.path, limit: 256) ?? ""
            done(demand.finding(text, processors: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
            return nil
        }
    }

    private static let raid = MonitorEntry(
        name: "softraid.monitor", options: []
    ) { arguments throws(MonitorProblem) in
        let demand = RaidDemand(arrays: arguments.operands.map(\.value))
        return MonitorPlan(timeout: .seconds(10), subjects: ["softraid"]) { _, _, _, done in
            let findings = demand.findings(FileSystem.text(of: RaidDemand.path, limit: 1 << 20))
            let failed = findings.filter { $0.finding.failure != nil }
            let details = findings.map { "    \($0.array): \($0.finding.failure ?? $0.finding.note ?? "")" }
            done(
                failed.isEmpty
                    ? Finding(note: "\(findings.count) arrays", details: details)
                    : Finding(failure: failed.map(\.array).joined(separator: " "), details: details))
            return nil
        }
    }

    private static func expectSubjects(
        _ isEmpty: Bool, _ what: String, _ example: String
    ) throws(MonitorProblem) {
        if isEmpty { throw MonitorProblem(word: 0, "\(what) is missing", suggestion: "for example \(example)") }
    }
}
