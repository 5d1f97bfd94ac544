// A changed ha.cf comes into force whole or not at all, and the one before it is kept.
import CLinux
import ClusterConfig
import LinuxSystem

/// Why ha.cf was not changed.
package enum EditError: Error, CustomStringConvertible {
    /// The configuration with the change has errors: they, as they are to be read.
    case invalid(String)
    case system(SystemError)

    /// For the operator; may have several lines.
    package var description: String {
        switch self {
        case .invalid(let text): "the configuration with the change has errors, nothing was changed:\n\(text)"
        case .system(let error): error.description
        }
    }
}

extension ConfigurationFolder {
    /// ha.cf itself, which may lie elsewhere and be linked to.
    private var editedPath: String { FileSystem.resolved("\(path)/ha.cf") }

    /// Where the ha.cf before the last change is: beside the file itself.
    package var replacedPath: String { editedPath + ".old" }

    /// Sets directives of ha.cf, if it is without errors then. The file keeps its place, owner and mode; the one before
    /// is `replacedPath`. Of several that are asked for at once each builds on the one before.
    package func change(_ values: [(directive: String, value: String)]) throws(EditError) {
        let target = editedPath
        let lock = try ConfigurationFolder.lock(directoryOf: target)
        defer { withExtendedLifetime(lock) {} }
        var (files, facts) = read()
        files.haConfig.bytes = HAConfigEdit.setting(values, in: files.haConfig.bytes ?? [])
        facts.missingAgents = .warning
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        guard configuration != nil else { throw .invalid(Terminal.printable(diagnostics.rendered)) }
        do throws(SystemError) {
            try replace(target, files.haConfig.bytes ?? [])
        } catch {
            throw .system(error)
        }
    }

    /// Waits until nobody else changes a file there by this way.
    private static func lock(directoryOf file: String) throws(EditError) -> Descriptor {
        let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
        do throws(SystemError) {
            let lock = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            let raw = lock.raw
            _ = try retrying("lock \(directory)") { cl_flock(raw, LOCK_EX) }
            return lock
        } catch {
            throw .system(error)
        }
    }

    private func replace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let draft = path + ".new"
        var status = stat()
        _ = try retrying("stat \(path)") { stat(path, &status) }
        _ = unlink(draft)
        do throws(SystemError) {
            let file = try Descriptor.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o600)
            let raw = file.raw
            _ = try retrying("chown \(draft)") { fchown(raw, status.st_uid, status.st_gid) }
            // Whatever the caller's umask is.
            _ = try retrying("chmod \(draft)") { fchmod(raw, mode_t(status.st_mode) & 0o7777) }
            var written = 0
            while written < bytes.count {
                let rest = bytes[written...]
                written += try retrying("write \(draft)") {
                    rest.withUnsafeBytes { CLinux.write(raw, $0.baseAddress, $0.count) }
                }
            }
            _ = try retrying("fsync \(draft)") { fsync(raw) }
            _ = unlink(replacedPath)
            _ = try retrying("link \(replacedPath)") { link(path, replacedPath) }
            _ = try retrying("rename \(path)") { rename(draft, path) }
        } catch {
            _ = unlink(draft)
            throw error
        }
    }
}
