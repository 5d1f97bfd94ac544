// Who makes a request, and why: for the log and for all who look at `hb status`. Two fields beside those of the verb,
// which a daemon that does not know them ignores.
import CLinux
import Messaging

/// Words of a person, or of a program that acts for one.
package struct RequestOrigin: Equatable, Sendable {
    /// A person's name, `mon`.
    package var user: String
    /// One line; empty: none was given.
    package var reason: String

    package static let reasonLengthMax = 500

    package init(user: String, reason: String) {
        self.user = user
        self.reason = RequestOrigin.line(reason)
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
    }

    /// Reads the fields of a request; nil where it gives no reason. Takes any message.
    package init?(_ message: HAMessage) {
        guard let reason = message.text("origin_reason"), !reason.isEmpty else { return nil }
        self.init(user: RequestOrigin.line(message.text("origin_user") ?? ""), reason: reason)
    }

    /// A text as one line of at most `reasonLengthMax` characters.
    static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(reasonLengthMax).map { $0.value < 0x20 ? " " : $0 }))
    }
}
