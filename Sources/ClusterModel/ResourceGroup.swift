// Resource groups as haresources names them (specs/heartbeat.md 5.1).

/// A group, as its position in `Configuration.groups`. Valid for one configuration only.
package struct GroupID: Comparable, Hashable, Sendable {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package static func < (a: GroupID, b: GroupID) -> Bool { a.index < b.index }
}

/// One word of a haresources line after the node's name.
package struct ResourceSpecification: Equatable, Sendable {
    /// The script, agent or unit: `IPaddr2`, `Filesystem`, `apache`, `systemd`. A bare address becomes `IPaddr`.
    package var type: String
    /// The `::` separated arguments, in order; possibly empty.
    package var arguments: [String]
    /// The word as the administrator wrote it; unique within its group.
    package var text: String

    package init(type: String, arguments: [String], text: String) {
        self.type = type
        self.arguments = arguments
        self.text = text
    }
}

/// Resources that move together: started in order, stopped in reverse.
package struct ResourceGroup: Equatable, Sendable {
    /// The group's key: its first resource word, verbatim. Unique in the configuration.
    package var name: String
    /// The node that its line names, lower case.
    package var preferred: String
    package var resources: [ResourceSpecification]
    /// Line of haresources where the group begins, from 1.
    package var line: Int

    package init(name: String, preferred: String, resources: [ResourceSpecification], line: Int) {
        self.name = name
        self.preferred = preferred
        self.resources = resources
        self.line = line
    }
}

/// Which groups a request is about, seen from the node that the request names (specs/heartbeat.md 5.3, 5.5).
package enum GroupSelection: Equatable, Sendable {
    case all
    /// Groups whose haresources line names the node.
    case local
    /// All other groups.
    case foreign
    /// Classic `failback`: give foreign groups back to their preferred nodes, or take the local ones back.
    case failback
    /// One group by its name.
    case group(String)

    /// The word on a command line and in `rsc_hold`; a group's own name for `.group`.
    package var word: String {
        switch self {
        case .all: "all"
        case .local: "local"
        case .foreign: "foreign"
        case .failback: "failback"
        case .group(let name): name
        }
    }

    /// A command line's word; any word that is not one of the four classic ones names a group.
    package init(word: String) {
        switch word {
        case "all": self = .all
        case "local": self = .local
        case "foreign": self = .foreign
        case "failback": self = .failback
        default: self = .group(word)
        }
    }
}
