// How a fencing device of ha.cf is called: plugins of cluster-glue with their parameters in the environment, fence
// agents with options on standard input (specs/agents.md 5 and 6).
import CLinux
import ClusterModel
import LinuxSystem

extension FenceMethod {
    /// The path of its program.
    func program(_ configurationDirectory: String) throws(ArgumentError) -> String {
        let paths = candidates(configurationDirectory)
        for path in paths where FileSystem.kind(of: path) == .regular {
            guard access(path, X_OK) == 0 else { throw ArgumentError(reason: "\(path) is not executable") }
            // As cluster-glue has it: who may write the file would be root.
            guard !FileSystem.isWritableByOthers(path) else {
                throw ArgumentError(reason: "\(path) may be written by its group or by everybody")
            }
            return path
        }
        throw ArgumentError(reason: "there is no \(paths.joined(separator: " or "))")
    }
}

/// The parameters of a device, by name or by place.
enum FenceParameters: Equatable {
    case named([Setting])
    /// In the order in which the plugin lists its parameters' names.
    case positional([String])

    private static let fileSizeMax = 64 << 10

    /// Those of a line of ha.cf, or of the file that it names: lines of the form NAME=VALUE, or values by place,
    /// separated by blanks; lines that begin with `#` are passed over.
    init(_ device: StonithDevice) throws(ArgumentError) {
        guard device.host == nil else {
            self = device.namedParameters.map { .named($0) } ?? .positional(device.parameters)
            return
        }
        let path = device.parameters.first ?? ""
        guard let text = FileSystem.text(of: path, limit: FenceParameters.fileSizeMax) else {
            throw ArgumentError(reason: "\(path) cannot be read")
        }
        // CR LF is one character of a text.
        let lines = text.split(whereSeparator: \.isNewline).map { FenceParameters.trimmed($0) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }.map(String.init)
        let written = StonithDevice(host: "*", type: device.type, parameters: lines)
        if let named = written.namedParameters {
            self = .named(named)
        } else {
            self = .positional(lines.flatMap { $0.split { $0 == " " || $0 == "\t" }.map(String.init) })
        }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        var line = line.drop { $0 == " " || $0 == "\t" }
        while line.hasSuffix(" ") || line.hasSuffix("\t") { line.removeLast() }
        return line
    }

    /// Whether the device may be used for a node, by its own parameters: a plugin is asked, an agent is not.
    func reaches(_ node: String) -> Bool {
        guard case .named(let settings) = self, let list = settings.first(where: { $0.name == "hostlist" }) else {
            return true
        }
        return FenceMethod.spelling(of: node, in: FenceMethod.hosts(Array(list.value.utf8))) != nil
    }

    /// With names, which a plugin has listed in this order; the last one takes all that is left.
    func named(_ names: [String]) throws(ArgumentError) -> [Setting] {
        switch self {
        case .named(let settings): return settings
        case .positional(let values):
            guard let last = names.last else {
                if values.isEmpty { return [] }
                throw ArgumentError(reason: "the plugin takes no parameters")
            }
            guard values.count >= names.count else {
                throw ArgumentError(reason: "expected \(names.count) parameters: \(names.joined(separator: " "))")
            }
            let rest = Setting(name: last, value: values[(names.count - 1)...].joined(separator: " "))
            return zip(names.dropLast(), values).map { Setting(name: $0, value: $1) } + [rest]
        }
    }
}

extension FenceMethod {
    /// What a fence agent reads from its standard input to power a node off and on again.
    static func agentInput(_ parameters: [Setting], node: String) -> [UInt8] {
        var settings = parameters.filter { $0.name != "hostlist" }
        func add(_ name: String, _ value: String, unless names: [String]) {
            if settings.contains(where: { names.contains($0.name) }) { return }
            settings.append(Setting(name: name, value: value))
        }
        add("action", "reboot", unless: ["action", "option"])
        add("nodename", node, unless: ["nodename"])
        add("plug", node, unless: ["plug", "port"])
        return settings.flatMap { Array("\($0.name)=\($0.value)\n".utf8) }
    }

    /// What a plugin's `gethosts` has printed, word by word as it is spelled there.
    static func hosts(_ output: [UInt8]) -> [String] {
        String(decoding: output, as: UTF8.self).split { $0 == "\n" || $0 == " " || $0 == "\t" || $0 == "," }
            .map(String.init)
    }

    /// A node as a list of hosts spells it: names of nodes are in lower case here, and a plugin may compare them as
    /// they were written. nil where it is not listed.
    static func spelling(of node: String, in hosts: [String]) -> String? { hosts.first { $0.lowercased() == node } }
}
