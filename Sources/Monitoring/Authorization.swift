// Who may do what: auth.cf and the file of users (specs/mon.md 9).
import ClusterModel

/// An auth.cf, read.
package struct Authorization: Equatable, Sendable {
    /// Who may give one command.
    package struct Rule: Equatable, Sendable {
        package var command: String
        /// Names, `all`, `AUTH_ANY`, and `!name`.
        package var users: [String]

        package init(command: String, users: [String]) {
            self.command = command
            self.users = users
        }
    }

    /// Who may send traps.
    package struct TrapSource: Equatable, Sendable {
        /// As the file has it; `*`: every host.
        package var host: String
        /// What it was resolved to, numeric; for the shell to fill in where it is a name.
        package var addresses: [String]
        /// `*`: anybody, without a password.
        package var user: String
        /// Of crypt(3).
        package var hash: String

        package init(host: String, addresses: [String] = [], user: String, hash: String) {
            self.host = host
            self.addresses = addresses
            self.user = user
            self.hash = hash
        }
    }

    package var rules: [Rule] = []
    package var trapSources: [TrapSource] = []

    /// Nobody may do anything.
    package init() {}

    /// Whether a user may give a command; nil: a client that has not logged in. Denials win.
    package func allows(_ command: String, to user: String?) -> Bool {
        var isAllowed = false
        for rule in rules where rule.command == command {
            if let user, rule.users.contains("!" + user) { return false }
            isAllowed = isAllowed || rule.users.contains("all")
            if let user { isAllowed = isAllowed || rule.users.contains("AUTH_ANY") || rule.users.contains(user) }
        }
        return isAllowed
    }

    /// What is asked of the sender of a trap.
    package enum TrapRule: Equatable, Sendable {
        case welcome
        /// Its password must have one of these hashes.
        case password([String])
        case refused
    }

    /// What is asked of a sender by its numeric address and the user that it names. Where a line is for every host,
    /// only such lines count.
    package func trapRule(host: String, user: String) -> TrapRule {
        let forAll = trapSources.filter { $0.host == "*" }
        let lines = forAll.isEmpty
            ? trapSources.filter { $0.host == host || $0.addresses.contains(host) } : forAll
        if lines.contains(where: { $0.user == "*" }) { return .welcome }
        let hashes = lines.filter { $0.user == user && !user.isEmpty }.map(\.hash)
        return hashes.isEmpty ? .refused : .password(hashes)
    }
}

/// The lines `user:hash` of `userfile`.
package enum UserFile {
    /// The hash of a user's password; nil where the file has none. The first line of a user counts.
    package static func hash(of user: String, in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.first == "#" { continue }
            let parts = trimmed.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count >= 2, parts[0] == user else { continue }
            let hash = parts[1].prefix { $0 != " " && $0 != "\t" }
            return hash.isEmpty ? nil : String(hash)
        }
        return nil
    }
}
