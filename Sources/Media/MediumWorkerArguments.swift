// A worker's arguments: its direction, then `name=value` words.
import CLinux
import ClusterModel
import LinuxSystem

/// Arguments that no `MediumWorker` writes.
package struct MediumWorkerArgumentError: Error, Equatable, CustomStringConvertible {
    /// What is wrong with which word.
    package let description: String
}

extension MediumWorker {
    /// What follows the program's name.
    package var arguments: [String] {
        var words = [
            direction.rawValue, "protocol=\(protocolVersion)", "parent=\(parent)", "index=\(index)",
            "medium=\(mediumTitle)", "node=\(node)", "user=\(identity.user)", "group=\(identity.group)",
        ]
        switch transport {
        case .datagram: words.append("kind=datagram")
        case .serial(let tty, let baud): words += ["kind=serial", "tty=\(tty)", "baud=\(baud)"]
        case .echo(let identifier, let targets):
            words += ["kind=echo", "identifier=\(identifier)"] + targets.map { "target=\($0)" }
        }
        if let realtimePriority { words.append("realtime=\(realtimePriority)") }
        if let facility = logging.facility { words.append("facility=\(facility)") }
        if logging.debug > 0 { words.append("debug=\(logging.debug)") }
        if !logging.syslogMessageFormat { words.append("style=plain") }
        if isForeground { words.append("foreground=yes") }
        return words
    }

    /// The worker behind these arguments, without the program's name.
    package init(arguments: [String]) throws(MediumWorkerArgumentError) {
        guard let word = arguments.first, let direction = Direction(rawValue: word) else {
            throw MediumWorkerArgumentError(description: "read or write expected")
        }
        let words = try ArgumentWords(arguments.dropFirst())
        self.direction = direction
        protocolVersion = try words.number("protocol")
        parent = try words.number("parent")
        index = try words.number("index")
        mediumTitle = try words.text("medium")
        node = try words.text("node")
        identity = Confinement.Identity(user: try words.number("user"), group: try words.number("group"))
        guard identity.user != 0, identity.group != 0 else {
            throw MediumWorkerArgumentError(description: "a worker does not run as root")
        }
        switch try words.text("kind") {
        case "datagram": transport = .datagram
        case "serial": transport = .serial(tty: try words.text("tty"), baud: try words.number("baud"))
        case "echo":
            var targets: [SocketAddress] = []
            for text in words.all("target") {
                guard let target = SocketAddress(numeric: text) else {
                    throw MediumWorkerArgumentError(description: "target=\(text): no address")
                }
                targets.append(target)
            }
            transport = .echo(identifier: try words.number("identifier"), targets: targets)
        case let kind: throw MediumWorkerArgumentError(description: "kind=\(kind): unknown")
        }
        realtimePriority = words.has("realtime") ? try words.number("realtime") : nil
        logging = LogSettings()
        logging.facility = words.all("facility").first
        logging.debug = words.has("debug") ? try words.number("debug") : 0
        logging.syslogMessageFormat = !words.has("style")
        isForeground = words.has("foreground")
    }
}

/// `name=value` words.
private struct ArgumentWords {
    private var settings: [Setting] = []

    init(_ words: ArraySlice<String>) throws(MediumWorkerArgumentError) {
        for word in words {
            guard let equals = word.firstIndex(of: "=") else {
                throw MediumWorkerArgumentError(description: "\(word): name=value expected")
            }
            settings.append(
                Setting(name: String(word[..<equals]), value: String(word[word.index(after: equals)...])))
        }
    }

    func has(_ name: String) -> Bool { settings.contains { $0.name == name } }

    func all(_ name: String) -> [String] { settings.filter { $0.name == name }.map(\.value) }

    func text(_ name: String) throws(MediumWorkerArgumentError) -> String {
        guard let value = all(name).first else { throw MediumWorkerArgumentError(description: "\(name)= is missing") }
        return value
    }

    func number<Value: FixedWidthInteger>(_ name: String) throws(MediumWorkerArgumentError) -> Value {
        let text = try text(name)
        if let value = Value(text) { return value }
        throw MediumWorkerArgumentError(description: "\(name)=\(text): no number")
    }
}
