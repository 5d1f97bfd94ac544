// The three files on a real disk: what is read, what is found, and what `hb check` makes of it.
import CLinux
import ClusterConfig
import LinuxSystem
import Testing

@testable import Admin

@Suite struct CheckTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("nodeinfo", " Alpha \t\nbeta\n")
        try folder.write(
            "ha.cf",
            "node alpha beta\nkeepalive 100ms\ndeadtime 1\nbcast lo\nudpport 694\nserial /dev/null\n"
                + "auto_failback on\nquorum ignore\nrespawn nobody /bin/true\n")
        try folder.write("haresources", "alpha 10.0.0.5 website\n")
        try folder.write("authkeys", "auth 1\n1 sha256 verysecretword\n", mode: 0o600)
        folder.makeFolder("resource.d")
        try folder.write("resource.d/website", "#!/bin/sh\n", mode: 0o755)
        try folder.write("resource.d/readme", "not executable\n")
    }

    private func check() throws -> ToolOutcome {
        try runTool("hb", "check", "--config-dir", folder.path, in: folder)
    }

    @Test("files and facts are those of the folder and of the machine")
    func reading() {
        let (files, facts) = ConfigurationFolder(folder.path).read()
        #expect(files.haConfig.path == "\(folder.path)/ha.cf")
        #expect(files.haConfig.bytes?.starts(with: Array("node alpha".utf8)) == true)
        #expect(files.resources.path == "\(folder.path)/haresources")
        #expect(files.keys.bytes == Array("auth 1\n1 sha256 verysecretword\n".utf8))
        #expect(facts.localNode == "alpha")
        #expect(facts.keysMode == 0o600)
        #expect(facts.keysOwner == geteuid())
        #expect(facts.userID == geteuid())
        #expect(facts.scripts?.contains("website") == true)
        #expect(facts.scripts?.contains("readme") == false)
        #expect(facts.interfaces?.contains("lo") == true)
        #expect(facts.kindOfPath?("/dev/null") == .characterDevice)
        #expect(facts.kindOfPath?("/bin/sh") == .executable)
        #expect(facts.kindOfPath?("/etc/passwd") == .other)
        #expect(facts.kindOfPath?("/tmp") == .other)
        #expect(facts.kindOfPath?("/no/such") == .missing)
    }

    @Test("keys that this user may not read are a warning, for nobody can tell that they are wrong")
    func keysForbidden() throws {
        let reader = ConfigurationFolder(folder.path)
        var (files, facts) = reader.read()
        facts.userID = 65534
        files.keys = ConfigurationFile(
            path: files.keys.path, bytes: nil, problem: "Permission denied", isForbidden: true)
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        let found = diagnostics.filter { $0.location.file == files.keys.path }
        #expect(found.map(\.summary) == ["\(files.keys.path): warning: not checked, this user may not read it"])
        #expect(configuration != nil)
        #expect(diagnostics.exitStatus == 1)
        // For root it is a fault of the machine, and the daemon must not start without keys.
        facts.userID = 0
        #expect(ConfigurationReader.read(files: files, facts: facts).configuration == nil)
    }

    @Test("a user who may not read the keys is told so by the command", .enabled(if: geteuid() == 0))
    func checkAsNobody() throws {
        chmod(folder.path, 0o755)
        // Beside the files, where that user may execute it wherever this project lies.
        let program = "\(folder.path)/hb"
        let copy = Spawn(program: "/bin/cp", arguments: ["cp", RunningTool.program, program])
        #expect(try Children.wait(try copy.start()) == .exited(0))
        let shown = "\(folder.path)/shown"
        var spawn = Spawn(
            program: "/usr/bin/setpriv",
            arguments: [
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "check", "--config-dir",
                folder.path,
            ])
        let output = try Descriptor.open(shown, O_WRONLY | O_CREAT, mode: 0o600)
        spawn.descriptors = [1: output.raw, 2: output.raw]
        #expect(try Children.wait(try spawn.start()) == .exited(1))
        #expect(FileSystem.text(of: shown, limit: 65536)?.contains("authkeys: warning: not checked") == true)
    }

    @Test("the host name counts where nodeinfo is missing or empty")
    func hostName() throws {
        #expect(
            ConfigurationFolder.hostName == FileSystem.text(of: "/proc/sys/kernel/hostname", limit: 256)?.lowercasedLine
        )
        unlink("\(folder.path)/nodeinfo")
        #expect(ConfigurationFolder(folder.path).read().facts.localNode == ConfigurationFolder.hostName.lowercased())
        try folder.write("nodeinfo", "\n")
        #expect(ConfigurationFolder(folder.path).read().facts.localNode == ConfigurationFolder.hostName.lowercased())
    }

    @Test("ipresources stands in for haresources")
    func oldName() {
        rename("\(folder.path)/haresources", "\(folder.path)/ipresources")
        let files = ConfigurationFolder(folder.path).read().files
        #expect(files.resources.path == "\(folder.path)/ipresources")
        #expect(files.resources.bytes != nil)
        unlink("\(folder.path)/ipresources")
        #expect(
            ConfigurationFolder(folder.path).read().files.resources
                == ConfigurationFile(
                    path: "\(folder.path)/haresources", bytes: nil, problem: "No such file or directory"))
    }

    @Test("a FIFO or folder in place of a file is named, and hangs nobody; an endless file is not read to its end")
    func oddFiles() throws {
        unlink("\(folder.path)/ha.cf")
        mkfifo("\(folder.path)/ha.cf", 0o600)
        unlink("\(folder.path)/haresources")
        folder.makeFolder("haresources")
        unlink("\(folder.path)/authkeys")
        let large = try Descriptor.open("\(folder.path)/authkeys", O_WRONLY | O_CREAT, mode: 0o600)
        #expect(ftruncate(large.raw, 1 << 40) == 0)
        let files = ConfigurationFolder(folder.path).read().files
        #expect(files.haConfig.problem == "Not a regular file")
        #expect(files.haConfig.bytes == nil)
        #expect(files.resources.problem == "Not a regular file")
        let length = try #require(files.keys.bytes?.count)
        #expect(length > 1 << 20 && length < 1 << 22)
    }

    @Test("a configuration without mistakes: its effective form on standard output, exit 0 or 1")
    func clean() throws {
        let outcome = try check()
        #expect(outcome.status < 2, "\(outcome)")
        #expect(outcome.output.hasPrefix("node alpha    # this node\nnode beta\n"), "\(outcome)")
        #expect(outcome.output.hasSuffix("\n# \(folder.path)/haresources\nalpha 10.0.0.5 website\n"), "\(outcome)")
        #expect(outcome.output.contains("\ndeadtime 1s\nwarntime 500ms    # half of deadtime\n"), "\(outcome)")
        #expect(!outcome.output.contains("verysecretword"))
    }

    @Test("every mistake is reported, nothing is printed as effective, exit 2")
    func mistakes() throws {
        try folder.write("ha.cf", "node alpha beta\nkeepalvie 1\nbcast lo\n")
        try folder.write("haresources", "gamma 10.0.0.5 web\u{1B}[1msite\n")
        chmod("\(folder.path)/authkeys", 0o644)
        let outcome = try check()
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("\(folder.path)/ha.cf:2:1: error: keepalvie"), "\(outcome)")
        #expect(outcome.errors.contains("\(folder.path)/haresources:1:16: error: "), "\(outcome)")
        #expect(outcome.errors.contains("\(folder.path)/authkeys: error: the mode is 644"), "\(outcome)")
        #expect(!outcome.errors.contains("\u{1B}"))
        #expect(!outcome.errors.contains("verysecretword"))
    }

    @Test("a folder without files: three errors, exit 2")
    func nothing() throws {
        let empty = try TemporaryFolder()
        let outcome = try runTool("hb", "--config-dir", empty.path, "check", in: folder)
        #expect(outcome.status == 2)
        for name in ["ha.cf", "haresources", "authkeys"] {
            let line = "\(empty.path)/\(name): error: cannot be read: No such file or directory\n"
            #expect(outcome.errors.contains(line), "\(outcome)")
        }
    }

    @Test("passwords of fencing devices are not printed")
    func fencing() throws {
        folder.makeFolder("stonith.d")
        try folder.write("stonith.d/ipmi", "#!/bin/sh\n", mode: 0o755)
        try folder.write("stonith.d/fence_ipmilan", "#!/bin/sh\n", mode: 0o755)
        try folder.write("parameters", "ip=10.0.0.9\n", mode: 0o600)
        try folder.write(
            "ha.cf",
            folder.text("ha.cf") + "stonith_host * external/ipmi 10.0.0.9 admin hunter2\n"
                + "stonith fence_ipmilan \(folder.path)/parameters\n")
        let outcome = try check()
        #expect(outcome.status < 2, "\(outcome)")
        #expect(outcome.output.contains("\nstonith_host * external/ipmi *****\n"), "\(outcome)")
        #expect(outcome.output.contains("\nstonith fence_ipmilan \(folder.path)/parameters\n"), "\(outcome)")
        #expect(!outcome.output.contains("hunter2"))
        #expect(!outcome.errors.contains("hunter2"), "\(outcome)")
    }

    @Test("root is not needed", .enabled(if: geteuid() == 0))
    func unprivileged() throws {
        let copying = Spawn(program: "/bin/cp", arguments: ["cp", RunningTool.program, "\(folder.path)/hb"])
        #expect(try Children.wait(try copying.start()) == .exited(0))
        chown("\(folder.path)/authkeys", 65534, 65534)
        var spawn = Spawn(
            program: "/usr/bin/setpriv",
            arguments: [
                "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "\(folder.path)/hb", "check",
                "--config-dir", folder.path,
            ])
        let output = try Descriptor.open("\(folder.path)/output", O_RDWR | O_CREAT, mode: 0o600)
        spawn.descriptors = [1: output.raw, 2: output.raw]
        guard case .exited(let status) = try Children.wait(try spawn.start()) else {
            Issue.record("killed")
            return
        }
        #expect(status < 2, "\(folder.text("output"))")
    }
}

extension String {
    /// The first line as a host name.
    fileprivate var lowercasedLine: String { String(prefix { $0 != "\n" }) }
}
