// What goes wrong while a cluster is set up or watched, as one sentence for the person at the terminal.

/// The rig could not do its work, or something did not happen in time.
package struct RigError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
