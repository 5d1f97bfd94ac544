// `ResourceManager`: what scripts of a site ask about groups, and how they move them. heartbeat 3.0.6 ran the resources
// in this command; here the daemon alone starts and stops them while it runs, since what was started behind its back
// could run on two nodes.
import Admin
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import ResourceAgents

/// `ResourceManager [--alone] VERB [ARGUMENT]` (specs/heartbeat.md 5.2).
struct ResourceManagerCommand {
    private static let usage =
        "usage: ResourceManager listkeys machine | takegroup key | givegroup key | status resource | statgroup key"
        + " | allkeys | ourkeys | otherkeys | verifyallidle"
    private static let stoppedStatus: Int32 = 3

    let paths: Paths
    /// Where no daemon runs, start resources all the same.
    let isAlone: Bool
    private let resources: ResourceLines

    init(_ paths: Paths, isAlone: Bool) {
        self.paths = paths
        self.isAlone = isAlone
        resources = ResourceLines(path: "\(paths.configurationDirectory)/haresources")
    }

    /// Returns the exit status.
    func run(_ words: [String]) -> Int32 {
        let argument = words.count > 1 ? words[1] : ""
        do throws(SystemError) {
            switch words.first {
            case "listkeys": return show((resources.ofNode(matching: argument) ?? []).map(\.key))
            case "allkeys": return show(resources.lines.map(\.key))
            case "ourkeys": return show(ours(true))
            case "otherkeys": return show(ours(false))
            case "status": return try isRunning(argument) ? 0 : ResourceManagerCommand.stoppedStatus
            case "takegroup": return try take(argument)
            case "givegroup": return try give(argument)
            case "statgroup": return try statgroup(argument)
            case "verifyallidle": return try verifyAllIdle()
            default:
                ClassicLog.complain(ResourceManagerCommand.usage + "\n")
                return 1
            }
        } catch {
            ClassicLog.write("ERROR: \(error)")
            return 1
        }
    }

    // MARK: Questions

    private var node: String {
        ClassicResources.environment("HA_CURHOST")
            ?? ConfigurationFolder(paths.configurationDirectory).read().facts.localNode
    }

    /// Whole lines behind the node's name, as 3.0.6 prints them.
    private func ours(_ isOurs: Bool) -> [String] {
        let node = node.lowercased()
        return resources.lines.filter { ($0.node == node) == isOurs }.map { $0.resources.map { $0 + " " }.joined() }
    }

    private func show(_ lines: [String]) -> Int32 {
        for line in lines { print(line) }
        return 0
    }

    private func isRunning(_ resource: String) throws(SystemError) -> Bool {
        if resource.isEmpty { return false }
        switch try ClassicResources(configurationDirectory: paths.configurationDirectory).run(.status, resource) {
        // What may run is not free.
        case .running, .unknown, .unasked: return true
        case .stopped, .done, .failed: return false
        }
    }

    private func statgroup(_ key: String) throws(SystemError) -> Int32 {
        var running = 0
        let all = resources.line(with: key)?.resources ?? []
        for resource in all where try isRunning(resource) { running += 1 }
        let word = running == 0 ? "NONE" : running == all.count ? "ALL" : "SOME"
        // 3.0.6 writes it where only who debugs looks.
        if let path = ClassicResources.environment("HA_DEBUGLOG"),
            let file = try? Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode: 0o600)
        {
            let line = Array("\(word)\n".utf8)
            _ = write(file.raw, line, line.count)
        } else {
            print(word)
        }
        return 0
    }

    private func verifyAllIdle() throws(SystemError) -> Int32 {
        var count: Int32 = 0
        for key in resources.lines.map(\.key) where try isRunning(key) {
            count += 1
            ClassicLog.complain("CRITICAL: Resource \(key) is active, and should not be!")
            ClassicLog.complain("CRITICAL: Non-idle resources can affect data integrity!")
        }
        return min(count, 255)
    }

    // MARK: Moves

    /// The daemon's answer to a request, or nil where no daemon runs.
    private func ask(_ request: AdminRequest) -> Int32? {
        do throws(AdminError) {
            let client = try AdminClient(paths, deadline: Clock.now() + .seconds(10))
            try client.send(request)
            let response = try client.answer(deadline: nil).response
            if !response.text.isEmpty { ClassicLog.write("info: \(response.text)") }
            return response.outcome == .done ? 0 : 1
        } catch {
            if case .notRunning = error { return nil }
            ClassicLog.write("ERROR: \(error)")
            return 1
        }
    }

    private func take(_ key: String) throws(SystemError) -> Int32 {
        // 3.0.6 finds no line, does nothing, and is content.
        guard let line = resources.line(with: key) else { return 0 }
        if let status = ask(.takeover(.group(line.key))) { return status }
        guard isAlone else {
            ClassicLog.complain(
                "ResourceManager: heartbeat does not run here: another node may have \(line.key). Start heartbeat, or"
                    + " say that nobody else has it: ResourceManager --alone takegroup \(line.key)")
            return 1
        }
        ClassicLog.write("info: Acquiring resource group: \(line.text)")
        for resource in line.resources where try !isRunning(resource) {
            if let reason = try run(.start, resource).failure {
                ClassicLog.write("CRIT: Giving up resources due to failure of \(resource): \(reason)")
                _ = try release(line)
                return 1
            }
        }
        return 0
    }

    private func give(_ key: String) throws(SystemError) -> Int32 {
        guard let line = resources.line(with: key) else { return 0 }
        if let status = ask(.standby(.group(line.key))) { return status }
        return try release(line)
    }

    /// Stops a whole line in reverse order. Returns 1 where something may still run.
    private func release(_ line: ResourceLines.Line) throws(SystemError) -> Int32 {
        ClassicLog.write("info: Releasing resource group: \(line.text)")
        var status: Int32 = 0
        for resource in line.resources.reversed() {
            guard let reason = try stop(resource) else { continue }
            if try isRunning(resource) {
                ClassicLog.write("CRIT: Resource STOP failure: \(resource): \(reason)")
                status = 1
            } else {
                ClassicLog.write("ERROR: Resource script for \(resource) probably not LSB-compliant.")
            }
        }
        return status
    }

    /// Why a resource did not stop; nil where it did.
    private func stop(_ resource: String) throws(SystemError) -> String? {
        let retries = ClassicResources.environment("HA_STOPRETRYMAX").flatMap { Int($0) } ?? 10
        var attempt = 0
        while true {
            guard let reason = try run(.stop, resource).failure else { return nil }
            if retries > 0, attempt >= retries { return reason }
            attempt += 1
            Clock.wait(.seconds(1))
            ClassicLog.write("info: Retrying failed stop operation [\(resource)]")
        }
    }

    private func run(_ operation: ResourceOperation, _ resource: String) throws(SystemError) -> ResourceOutcome {
        let resources = try ClassicResources(configurationDirectory: paths.configurationDirectory)
        if let script = resources.script(resource) {
            ClassicLog.write("info: Running \(script) \(operation.rawValue) of \(resource)")
        }
        return resources.run(operation, resource)
    }
}
