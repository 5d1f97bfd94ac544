// What the product calls itself: one place for everything that `--version` and status answers print.

/// The product's name and version.
package enum Product {
    /// As administrators know it.
    package static let name = "heartbeat"
    /// Grows with every release; the same in all executables of one.
    package static let version = "0.1.0"

    /// The line that `--version` of a tool prints, without LF: `hb_standby (heartbeat) 0.1.0`, or `heartbeat 0.1.0`.
    package static func versionLine(tool: String) -> String {
        tool == name ? "\(name) \(version)" : "\(tool) (\(name)) \(version)"
    }
}
