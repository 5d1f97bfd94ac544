// What the word of an OCF agent in haresources says to heartbeat, and not to the agent: which of its two roles the
// resource has where its group is held.

/// A resource with two roles is promoted where its group is held, and nowhere else.
package struct PromotedRole: Equatable, Sendable {
    /// Whether it runs on, unpromoted, where its group is released: for data that the other node's copy follows.
    package var staysUnpromoted = false

    /// Why words about roles make no sense.
    package struct Problem: Error, Equatable {
        /// The word.
        package let word: String
        package let reason: String
    }

    /// The names in front of `=`; no agent of the package resource-agents has such parameters.
    private static let names = ["role", "release"]

    /// What the arguments of an OCF agent say: `role=promoted`, and `release=demote` or `release=stop`, the default;
    /// nil where the resource has one role.
    package static func read(_ arguments: [String]) throws(Problem) -> PromotedRole? {
        var role: PromotedRole?
        var release: String?
        for word in arguments {
            if word.hasPrefix("role=") {
                guard word == "role=promoted" else { throw Problem(word: word, reason: "expected role=promoted") }
                role = PromotedRole()
            } else if word.hasPrefix("release=") {
                guard word == "release=demote" || word == "release=stop" else {
                    throw Problem(word: word, reason: "expected release=stop or release=demote")
                }
                release = word
            }
        }
        if let release, role == nil {
            throw Problem(word: release, reason: "it is said of a resource with role=promoted")
        }
        role?.staysUnpromoted = release == "release=demote"
        return role
    }

    /// The arguments without those words: what the agent is given.
    package static func without(_ arguments: [String]) -> [String] {
        arguments.filter { word in !names.contains { word.hasPrefix($0 + "=") } }
    }
}
