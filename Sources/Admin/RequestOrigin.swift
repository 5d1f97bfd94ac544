// Who makes a request, and why: for the log and for all who look at `hb status`. Fields beside those of the verb, which
// a daemon that does not know them ignores.
import CLinux
import ClusterModel
import Messaging

/// Words of a person, or of a program that acts for one.
package struct RequestOrigin: Equatable, Sendable {
    /// A person's name, `mon`.
    package var user: String
    /// One line; empty: none was given.
    package var reason: String
    /// When that began to be looked at which is the reason, on this machine's clock since boot; nil: not known. What
    /// was seen before this node had a group says nothing of the group here.
    package var observedAt: Instant?

    private static let reasonLengthMax = 500

    package init(user: String, reason: String, observedAt: Instant? = nil) {
        self.user = user
        self.reason = RequestOrigin.line(reason)
        self.observedAt = observedAt
    }

    /// Who asks: the person behind sudo, else the user of this process.
    package static var currentUser: String {
        if let name = getenv("SUDO_USER"), geteuid() == 0 { return String(cString: name) }
        guard let entry = getpwuid(getuid()) else { return String(getuid()) }
        return String(cString: entry.pointee.pw_name)
    }

    /// Adds the fields to a request.
    package func add(to message: inout HAMessage) {
        if reason.isEmpty { return }
        message.append("origin_user", user)
        message.append("origin_reason", reason)
        if let observedAt { message.append("origin_observed", String(observedAt.nanoseconds)) }
    }

    /// Reads the fields of a request; nil where it gives no reason. Takes any message.
    package init?(_ message: HAMessage) {
        guard let reason = message.text("origin_reason"), !reason.isEmpty else { return nil }
        let observed = message.text("origin_observed").flatMap { Int64($0) }
        self.init(
            user: RequestOrigin.line(message.text("origin_user") ?? ""), reason: reason,
            observedAt: observed.map(Instant.init(nanoseconds:)))
    }

    /// A text as one line of at most `reasonLengthMax` characters.
    static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(reasonLengthMax).map { $0.value < 0x20 ? " " : $0 }))
    }
}
