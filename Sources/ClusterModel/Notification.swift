// What is told to the world outside: the transitions of groups and nodes, and whom ha.cf wants to be told.

/// One transition, as the node that tells of it has seen it.
package struct Transition: Equatable, Sendable {
    /// Raw values are the words of ha.cf, and what programs and servers are told.
    package enum Kind: String, Sendable, CaseIterable {
        // Of a group, at the node that tells.
        case starting, held, stopping, released, failed, blocked
        /// Another machine claims an address of the group.
        case contested
        // Of a node.
        case joined, dead

        /// Whether it is about a group, and not about a node as such.
        package var isOfGroup: Bool {
            switch self {
            case .starting, .held, .stopping, .released, .failed, .blocked, .contested: true
            case .joined, .dead: false
            }
        }
    }

    package var kind: Kind
    /// The node that it is about.
    package var node: String
    /// nil where it is about a node.
    package var group: String?
    /// Of the group; grows with each change of its owner. nil where it is about a node.
    package var epoch: UInt64?
    /// Why, in one line.
    package var cause: String
    /// Nanoseconds since 1970.
    package var time: Int64

    package init(kind: Kind, node: String, group: String? = nil, epoch: UInt64? = nil, cause: String, time: Int64) {
        self.kind = kind
        self.node = node
        self.group = group
        self.epoch = epoch
        self.cause = cause
        self.time = time
    }
}

/// Who is told.
package enum NotificationTarget: Hashable, Sendable {
    /// A program, by its absolute path.
    case program(String)
    /// `http://` or `https://`: a POST with JSON.
    case webhook(String)
    case mail(String)

    /// As ha.cf has it.
    package var text: String {
        switch self {
        case .program(let path): path
        case .webhook(let url): url
        case .mail(let address): "mailto:\(address)"
        }
    }

    /// For logs: the address of a webhook is a secret behind its host.
    package var name: String {
        guard case .webhook(let url) = self else { return text }
        let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        let host = parts.count > 2 ? parts[2].prefix { $0 != "/" && $0 != "?" } : ""
        return "\(parts[0])//\(host.split(separator: "@").last ?? "")"
    }
}

/// One `notify` line.
package struct NotificationRule: Equatable, Sendable {
    package var target: NotificationTarget
    /// In the order of ha.cf; nil: all of them.
    package var kinds: [Transition.Kind]?

    package init(target: NotificationTarget, kinds: [Transition.Kind]? = nil) {
        self.target = target
        self.kinds = kinds
    }

    /// Whether the target wants to hear of it.
    package func wants(_ transition: Transition) -> Bool { kinds?.contains(transition.kind) ?? true }
}

extension NotificationTarget {
    /// The target behind its text.
    package init(text: String) {
        if text.hasPrefix("mailto:") {
            self = .mail(String(text.dropFirst("mailto:".count)))
        } else if text.hasPrefix("/") {
            self = .program(text)
        } else {
            self = .webhook(text)
        }
    }
}
