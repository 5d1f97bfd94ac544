// What stands behind a word of haresources: one of the native resources, a unit of systemd, or a script.
import CLinux
import ClusterModel
import LinuxSystem

/// A resource and its arguments, understood.
package enum ResourceKind: Equatable, Sendable {
    case address(AddressSpecification)
    case filesystem(FilesystemArguments)
    /// A unit's full name, `nginx.service`.
    case unit(String)
    /// A script's name and its arguments; it is looked for at each operation. OCF agents are run by the script `ocf`.
    case script(String, [String])
    /// The word makes no sense; nothing can be started.
    case invalid(String)

    /// Endings of units that can be started and stopped.
    private static let unitSuffixes = [
        ".service", ".socket", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice",
    ]

    /// What a word means. `hasScript` and `hasUnit` tell whether there is a resource script, or a unit file, of a name;
    /// they are asked only about words without a meaning of their own.
    package init(
        _ resource: ResourceSpecification, hasScript: (String) -> Bool, hasUnit: (String) -> Bool
    ) {
        do throws(ArgumentError) {
            switch resource.type {
            case "IPaddr", "IPaddr2", "IPv6addr":
                guard resource.arguments.count == 1 else {
                    throw ArgumentError(
                        reason: "expected \(resource.type)::ADDRESS[/BITS[/INTERFACE[:LABEL]][/BROADCAST]]")
                }
                self = .address(try AddressSpecification(argument: resource.arguments[0], type: resource.type))
            case "Filesystem": self = .filesystem(try FilesystemArguments(resource.arguments))
            case "systemd":
                guard resource.arguments.count == 1, !resource.arguments[0].isEmpty else {
                    throw ArgumentError(reason: "expected systemd::UNIT")
                }
                self = .unit(ResourceKind.unitName(resource.arguments[0]))
            case let type where type == "OCF" || type.hasPrefix("ocf:"):
                // Not "OCF": a script of that name that an older heartbeat has left takes other arguments.
                let agent = type == "OCF" ? [] : [String(type.dropFirst("ocf:".count))]
                self = .script("ocf", agent + resource.arguments)
            default:
                self = ResourceKind.byName(resource, hasScript, hasUnit)
            }
        } catch {
            self = .invalid(error.reason)
        }
    }

    private static func byName(
        _ resource: ResourceSpecification, _ hasScript: (String) -> Bool, _ hasUnit: (String) -> Bool
    ) -> ResourceKind {
        if resource.arguments.isEmpty, !hasScript(resource.type) {
            let unit = unitName(resource.type)
            if unit == resource.type || hasUnit(unit) { return .unit(unit) }
        }
        return .script(resource.type, resource.arguments)
    }

    /// A unit's name with its ending; `.service` where it has none.
    package static func unitName(_ name: String) -> String {
        unitSuffixes.contains { name.hasSuffix($0) } ? name : name + ".service"
    }

    /// What is said of it where the resource is a native address.
    package var address: AddressSpecification? {
        switch self {
        case .address(let specification): specification
        case .filesystem, .unit, .script, .invalid: nil
        }
    }

    package var isAddress: Bool { address != nil }
}

/// Where scripts and units are found on this machine.
package struct ResourceLocations: Sendable {
    /// Searched in order (specs/heartbeat.md 5.1).
    package var scriptDirectories: [String]
    package var unitDirectories = InstalledFiles.unitDirectories

    package init(configurationDirectory: String) {
        scriptDirectories = ["\(configurationDirectory)/resource.d", InstalledFiles.resourceScripts, "/etc/init.d"]
    }

    /// The first executable regular file of a name; names with slashes have none.
    package func script(_ name: String) -> String? {
        if name.isEmpty || name.utf8.contains(UInt8(ascii: "/")) || name.hasPrefix(".") { return nil }
        return scriptDirectories.lazy.map { "\($0)/\(name)" }.first { path in
            FileSystem.kind(of: path) == .regular && access(path, X_OK) == 0
        }
    }

    /// Whether there is a unit file; one of a template serves all its instances.
    package func hasUnit(_ name: String) -> Bool {
        if name.utf8.contains(UInt8(ascii: "/")) { return false }
        var names = [name]
        if let at = name.firstIndex(of: "@"), let dot = name.lastIndex(of: "."), at < dot {
            names.append(String(name[...at]) + String(name[dot...]))
        }
        return unitDirectories.contains { directory in names.contains { access("\(directory)/\($0)", F_OK) == 0 } }
    }
}
