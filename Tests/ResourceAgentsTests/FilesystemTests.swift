// Filesystems mounted, used, and unmounted with their users ended, through the helper of the real program.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Filesystems", .serialized)
struct FilesystemTests {
    private let folder: TemporaryFolder
    private let directory: String
    private let loop: EventLoop
    private let records = Records()
    private let operations: ResourceOperations

    init() throws {
        folder = try TemporaryFolder()
        directory = "\(folder.path)/mount"
        try shell("mkdir \(directory)")
        loop = try EventLoop()
        operations = try ResourceOperations(
            loop: loop,
            settings: ResourceOperations.Settings(Configuration(), configurationDirectory: folder.path),
            log: records.write)
        operations.settings.helper = BuiltProgram.path("heartbeat")
    }

    private func run(_ operation: ResourceOperation, _ arguments: String...) throws -> ResourceOutcome {
        var outcome: ResourceOutcome?
        let running = operations.run(
            operation, ResourceSpecification(type: "Filesystem", arguments: arguments, text: "Filesystem")
        ) { outcome = $0 }
        #expect(turn(loop, within: .seconds(60)) { outcome != nil })
        withExtendedLifetime(running) {}
        return try #require(outcome)
    }

    private var isMounted: Bool { (try? Mounts.entries())?.contains { $0.directory == directory } ?? false }

    @Test("A tmpfs is mounted with its options, found mounted, and unmounted")
    func temporary() throws {
        #expect(try run(.status, "tmpfs", directory, "tmpfs") == .stopped)
        #expect(try run(.start, "tmpfs", directory, "tmpfs", "size=1m,mode=700") == .done)
        #expect(isMounted)
        #expect(try run(.start, "tmpfs", directory, "tmpfs", "size=1m,mode=700") == .done, "idempotent")
        #expect(try Mounts.entries().filter { $0.directory == directory }.count == 1)
        #expect(try run(.status, "tmpfs", directory) == .running)
        try shell("test $(stat -c %a \(directory)) = 700")
        #expect(try run(.stop, "tmpfs", directory) == .done)
        #expect(try run(.stop, "tmpfs", directory) == .done, "idempotent")
        #expect(!isMounted)
    }

    @Test("A path through a symbolic link is the same directory")
    func symbolicLink() throws {
        try shell("ln -s mount \(folder.path)/link")
        #expect(try run(.start, "tmpfs", "\(folder.path)/link", "tmpfs") == .done)
        #expect(try run(.status, "tmpfs", directory) == .running)
        #expect(try run(.stop, "tmpfs", "\(folder.path)/link") == .done)
        #expect(!isMounted)
    }

    @Test("A bind mount is mounted and unmounted; the original keeps its users")
    func bind() throws {
        try shell("mkdir \(folder.path)/original")
        #expect(try run(.start, "\(folder.path)/original", directory, "none", "bind") == .done)
        #expect(try run(.status, "\(folder.path)/original", directory, "none", "bind") == .running)
        var spawn = Spawn(program: "/bin/sleep", arguments: ["sleep", "100"])
        spawn.workingDirectory = "\(folder.path)/original"
        let bystander = try spawn.start()
        spawn.workingDirectory = directory
        let user = try spawn.start()
        #expect(try run(.stop, "\(folder.path)/original", directory, "none", "bind") == .done)
        let bystanderEnd = try Children.poll(bystander)
        #expect(bystanderEnd == nil)
        #expect(try Children.wait(user) == .killed(signal: SIGTERM))
        try Children.signal(bystander, SIGKILL)
        _ = try Children.wait(bystander)
    }

    @Test("An image is mounted through a loop device that goes with it")
    func image() throws {
        let image = "\(folder.path)/image"
        try shell("truncate -s 8M \(image) && mkfs.ext4 -q \(image)")
        #expect(try run(.start, image, directory, "ext4", "loop") == .done)
        #expect(try run(.status, image, directory, "ext4", "loop") == .running)
        try shell("echo kept > \(directory)/file")
        // Another image is not what is mounted there, and is neither started nor stopped in its place.
        try shell("cp \(image) \(image)2")
        let device = try #require(try Mounts.entries().last { $0.directory == directory }).source
        #expect(
            try run(.start, image + "2", directory, "ext4", "loop")
                == .failed("exit code 1: \(directory) already holds \(device), not \(image)2"))
        #expect(
            try run(.status, image + "2", directory)
                == .unknown("exit code 1: \(directory) already holds \(device), not \(image)2"))
        #expect(try run(.stop, image + "2", directory) == .done)
        #expect(isMounted)
        #expect(try run(.stop, image, directory, "ext4", "loop") == .done)
        #expect(!isMounted)
        try shell("test -z \"$(losetup -j \(image) -n)\"")
        #expect(try run(.start, image, directory, "ext4", "loop") == .done)
        try shell("grep -q kept \(directory)/file")
        #expect(try run(.stop, image, directory) == .done)
    }

    @Test("A loop device that somebody set up is there for the next start")
    func loopDevice() throws {
        let image = "\(folder.path)/image"
        try shell("truncate -s 8M \(image) && mkfs.ext4 -q \(image) && losetup --find --show \(image) >\(image).device")
        defer { try? shell("losetup --detach $(cat \(image).device)") }
        let device = try #require(FileSystem.text(of: "\(image).device", limit: 64)).split(separator: "\n").joined()
        for _ in 0..<2 {
            #expect(try run(.start, device, directory, "ext4") == .done)
            #expect(try run(.stop, device, directory, "ext4") == .done)
            #expect(try run(.status, device, directory, "ext4") == .stopped)
            try shell("losetup -j \(image) -n -O NAME | grep -qx \(device)")
        }
    }

    @Test("A device that another mount namespace has mounted, or another directory, is not taken for free")
    func elsewhere() throws {
        let image = "\(folder.path)/image"
        try shell("truncate -s 8M \(image) && mkfs.ext4 -q \(image) && mkdir \(folder.path)/other")
        #expect(try run(.start, image, directory, "ext4", "loop") == .done)
        let device = try #require(try Mounts.entries().last { $0.directory == directory }).source
        // A container has the filesystem, and does not hear of what is unmounted here.
        var spawn = Spawn(
            program: "/usr/bin/unshare",
            arguments: [
                "unshare", "-m", "--propagation", "private", "sh", "-c", "echo >\(folder.path)/up; exec sleep 100",
            ])
        spawn.environment = ["PATH=/bin:/usr/bin"]
        let container = try spawn.start()
        defer { _ = try? Children.wait(container) }
        #expect(turn(loop) { FileSystem.kind(of: "\(folder.path)/up") != nil })
        #expect(turn(loop) { FileSystem.text(of: "/proc/\(container)/comm", limit: 64) == "sleep\n" })
        let reason = "exit code 1: \(device) is in use by mount namespaces of sleep[\(container)]"
        #expect(try run(.stop, image, directory, "ext4", "loop") == .failed(reason))
        #expect(!isMounted)
        #expect(try run(.status, image, directory, "ext4", "loop") == .unknown(reason))
        #expect(try run(.status, device, directory, "ext4") == .unknown(reason))
        try Children.signal(container, SIGKILL)
        #expect(turn(loop) { (try? run(.stop, image, directory, "ext4", "loop")) == .done })
        #expect(try run(.status, image, directory, "ext4", "loop") == .stopped)

        #expect(try run(.start, image, directory, "ext4", "loop") == .done)
        let second = try #require(try Mounts.entries().last { $0.directory == directory }).source
        try shell("mount --bind \(directory) \(folder.path)/other")
        #expect(
            try run(.stop, image, directory, "ext4", "loop")
                == .failed("exit code 1: \(second) is mounted on \(folder.path)/other"))
        try shell("umount \(folder.path)/other")
        #expect(try run(.stop, image, directory, "ext4", "loop") == .done)
    }

    @Test("A filesystem that is dead is mounted all the same, also where a symbolic link leads to it",
        .enabled(if: access("/dev/fuse", R_OK | W_OK) == 0))
    func dead() throws {
        try shell("ln -s mount \(folder.path)/link && ln -s \(folder.path) \(folder.path)/up")
        try mountDead("heartbeat-test")
        for path in [directory, "\(folder.path)/link", "\(folder.path)/up/mount", "\(folder.path)/up/link"] {
            #expect(try run(.status, "heartbeat-test", path, "fuse") == .running, "\(path)")
        }
        #expect(try run(.stop, "heartbeat-test", "\(folder.path)/up/link", "fuse") == .done)
        #expect(!isMounted)
    }

    @Test("A filesystem that has more devices than one, as btrfs, is known by any of them",
        .enabled(if: access("/dev/fuse", R_OK | W_OK) == 0))
    func devices() throws {
        let devices = ["one", "two"].map { "\(folder.path)/\($0)" }
        for device in devices {
            try shell("truncate -s 1M \(device).image && ln -s $(losetup -f --show \(device).image) \(device)")
        }
        defer { for device in devices { try? shell("losetup -d \(device) 2>/dev/null || true") } }
        // The kernel says the first device, and a number that is none of a device.
        try mountDead(FileSystem.resolved(devices[0]))
        for device in devices { #expect(try run(.status, device, directory) == .running) }
        #expect(try run(.stop, devices[1], directory) == .done)
        #expect(!isMounted)
    }

    /// Mounts a filesystem that nobody serves any more.
    private func mountDead(_ source: String) throws {
        let connection = try retrying("open /dev/fuse") { cl_open("/dev/fuse", O_RDWR | O_CLOEXEC, 0) }
        let options = "fd=\(connection),rootmode=40000,user_id=0,group_id=0"
        _ = try retrying("mount") { mount(source, directory, "fuse", 0, options) }
        close(connection)
    }

    @Test("A stop ends the processes that hold the filesystem: asked first, then killed")
    func holders() throws {
        #expect(try run(.start, "tmpfs", directory, "tmpfs") == .done)
        var sleeper = Spawn(program: "/bin/sleep", arguments: ["sleep", "100"])
        sleeper.workingDirectory = directory
        let byDirectory = try sleeper.start()
        var shell = Spawn(
            program: "/bin/sh",
            arguments: [
                "sh", "-c",
                "trap '' TERM; exec 9>\(directory)/file; echo >\(directory)/ready; while :; do sleep 1; done",
            ])
        shell.environment = ["PATH=/bin:/usr/bin"]
        shell.leadsProcessGroup = true
        let byFile = try shell.start()
        #expect(turn(loop) { FileSystem.kind(of: "\(directory)/ready") != nil })
        #expect(try run(.stop, "tmpfs", directory) == .done)
        #expect(!isMounted)
        #expect(try Children.wait(byDirectory) == .killed(signal: SIGTERM))
        #expect(try Children.wait(byFile) == .killed(signal: SIGKILL))
        try Children.signalGroup(byFile, SIGKILL)
        let said = records.texts("script-output")
        #expect(said.contains("Filesystem stop: ending sleep[\(byDirectory)], which uses \(directory)"))
        #expect(said.contains("Filesystem stop: killing sh[\(byFile)], which uses \(directory)"))
    }

    @Test("A program that runs from the filesystem holds it")
    func program() throws {
        #expect(try run(.start, "tmpfs", directory, "tmpfs") == .done)
        try shell("cp /bin/sleep \(directory)/sleeper")
        let user = try Spawn(program: "\(directory)/sleeper", arguments: ["sleeper", "100"]).start()
        #expect(try run(.stop, "tmpfs", directory) == .done)
        #expect(try Children.wait(user) == .killed(signal: SIGTERM))
    }

    @Test("A stop that cannot succeed names what stands in the way, and leaves the filesystem mounted")
    func mountInside() throws {
        #expect(try run(.start, "tmpfs", directory, "tmpfs") == .done)
        try shell("mkdir \(directory)/inner && mount -t tmpfs tmpfs \(directory)/inner")
        defer { _ = try? shellStatus("umount \(directory)/inner") }
        #expect(
            try run(.stop, "tmpfs", directory)
                == .failed("exit code 1: \(directory) is in use by the mount \(directory)/inner"))
        #expect(try run(.status, "tmpfs", directory) == .running)
    }

    @Test("A mount that fails says why")
    func failures() throws {
        #expect(
            try run(.start, "tmpfs", "\(folder.path)/nowhere", "tmpfs")
                == .failed("exit code 1: \(folder.path)/nowhere is not a directory"))
        let outcome = try run(.start, "/dev/nothing", directory, "ext4")
        guard case .failed(let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("/dev/nothing"))
        #expect(try run(.stop, "/dev/nothing", directory, "ext4") == .done)
    }
}

/// A program of this package, next to the tests.
enum BuiltProgram {
    static func path(_ name: String) -> String {
        let own = FileSystem.target(ofLink: "/proc/self/exe") ?? ""
        // swift test runs the test bundle in a helper; the products stand in the build folder of the working directory.
        let near = own.split(separator: "/").dropLast().joined(separator: "/")
        let candidates = ["/\(near)/\(name)", ".build/debug/\(name)"].map { FileSystem.resolved($0) }
        return candidates.first { FileSystem.kind(of: $0) == .regular } ?? name
    }
}
