// The control groups of resources: one for each run of an operation, below one for each resource. What a start has left
// running stays in the group of that start, also when this process is started anew; what an operation that failed has
// left is killed with its group, whatever it forked.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// The groups below the daemon's own one: `resources/RESOURCE/run-NUMBER`.
package final class ResourceControlGroups {
    /// How long after a stop what is left is looked at: a daemon may need a moment to end.
    package static let grace: Duration = .seconds(5)
    /// Processes that a log line names.
    private static let namesMax = 10
    /// Longest folder name of a resource; what is longer is told apart by a sum.
    private static let nameLengthMax = 150

    /// Called with a resource and why something of it is amiss, when a stop that succeeded has left processes running;
    /// with nil when they have ended.
    package var onLeft: (_ resource: String, _ reason: String?) -> Void = { _, _ in }

    private let loop: EventLoop
    private let root: ControlGroup
    private let log: (LogRecord) -> Void
    private var numberLast: UInt64 = 0
    private var isBroken = false
    private var looks: [String: EventSource] = [:]

    /// Throws where no group can be made below `root`.
    package init(
        below root: ControlGroup, loop: EventLoop, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.log = log
        self.root = try root.group("resources")
    }

    /// A new group for one run; nil where none can be made, which is said once.
    func begin(_ resource: String) -> ControlGroup? {
        do throws(SystemError) {
            let folder = try root.group(ResourceControlGroups.folder(of: resource))
            sweep(folder)
            let taken = folder.names
            repeat { numberLast += 1 } while taken.contains("run-\(numberLast)")
            return try folder.group("run-\(numberLast)")
        } catch {
            if !isBroken { log(LogRecord(.warning, "control-group", "\(error): programs run without one")) }
            isBroken = true
            return nil
        }
    }

    /// A program could not be started in its group, but could without: said once.
    func refused(_ group: ControlGroup, _ error: SystemError) {
        group.remove()
        if !isBroken { log(LogRecord(.warning, "control-group", "\(error): programs run without a control group")) }
        isBroken = true
    }

    /// The processes that operations of a resource have left running.
    package func processes(of resource: String) -> [pid_t] {
        ControlGroup(path: "\(root.path)/\(ResourceControlGroups.folder(of: resource))").processes
    }

    /// The resource was stopped with success: what is still there a little later is said. It is not killed: a script
    /// may have started what others use too, and the word of its stop is what heartbeat goes by.
    func stopped(_ resource: String) {
        let folder = ControlGroup(path: "\(root.path)/\(ResourceControlGroups.folder(of: resource))")
        // What is started or asked from now on is in other groups.
        let groups = folder.names.map { ControlGroup(path: "\(folder.path)/\($0)") }.filter(\.isPopulated)
        if groups.isEmpty { return }
        look(at: groups, of: resource, isKnown: false)
    }

    /// Looks again and again, as long as something is left.
    private func look(at groups: [ControlGroup], of resource: String, isKnown: Bool) {
        looks[resource] = try? loop.onTime(Clock.now() + ResourceControlGroups.grace) { [unowned self] in
            looks[resource] = nil
            let left = groups.flatMap(\.processes)
            if left.isEmpty {
                if isKnown { onLeft(resource, nil) }
                return
            }
            if !isKnown { tell(left, of: resource) }
            look(at: groups, of: resource, isKnown: true)
        }
    }

    private func tell(_ left: [pid_t], of resource: String) {
        let names = left.prefix(ResourceControlGroups.namesMax).map { pid in
            let name = FileSystem.text(of: "/proc/\(pid)/comm", limit: 64) ?? ""
            return "\(pid) (\(OutputLines.split(Array(name.utf8)).first ?? "gone"))"
        }
        let more = left.count > names.count ? " and \(left.count - names.count) more" : ""
        let words = "has left processes running: \(names.joined(separator: ", "))\(more)"
        log(
            LogRecord(
                .warning, "resource-left", "\(resource) was stopped and \(words)",
                [Setting(name: "RESOURCE", value: resource)]))
        onLeft(resource, words)
    }

    /// Removes the groups of earlier runs of which nothing runs.
    private func sweep(_ folder: ControlGroup) {
        for name in folder.names { ControlGroup(path: "\(folder.path)/\(name)").remove() }
    }

    /// A resource's word as the name of a folder: what a folder cannot be called is written as `%` and two hexadecimal
    /// digits.
    static func folder(of resource: String) -> String {
        var name = ""
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in resource.utf8 {
            // FNV-1a.
            sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "="), UInt8(ascii: "@"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where !name.isEmpty: name += "."
            default: name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        if name.utf8.count <= nameLengthMax { return name }
        return name.prefix(nameLengthMax) + "%" + String(sum, radix: 16)
    }
}
