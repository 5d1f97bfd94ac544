// The helper that mounts and unmounts: `hb_resource agent filesystem OPERATION DEVICE DIRECTORY [TYPE [OPTIONS]]`,
// OPERATION one of start, stop, status, monitor, monitor-read, monitor-write, validate-all. A process of its own,
// because a mount may hang for as long as its device does, and then only the process that hangs can be ended.
import CLinux
import ClusterModel
import LinuxSystem

/// The helper process that mounts and unmounts.
package enum FilesystemCommand {
    /// Exit codes as those of LSB scripts; 3 is what `status` says of a filesystem that is not mounted.
    package enum Exit {
        package static let success: Int32 = 0
        package static let failure: Int32 = 1
        package static let usage: Int32 = 2
        package static let stopped: Int32 = 3
    }

    /// What the directory holds.
    private enum Presence {
        case nothing
        case ours(MountEntry)
        /// Something that surely is not our device.
        case foreign(MountEntry)
    }

    /// How long processes that were asked to end may take, and how long the kernel may after they were killed.
    private static let patience: Duration = .seconds(5)
    /// Mounts that may lie on top of each other in one directory.
    private static let depthMax = 16
    /// Symbolic links that may lead to each other, as for the kernel.
    private static let linksMax = 40

    /// The name that the helper is called by, and its first words.
    private static let name = "hb_resource"
    private static let verb = ["agent", "filesystem"]

    /// The command line of the helper, whichever program has it.
    static func commandLine(_ operation: String, _ filesystem: FilesystemArguments) -> [String] {
        [name] + verb + [operation] + filesystem.words
    }

    /// Carries out a command line that is the helper's, and returns the exit code; nil where it is none.
    package static func runIfCalled(_ commandLine: [String]) -> Int32? {
        let door = [name] + verb
        return commandLine.starts(with: door) ? run(Array(commandLine.dropFirst(door.count))) : nil
    }

    /// Carries out one operation. Says what is wrong on standard error. Returns the exit code.
    private static func run(_ arguments: [String]) -> Int32 {
        guard let (operation, probe) = operation(arguments.first ?? "") else {
            return fail("expected start, stop, status, monitor or validate-all", Exit.usage)
        }
        let filesystem: FilesystemArguments
        do throws(ArgumentError) {
            filesystem = try FilesystemArguments(Array(arguments.dropFirst()))
        } catch {
            return fail(error.reason, Exit.usage)
        }
        do throws(MountError) {
            switch operation {
            case .start: try start(filesystem)
            case .stop: try stop(filesystem)
            case .status: return try status(filesystem)
            case .monitor:
                let code = try status(filesystem)
                if code == Exit.success { try FilesystemProbe.run(probe, filesystem.directory) }
                return code
            case .validate: try validate(filesystem)
            case .promote, .demote: return fail("a filesystem has one role", Exit.usage)
            }
            return Exit.success
        } catch {
            return fail(error.reason, Exit.failure)
        }
    }

    /// The words after `agent filesystem`; a monitor's probe is part of its word.
    private static func operation(_ word: String) -> (ResourceOperation, MonitorProbe)? {
        if let operation = ResourceOperation(rawValue: word) { return (operation, .none) }
        return MonitorProbe.allCases.first { "monitor-\($0.rawValue)" == word }.map { (.monitor, $0) }
    }

    private static func validate(_ filesystem: FilesystemArguments) throws(MountError) {
        guard FileSystem.kind(of: filesystem.directory) == .directory else {
            throw MountError(reason: "\(filesystem.directory) is not a directory")
        }
        if filesystem.device.hasPrefix("/"), FileSystem.kind(of: filesystem.device) == nil {
            throw MountError(reason: "\(filesystem.device) does not exist")
        }
    }

    private static func status(_ filesystem: FilesystemArguments) throws(MountError) -> Int32 {
        switch try presence(filesystem) {
        case .nothing:
            if let use = try DeviceUse.find(filesystem.device) { throw MountError(reason: use) }
            return Exit.stopped
        case .ours: return Exit.success
        case .foreign(let entry): throw MountError(reason: taken(filesystem, entry))
        }
    }

    private static func start(_ filesystem: FilesystemArguments) throws(MountError) {
        switch try presence(filesystem) {
        case .ours: return
        case .foreign(let entry): throw MountError(reason: taken(filesystem, entry))
        case .nothing: break
        }
        guard FileSystem.kind(of: filesystem.directory) == .directory else {
            throw MountError(reason: "\(filesystem.directory) is not a directory")
        }
        try Mounts.mount(filesystem)
    }

    private static func stop(_ filesystem: FilesystemArguments) throws(MountError) {
        for _ in 0..<depthMax {
            switch try presence(filesystem) {
            case .nothing: return try awaitRelease(filesystem.device)
            case .foreign(let entry):
                print(taken(filesystem, entry) + ": left alone")
                // Ours may lie below it.
                return try awaitRelease(filesystem.device)
            case .ours(let entry): try free(entry)
            }
        }
        throw MountError(reason: "more than \(depthMax) mounts on \(filesystem.directory)")
    }

    /// An unmount that nobody waited for may still write.
    private static func awaitRelease(_ device: String) throws(MountError) {
        let deadline = Clock.now() + patience
        while let use = try DeviceUse.find(device) {
            if Clock.now() >= deadline { throw MountError(reason: use, isBusy: true) }
            Clock.wait(.milliseconds(100))
        }
    }

    /// Unmounts; ends the processes that stand in the way, politely first.
    private static func free(_ entry: MountEntry) throws(MountError) {
        for signal in [SIGTERM, SIGKILL] {
            if try unmount(entry, within: .zero) { return }
            for holder in try holders(entry) {
                let verb = signal == SIGTERM ? "ending" : "killing"
                print("\(verb) \(holder.name)[\(holder.pid)], which uses \(entry.directory)")
                try? Children.signal(holder.pid, signal)
            }
            if try unmount(entry, within: patience) { return }
        }
        throw MountError(reason: "\(entry.directory) is in use by \(try users(entry))", isBusy: true)
    }

    /// Whether the filesystem could be unmounted before the time was over; throws for failures other than being busy.
    private static func unmount(_ entry: MountEntry, within patience: Duration) throws(MountError) -> Bool {
        let deadline = Clock.now() + patience
        while true {
            do throws(MountError) {
                try Mounts.unmount(entry.directory)
                return true
            } catch {
                if !error.isBusy { throw error }
            }
            if Clock.now() >= deadline { return false }
            Clock.wait(.milliseconds(20))
        }
    }

    private static func holders(_ entry: MountEntry) throws(MountError) -> [MountHolder] {
        // btrfs gives its files another device number than its mount.
        let device = FileSystem.device(holding: entry.directory) ?? entry.device
        let isShared = try Mounts.entries().filter { $0.device == entry.device }.count > 1
        return MountHolders.find(directory: entry.directory, device: device, isShared: isShared)
    }

    private static func users(_ entry: MountEntry) throws(MountError) -> String {
        let processes = try holders(entry).map { "\($0.name)[\($0.pid)]" }
        let mounts = try Mounts.entries().filter { $0.directory.hasPrefix(entry.directory + "/") }.map {
            "the mount \($0.directory)"
        }
        let users = processes + mounts
        return users.isEmpty ? "the kernel" : users.joined(separator: ", ")
    }

    // MARK: Whose mount it is

    private static func presence(_ filesystem: FilesystemArguments) throws(MountError) -> Presence {
        // The kernel lists the directory without symbolic links.
        let directory = resolved(filesystem.directory)
        guard let entry = try Mounts.entries().last(where: { $0.directory == directory }) else { return .nothing }
        return isForeign(entry, filesystem.device) ? .foreign(entry) : .ours(entry)
    }

    /// The path without symbolic links. What is mounted there is not touched: of a filesystem whose device or server is
    /// gone nothing can be looked at, and it is mounted all the same.
    private static func resolved(_ path: String) -> String {
        var path = path
        for _ in 0..<linksMax {
            let words = path.split(separator: "/").map(String.init)
            guard let name = words.last else { break }
            if name == ".." || name == "." { return FileSystem.resolved(path) }
            let parent = FileSystem.resolved("/" + words.dropLast().joined(separator: "/"))
            path = (parent == "/" ? "" : parent) + "/" + name
            guard let target = FileSystem.target(ofLink: path) else { break }
            path = target.hasPrefix("/") ? target : "\(parent)/\(target)"
        }
        return path
    }

    /// Whether an entry surely is another device than ours. In doubt it is ours: a filesystem that is taken for stopped
    /// while it is mounted here would be mounted by another node too.
    private static func isForeign(_ entry: MountEntry, _ device: String) -> Bool {
        switch FileSystem.kind(of: device) {
        case .blockDevice:
            // A filesystem on several devices, as btrfs, names any of them for its source, and has a number of its own.
            guard FileSystem.kind(of: entry.source) == .blockDevice,
                FileSystem.deviceNumber(of: entry.source) == entry.device
            else { return false }
            return entry.device != FileSystem.deviceNumber(of: device)
        case .regular:
            guard FileSystem.kind(of: entry.source) == .blockDevice else { return false }
            let name = String(entry.source.dropFirst("/dev/".count))
            return FileSystem.image(ofLoop: name) != FileSystem.resolved(device)
        case .directory, .other, nil: return false
        }
    }

    private static func taken(_ filesystem: FilesystemArguments, _ entry: MountEntry) -> String {
        "\(filesystem.directory) already holds \(entry.source), not \(filesystem.device)"
    }

    private static func fail(_ reason: String, _ code: Int32) -> Int32 {
        let line = Array("\(reason)\n".utf8)
        _ = write(2, line, line.count)
        return code
    }
}
