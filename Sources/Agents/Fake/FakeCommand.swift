// `fake`: takes an address over and announces it for ever, or gives it back, as the package of that name did
// (specs/address-takeover.md 1 to 3). The hardware address comes from the kernel, not from the words of ifconfig.
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents

/// `fake IP` and `fake remove IP`.
package struct FakeCommand {
    private let text: String
    private let address: IPAddress
    private let configuration: FakeConfiguration
    private let delay: Duration
    /// Without the alias: `eth0`.
    private let interface: NetworkInterface
    private let label: String

    private static let usage = """
        usage: fake IP
               fake remove IP
        """
    /// What `remove` leaves behind, so that it need not wait for all the announcements.
    private static let restoring = "restore"

    /// Carries the command line out; returns the exit code. A takeover returns only when a signal ends it.
    package static func run(_ words: [String]) -> Int32 {
        let verb = words.count == 2 ? words[0] : ""
        guard words.count == 1 || [restoring, "remove"].contains(verb), let text = words.last, !text.hasPrefix("-")
        else {
            AgentProgram.complain(usage)
            return 1
        }
        guard geteuid() == 0 else {
            AgentProgram.complain("fake: only root may do this")
            return 1
        }
        do throws(AgentError) {
            if verb != restoring { log("Starting with arguments: \(words.joined(separator: " "))") }
            let command = try FakeCommand(text)
            switch verb {
            case restoring: try command.restore()
            case "remove": try command.remove()
            default: return try command.take()
            }
            return 0
        } catch {
            log(error.reason)
            AgentProgram.complain("fake: \(error.reason)")
            return 1
        }
    }

    private init(_ text: String) throws(AgentError) {
        guard let address = IPAddress(text), !address.isIPv6 else { throw AgentError("\(text) is not an IPv4 address") }
        self.text = text
        self.address = address
        var configuration = FakeConfiguration()
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        let files = ["/etc/fake/.fakerc", "\(home)/.fakerc"].filter { FileSystem.kind(of: $0) == .regular }
        if files.isEmpty { throw AgentError("Fatal Error: neither /etc/fake/.fakerc nor \(home)/.fakerc exists") }
        for file in files { try configuration.read(file) }
        for name in ["ARP_DELAY", "CLEAR_ROUTERS_FILE", "PID_DIR"] { _ = try configuration.required(name) }
        try configuration.read("\(try configuration.required("INSTANCE_CONFIG_DIR"))/\(text).cfg")
        guard try configuration.required("SPOOF_IP") == text else {
            throw AgentError("Fatal Error: SPOOF_IP is not \(text)")
        }
        self.configuration = configuration
        delay = try configuration.seconds("ARP_DELAY")
        let label = try configuration.required("TARGET_INTERFACE")
        self.label = label
        let name = label.prefix { $0 != ":" }
        interface = try FakeCommand.kernel { session throws(SystemError) in
            guard let found = try session.interfaces().first(where: { $0.name == name }) else {
                throw SystemError(code: ENODEV, operation: "use \(name)")
            }
            return found
        }
    }

    private static func kernel<Result>(
        _ body: (NetlinkSession) throws(SystemError) -> Result
    ) throws(AgentError) -> Result {
        do throws(SystemError) {
            return try body(try NetlinkSession())
        } catch {
            throw AgentError("\(error)")
        }
    }

    // MARK: Takeover

    private func take() throws(AgentError) -> Int32 {
        clearRouters()
        guard let hardware = interface.hardwareAddress else {
            throw AgentError("\(interface.name) has no hardware address")
        }
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGUSR1, SIGTERM, SIGHUP, SIGINT] { sigaddset(&signals, number) }
        sigprocmask(SIG_BLOCK, &signals, nil)
        endOther()
        try writeProcessFile()
        FakeCommand.log("Turning Fake on.")
        do throws(AgentError) {
            try bringUp()
        } catch {
            unlink(processFile)
            throw error
        }
        FakeCommand.log("\(AgentProgram.nodeName) being \(text)")
        FakeCommand.log("Sending endless Gratuitous Arp")
        // The reply first, as fake sent them.
        let frames = Array(Announcer.frames(of: address, at: hardware).reversed())
        var index = 0
        while true {
            send(frames[index % frames.count])
            index += 1
            switch FakeCommand.wait(delay, &signals) {
            case nil: continue
            // Another instance takes over, or `remove` has done all that is to be done.
            case SIGUSR1: return 1
            default:
                if configuration.optional("IFCONFIG") == "TRUE" { takeDown() }
                unlink(processFile)
                try restore()
                return 1
            }
        }
    }

    /// The signal that came within a time; nil where none did.
    private static func wait(_ time: Duration, _ signals: inout sigset_t) -> Int32? {
        let parts = time.components
        var limit = timespec(tv_sec: Int(parts.seconds), tv_nsec: Int(parts.attoseconds / 1_000_000_000))
        let number = sigtimedwait(&signals, nil, &limit)
        return number > 0 ? number : nil
    }

    private func bringUp() throws(AgentError) {
        guard try configuration.required("IFCONFIG") == "TRUE" else { return }
        let words = [text, try configuration.required("SPOOF_NETMASK")]
        let specification: AddressSpecification
        do throws(ArgumentError) {
            specification = try AddressSpecification(argument: words.joined(separator: "/"))
        } catch {
            throw AgentError("Fatal Error: SPOOF_NETMASK: \(error.reason)")
        }
        guard let bits = specification.prefixLength else { throw AgentError("Fatal Error: SPOOF_NETMASK is no mask") }
        var own = InterfaceAddress(interface: interface.index, address: address, prefixLength: bits)
        own.broadcast = IPAddress(try configuration.required("SPOOF_BROADCAST"))
        own.label = label == interface.name ? nil : label
        let code = try FakeCommand.kernel { session throws(SystemError) in try session.add([own])[0] }
        if code != 0, code != EEXIST {
            throw AgentError("\(SystemError(code: code, operation: "bring up \(text) on \(label)"))")
        }
    }

    // MARK: Release

    private func remove() throws(AgentError) {
        clearRouters()
        FakeCommand.log("Turning Fake off.")
        // The sender ends before the address does: nothing announces what is not here.
        if endOther() {
            FakeCommand.log("fake appears to be running: PIDFILE was found: Killing.")
        }
        unlink(processFile)
        if configuration.optional("IFCONFIG") == "TRUE" { takeDown() }
        guard configuration.optional("FOREIGN_INTERFACE") != nil else { return }
        _ = try foreignHardware()
        try AgentProgram.leaveBehind(["fake", FakeCommand.restoring, text])
    }

    private func takeDown() {
        do throws(AgentError) {
            try FakeCommand.kernel { session throws(SystemError) in
                let own = try session.addresses().filter { $0.address == address && $0.interface == interface.index }
                _ = try session.remove(own)
            }
        } catch {
            FakeCommand.log(error.reason)
        }
    }

    /// Tells the neighbours where the address is without us, the configured number of times.
    private func restore() throws(AgentError) {
        guard configuration.optional("FOREIGN_INTERFACE") != nil else { return }
        let hardware = try foreignHardware()
        guard let count = Int(try configuration.required("FOREIGN_ARP")), (0...10_000).contains(count) else {
            throw AgentError("Fatal Error: FOREIGN_ARP is not a number")
        }
        FakeCommand.log("sending gratuitous arp of original mac address")
        let source = interface.hardwareAddress ?? hardware
        for _ in 0..<count {
            for packet in ARPPacket.announcement(of: address, at: hardware).reversed() {
                // The switch must not learn the other machine's address on our port.
                send(packet.frame(source: source))
                Clock.wait(delay)
            }
        }
    }

    private func foreignHardware() throws(AgentError) -> MACAddress {
        let words: String
        if configuration.optional("FOREIGN_INTERFACE") == "STATIC" {
            words = try configuration.required("FOREIGN_MACADDR")
        } else {
            let shell = try configuration.required("FAKE_RSH").split(separator: " ").map(String.init)
            let program = try FakeCommand.path(shell)
            let question = [text, "/sbin/ifconfig", try configuration.required("FOREIGN_INTERFACE")]
            let output = try ToolRun.run(program + question, limit: .seconds(20)).output
            let all = output.split { $0 == " " || $0 == "\n" || $0 == "\t" }.map(String.init)
            // Of old and of recent ifconfig.
            let mark = all.firstIndex { $0 == "HWaddr" || $0 == "ether" }
            words = mark.flatMap { all.indices.contains($0 + 1) ? all[$0 + 1] : nil } ?? ""
        }
        guard let hardware = MACAddress(words) else { throw AgentError("\(words) is not a hardware address") }
        return hardware
    }

    // MARK: Others

    private var processFile: String { "\(configuration.optional("PID_DIR") ?? "/run")/fake.\(text).pid" }

    private func writeProcessFile() throws(AgentError) {
        do throws(SystemError) {
            unlink(processFile)
            let file = try Descriptor.open(processFile, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            let bytes = Array("\(getpid())\n".utf8)
            let raw = file.raw
            _ = try retrying("write \(processFile)") { write(raw, bytes, bytes.count) }
        } catch {
            throw AgentError("\(error)")
        }
    }

    /// Ends the instance that announces this address; whether there was one. A number that has gone to another program
    /// is left alone.
    @discardableResult
    private func endOther() -> Bool {
        guard let line = FileSystem.text(of: processFile, limit: 32), let pid = pid_t(line.prefix { $0.isNumber }),
            pid > 1, pid != getpid(), FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096)?.contains("fake") == true
        else { return false }
        kill(pid, SIGUSR1)
        return true
    }

    /// Has routers forget what they know, without waiting for them.
    private func clearRouters() {
        guard let file = configuration.optional("CLEAR_ROUTERS_FILE"),
            let text = FileSystem.text(of: file, limit: 65536),
            let shell = configuration.optional("FAKE_RSH")?.split(separator: " ").map(String.init),
            let program = try? FakeCommand.path(shell)
        else { return }
        let names = text.split(separator: "\n").flatMap { $0.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" } }
        for name in names where !name.hasPrefix("-") {
            FakeCommand.log("\(shell.joined(separator: " ")) \(name) clear arp-cache")
            var spawn = Spawn(program: program[0], arguments: program + [String(name), "clear", "arp-cache"])
            spawn.environment = ["PATH=\(ToolRun.path)"] + Spawn.inherited(["HOME"])
            spawn.leadsProcessGroup = true
            _ = try? spawn.start()
        }
    }

    /// A command with its program's path.
    private static func path(_ words: [String]) throws(AgentError) -> [String] {
        guard let name = words.first else { throw AgentError("Fatal Error: FAKE_RSH is not set in config file") }
        let path = name.hasPrefix("/") ? name : try ToolRun.find(name, package: "that has it")
        return [path] + words.dropFirst()
    }

    /// A frame that is not sent is no reason to stop: the interface may come back.
    private func send(_ frame: [UInt8]) {
        do throws(SystemError) {
            try PacketSocket().send(frame, interface: interface.index)
        } catch {
            FakeCommand.log("\(error)")
        }
    }

    private static func log(_ text: String) { cl_syslog(LOG_LOCAL0 | LOG_NOTICE, "fake[\(getpid())]: \(text)") }
}
