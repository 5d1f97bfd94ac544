// Where the folders of the project lie that tests read.

/// The project's own folder, in which Package.swift is.
package enum Checkout {
    package static let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    /// Where `make peer` unpacks Debian's heartbeat 3.0.6, whether it has done so or not.
    package static let debianPackage = folder + "/.build/debian-heartbeat/root"

    /// Where `make webserver` unpacks Debian's nginx, whether it has done so or not.
    package static let webServer = folder + "/.build/debian-nginx/root"
}
