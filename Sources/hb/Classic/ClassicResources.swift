// Carries out operations of resources outside the daemon, by the daemon's own code, for scripts that expect the
// commands of heartbeat 3.0.6.
import Admin
import Agents
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import Reactor
import ResourceAgents

/// Resources of this machine, one operation at a time.
struct ClassicResources {
    private let loop: EventLoop
    private let operations: ResourceOperations

    init(configurationDirectory: String) throws(SystemError) {
        var configuration = Configuration()
        configuration.localName = ClassicResources.environment("HA_CURHOST") ?? ""
        configuration.policy.operationTimeout = .seconds(3600)
        try self.init(configuration, configurationDirectory: configurationDirectory) { record in
            if record.level < .info { ClassicLog.write("\(record.level.word): \(record.text)") }
        }
    }

    /// With the timeouts of a configuration; what the operations say goes to `log`.
    init(
        _ configuration: Configuration, configurationDirectory: String, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        loop = try EventLoop()
        operations = try ResourceOperations(
            loop: loop,
            settings: ResourceOperations.Settings(configuration, configurationDirectory: configurationDirectory),
            log: log)
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Runs one operation of one resource to its end.
    func run(_ operation: ResourceOperation, _ word: String) -> ResourceOutcome {
        run(operation, ResourceSpecification(word: word))
    }

    func run(_ operation: ResourceOperation, _ resource: ResourceSpecification) -> ResourceOutcome {
        var outcome: ResourceOutcome?
        let loop = loop
        let running = operations.run(operation, resource) {
            outcome = $0
            loop.stop()
        }
        if let outcome { return outcome }
        do throws(SystemError) {
            // The loop ends with the operation; a loop is turned once in its life.
            _ = try loop.run()
        } catch {
            running?.cancel()
            return .failed("\(error)")
        }
        return outcome ?? .failed("the operation did not end")
    }

    /// The path of a resource's script; nil for what needs none, and for what is not there.
    func script(_ word: String) -> String? {
        if case .script(let name, _) = operations.kind(of: ResourceSpecification(word: word)) {
            return operations.settings.locations.script(name)
        }
        return nil
    }
}

/// `IPaddr2 ADDRESS start`: a resource of the daemon's own, called as the script that it was in heartbeat 3.0.6.
enum ResourceScript {
    /// Prints what the script prints; returns its exit code.
    static func run(_ name: String, _ words: [String]) -> Int32 {
        guard let operation = words.last.flatMap({ ResourceOperation(rawValue: $0 == "monitor" ? "status" : $0) }),
            words.count > 1
        else {
            ClassicLog.complain("usage: \(name) ARGUMENT... start|stop|status|monitor")
            return 2
        }
        let arguments = Array(words.dropLast())
        let resource = ResourceSpecification(
            type: name, arguments: arguments, text: ([name] + arguments).joined(separator: "::"))
        do throws(SystemError) {
            let folder = ClassicResources.environment("HA_DIR") ?? "/etc/ha.d"
            switch try ClassicResources(configurationDirectory: folder).run(operation, resource) {
            case .done: return 0
            case .running:
                print("running")
                return 0
            case .stopped:
                print("stopped")
                return 3
            case .unknown(let reason), .unasked(let reason):
                print("may be running (\(reason))")
                return 4
            case .failed(let reason):
                ClassicLog.complain("ERROR: \(reason)")
                return 1
            }
        } catch {
            ClassicLog.complain("ERROR: \(error)")
            return 1
        }
    }
}

/// The log of commands that stand beside the daemon.
enum ClassicLog {
    /// A line as shell scripts of heartbeat write it: into the file that HA_LOGFILE names, and to standard error where
    /// there is none.
    static func write(_ text: String) {
        guard let path = ClassicResources.environment("HA_LOGFILE"),
            let file = try? Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode: 0o600)
        else { return complain(text) }
        let line = Array("\(stamp) \(text)\n".utf8)
        _ = CLinux.write(file.raw, line, line.count)
    }

    /// One line on standard error.
    static func complain(_ text: String) { Terminal.complain("\(text)\n") }

    /// `ResourceManager(default)[123]:	2026/11/21_01:47:07`
    private static var stamp: String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        let numbers = [parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec].map { number in
            number < 10 ? "0\(number)" : "\(number)"
        }
        return "ResourceManager[\(getpid())]:\t\(parts.tm_year + 1900)/\(numbers[0])/\(numbers[1])_"
            + "\(numbers[2]):\(numbers[3]):\(numbers[4])"
    }
}
