// One word of a haresources line: which script, agent or unit it means, with which arguments (specs/heartbeat.md 5.1).
import ClusterModel

enum ResourceWord {
    /// Types that need no script.
    static let native = ["IPaddr", "IPaddr2", "IPv6addr", "Filesystem", "systemd"]
    /// Types whose first argument is an address.
    static let addresses = ["IPaddr", "IPaddr2", "IPv6addr"]
    /// Kinds of units that can be started and stopped.
    static let unitSuffixes = [".service", ".socket", ".target", ".mount", ".automount", ".swap", ".timer", ".path"]

    /// A resource, and where its arguments begin in the word, in bytes.
    struct Reading: Equatable {
        var specification: ResourceSpecification
        var argumentStarts: [Int]
    }

    static func read(_ text: String) -> Reading {
        if looksLikeAddress(text) {
            return Reading(
                specification: ResourceSpecification(type: "IPaddr", arguments: [text], text: text),
                argumentStarts: [0])
        }
        if isUnit(text), !text.contains("::") {
            return Reading(
                specification: ResourceSpecification(type: "systemd", arguments: [text], text: text),
                argumentStarts: [0])
        }
        var (parts, starts) = split(text)
        let type = parts.removeFirst()
        starts.removeFirst()
        if addresses.contains(type), parts.count > 1 {
            // The `::` of an IPv6 address looks like the one between arguments; these types take one argument only.
            parts = [parts.joined(separator: "::")]
            starts = [starts[0]]
        }
        if type == "systemd", parts.count == 1, !parts[0].isEmpty, !isUnit(parts[0]) { parts[0] += ".service" }
        return Reading(
            specification: ResourceSpecification(type: type, arguments: parts, text: text), argumentStarts: starts)
    }

    /// What 3.0.6 takes for a bare address: the shell pattern `[0-9]*.[0-9]*.[0-9]*.[0-9]*`.
    static func looksLikeAddress(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, isDigit(first) else { return false }
        let dots = bytes.indices.dropLast().filter { bytes[$0] == UInt8(ascii: ".") && isDigit(bytes[$0 + 1]) }
        return dots.count >= 3
    }

    static func isUnit(_ text: String) -> Bool {
        unitSuffixes.contains { text.utf8.count > $0.utf8.count && text.hasSuffix($0) }
    }

    /// The parts between `::`, and the offset of each.
    private static func split(_ text: String) -> (parts: [String], starts: [Int]) {
        let bytes = Array(text.utf8)
        var parts: [String] = []
        var starts = [0]
        var offset = 0
        while offset < bytes.count {
            if offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: ":"), bytes[offset + 1] == UInt8(ascii: ":") {
                parts.append(String(decoding: bytes[(starts.last ?? 0)..<offset], as: UTF8.self))
                offset += 2
                starts.append(offset)
            } else {
                offset += 1
            }
        }
        parts.append(String(decoding: bytes[(starts.last ?? 0)...], as: UTF8.self))
        return (parts, starts)
    }
}

extension ResourceSpecification {
    /// What a word of haresources means, whether it is right or not.
    package init(word: String) { self = ResourceWord.read(word).specification }
}
