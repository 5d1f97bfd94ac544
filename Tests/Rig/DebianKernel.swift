// Debian's kernel and what else a virtual machine boots, as `make machine` unpacks it: nothing of it is installed.
import LinuxSystem

/// An unpacked kernel with its modules, and a busybox.
package struct DebianKernel {
    /// The folder that the packages were unpacked to.
    package let root: String
    private let release: String

    /// nil where no package was unpacked to `root`.
    package init?(root: String) {
        guard FileSystem.kind(of: root + "/bin/busybox") == .regular,
            let release = FileSystem.names(in: root + "/lib/modules").first,
            FileSystem.kind(of: "\(root)/boot/vmlinuz-\(release)") == .regular,
            FileSystem.kind(of: "\(root)/lib/modules/\(release)/modules.dep") == .regular
        else { return nil }
        self.root = root
        self.release = release
    }

    package var image: String { "\(root)/boot/vmlinuz-\(release)" }
    /// Linked with nothing: it runs in a machine that has nothing else, and here.
    package var busybox: String { root + "/bin/busybox" }

    /// The files of these modules and of those that they need, in the order to load them in.
    func modules(_ names: [String]) throws -> [String] {
        let folder = "\(root)/lib/modules/\(release)"
        // `PATH: PATH PATH`, what is needed first behind what needs it.
        var needs: [String: [String]] = [:]
        for line in Folder.read(folder + "/modules.dep").split(separator: "\n") {
            let paths = line.split { $0 == ":" || $0 == " " }.map(String.init)
            if let path = paths.first { needs[path] = Array(paths.dropFirst()) }
        }
        var ordered: [String] = []
        func add(_ path: String) {
            if ordered.contains(path) { return }
            needs[path]?.forEach(add)
            ordered.append(path)
        }
        for name in names {
            guard let path = needs.keys.first(where: { $0.hasSuffix("/\(name).ko") }) else {
                throw RigError("Debian's kernel \(release) has no module \(name)")
            }
            add(path)
        }
        return ordered.map { "\(folder)/\($0)" }
    }
}
