// Where this product's own files are, found from where its program is: the place of an installation is known only then.
import CLinux

/// Files that are installed beside the program.
package enum InstalledFiles {
    /// `PREFIX/libexec/heartbeat/resource.d`, where PREFIX is the folder above that of the running program.
    package static var resourceScripts: String { below("libexec/heartbeat/resource.d") }

    /// The program that tells a server: `PREFIX/libexec/heartbeat/hb_webhook`, or beside the running program where it
    /// was not installed.
    package static var webhookProgram: String {
        let installed = below("libexec/heartbeat/hb_webhook")
        if access(installed, X_OK) == 0 { return installed }
        let program = FileSystem.target(ofLink: "/proc/self/exe") ?? ""
        return program.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/hb_webhook"
    }

    /// Where OCF agents are: `OCF_ROOT` of the environment, or the place of the packages.
    package static var ocfRoot: String {
        let own = getenv("OCF_ROOT").map { String(cString: $0) } ?? ""
        return own.isEmpty ? "/usr/lib/ocf" : own
    }

    /// Where systemd finds unit files, as far as packages and administrators put them there.
    package static let unitDirectories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]

    /// The program of the tools, `hb`: in `PREFIX/bin`, or beside the running program; nil where it is in neither.
    package static var tools: String? {
        let program = FileSystem.target(ofLink: "/proc/self/exe") ?? ""
        let folder = program.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        return ["\(folder)/hb", below("bin/hb")].first { access($0, X_OK) == 0 }
    }

    private static func below(_ path: String) -> String {
        let program = FileSystem.target(ofLink: "/proc/self/exe") ?? "/usr/sbin/heartbeat"
        let folder = program.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        return "\(folder)/\(path)"
    }
}
