// The configuration of the package fake: fragments of shell that set variables (specs/address-takeover.md 2).
import ClusterModel
import LinuxSystem

/// The variables of `.fakerc` and of the file of one address.
struct FakeConfiguration {
    private var variables: [String: String] = [:]

    /// Longest file that is read.
    private static let sizeMax = 65536

    /// Reads assignments; what else a shell would do there is not done. A variable may be used after it was set.
    mutating func read(_ path: String) throws(AgentError) {
        guard let text = FileSystem.text(of: path, limit: FakeConfiguration.sizeMax) else {
            throw AgentError("Fatal Error: \(path) cannot be read")
        }
        for line in text.split(separator: "\n") {
            var words = line.drop { $0 == " " || $0 == "\t" }
            if words.hasPrefix("export ") { words = words.dropFirst("export ".count) }
            guard let setting = OCFAgent.named(String(words)) else { continue }
            variables[setting.name] = value(setting.value)
        }
    }

    /// A value without its quotes and what stands behind it, with variables in place of their names.
    private func value(_ text: String) -> String {
        let quote = text.first
        let isQuoted = quote == "\"" || quote == "'"
        let body = isQuoted
            ? text.dropFirst().prefix { $0 != quote } : text.prefix { ![" ", "\t", "#", ";"].contains($0) }
        return quote == "'" ? String(body) : expand(body)
    }

    private func expand(_ text: Substring) -> String {
        var result = ""
        var rest = text
        while let character = rest.popFirst() {
            guard character == "$" else {
                result.append(character)
                continue
            }
            let isBraced = rest.first == "{"
            if isBraced { rest.removeFirst() }
            let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            rest = rest.dropFirst(name.count)
            if isBraced, rest.first == "}" { rest.removeFirst() }
            result += variables[String(name)] ?? ""
        }
        return result
    }

    /// A variable; nil where it is empty.
    func optional(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A variable that must have a value.
    func required(_ name: String) throws(AgentError) -> String {
        guard let value = optional(name) else { throw AgentError("Fatal Error: \(name) is not set in config file") }
        return value
    }

    /// A number of seconds, at least a hundredth.
    func seconds(_ name: String) throws(AgentError) -> Duration {
        let text = try required(name)
        guard let seconds = Double(text), (0.01...86400).contains(seconds) else {
            throw AgentError("Fatal Error: \(name) is not a number of seconds")
        }
        return .milliseconds(Int64(seconds * 1000))
    }
}
