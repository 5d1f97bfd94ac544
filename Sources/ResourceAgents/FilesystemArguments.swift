// The arguments of Filesystem: device, directory, type and options (specs/heartbeat.md 5.2).

/// What is to be mounted where.
package struct FilesystemArguments: Equatable, Sendable {
    /// A device, an image, a directory for a bind mount, `LABEL=…`, `UUID=…` or what the type takes for a source.
    package var device: String
    package var directory: String
    /// nil: found out from the device.
    package var type: String?
    package var options: String?

    /// Reads the arguments of a haresources word or of the command line of the helper.
    package init(_ arguments: [String]) throws(ArgumentError) {
        guard (2...4).contains(arguments.count), !arguments[0].isEmpty else {
            throw ArgumentError(reason: "expected Filesystem::DEVICE::DIRECTORY[::TYPE[::OPTIONS]]")
        }
        device = arguments[0]
        // heartbeat's script takes -L and -U as mount(8) does.
        if device.hasPrefix("-L") { device = "LABEL=" + device.dropFirst(2) }
        if device.hasPrefix("-U") { device = "UUID=" + device.dropFirst(2) }
        guard arguments[1].hasPrefix("/") else {
            throw ArgumentError(reason: "\(arguments[1]) is not the full path of a directory")
        }
        directory = "/" + arguments[1].split(separator: "/").joined(separator: "/")
        if directory == "/" { throw ArgumentError(reason: "the root filesystem is not a resource") }
        type = arguments.count > 2 && !arguments[2].isEmpty ? arguments[2] : nil
        options = arguments.count > 3 && !arguments[3].isEmpty ? arguments[3] : nil
    }

    /// The arguments again, for the helper.
    package var words: [String] {
        [device, directory] + (type != nil || options != nil ? [type ?? ""] : []) + (options.map { [$0] } ?? [])
    }
}
