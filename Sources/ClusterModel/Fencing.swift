// Which node can power off which, as far as ha.cf says it (specs/heartbeat.md 9): the same answer on every node whose
// file is the same, so that nodes need not ask each other.

/// What carries out a fence.
package enum FenceMethod: Equatable, Sendable {
    /// Reports success and does nothing: for tests.
    case null
    /// Reboots the very node that it runs on; it can fence no other.
    case suicide
    /// A program of cluster-glue in its folder for external plugins, by the name after `external/`.
    case plugin(String)
    /// A fence agent, by its program's name: `fence_ipmilan`.
    case agent(String)

    /// nil for what this version cannot run: cluster-glue's plugins that are shared objects.
    package init?(_ type: String) {
        switch type {
        case "null": self = .null
        case "suicide": self = .suicide
        default:
            if type.hasPrefix("external/"), FenceMethod.isFileName(type.dropFirst(9)) {
                self = .plugin(String(type.dropFirst(9)))
            } else if type.hasPrefix("fence_"), FenceMethod.isFileName(type[...]) {
                self = .agent(type)
            } else {
                return nil
            }
        }
    }

    /// A program's name must not lead out of its folder.
    private static func isFileName(_ name: Substring) -> Bool {
        !name.isEmpty && !name.hasPrefix(".")
            && name.utf8.allSatisfy { $0.isAlphanumeric || "_-.".utf8.contains($0) }
    }
}

extension FenceMethod {
    /// Where its program is looked for, in order; `directory` is that of ha.cf. An administrator's own go before those
    /// of the system. Empty for methods without a program.
    package func candidates(_ directory: String) -> [String] {
        switch self {
        case .plugin(let name): ["\(directory)/stonith.d/\(name)", "/usr/lib/stonith/plugins/external/\(name)"]
        case .agent(let name): ["\(directory)/stonith.d/\(name)", "/usr/sbin/\(name)"]
        case .null, .suicide: []
        }
    }

    /// The action that an agent's parameters name, where a node may run on after it: an agent that was asked for a
    /// status, or to power a node on, succeeds too.
    package static func harmlessAction(_ parameters: [Setting]) -> String? {
        parameters.last { ["action", "option"].contains($0.name) }.map(\.value).flatMap { action in
            ["off", "reboot"].contains(action.lowercased()) ? nil : action
        }
    }
}

extension StonithDevice {
    package var method: FenceMethod? { FenceMethod(type) }

    /// The parameters as names and values, where each of them has the form NAME=VALUE and there is one.
    package var namedParameters: [Setting]? {
        guard host != nil, !parameters.isEmpty else { return nil }
        var settings: [Setting] = []
        for parameter in parameters {
            guard let sign = parameter.firstIndex(of: "="), sign != parameter.startIndex,
                parameter[..<sign].utf8.allSatisfy({ $0 == UInt8(ascii: "_") || $0.isAlphanumeric })
            else { return nil }
            settings.append(
                Setting(name: String(parameter[..<sign]), value: String(parameter[parameter.index(after: sign)...])))
        }
        return settings
    }

    /// The nodes that the device can power off, where ha.cf names them (`hostlist=`); nil: the device knows them.
    package var hosts: [String]? {
        let text: [String]
        if let named = namedParameters {
            guard let list = named.first(where: { $0.name == "hostlist" }) else { return nil }
            text = [list.value]
        } else if method == .null, host != nil, !parameters.isEmpty {
            text = parameters
        } else {
            return nil
        }
        let words = text.flatMap { $0.split { $0 == "," || $0 == " " } }.map { $0.lowercased() }
        guard case .plugin = method else { return words }
        // The list is the plugin's own. Some write behind each name what it stands for (`alpha:vm1`), one asks its
        // device (AUTO): a node that were not found in it would be taken over from without having been powered off.
        return words.contains("auto") ? nil : words.map { String($0.prefix { $0 != ":" }) }
    }

    /// Whether a node may use the device.
    package func isUsable(from node: String) -> Bool { host == nil || host == "*" || host == node }

    /// Whether the device can power off another node, by what ha.cf says.
    package func covers(_ target: String) -> Bool {
        guard let method, method != .suicide else { return false }
        return hosts?.contains(target) ?? true
    }
}

extension UInt8 {
    fileprivate var isAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

extension ResourceGroup {
    /// Whether the group consists of addresses alone, whose use the kernel ends when their node falls silent.
    fileprivate var isAddressesOnly: Bool {
        resources.allSatisfy { ["IPaddr", "IPaddr2", "IPv6addr"].contains($0.type) }
    }
}

extension Configuration {
    /// Whether a node has a device with which it can power off another.
    package func canFence(from node: String, _ target: String) -> Bool {
        node != target && processes.stonith.contains { $0.isUsable(from: node) && $0.covers(target) }
    }

    /// Whether any node is to power off this one when it is dead: then it is waited for.
    package func isFenceable(_ target: String) -> Bool { nodes.contains { canFence(from: $0, target) } }

    /// Whether a group may start only when dead nodes that are fenceable were fenced.
    package func needsFencing(_ group: ResourceGroup) -> Bool {
        !(policy.leasesAddresses && group.isAddressesOnly)
    }
}
