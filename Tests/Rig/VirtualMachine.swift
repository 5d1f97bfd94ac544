// A machine with a kernel of its own, emulated by QEMU: what namespaces cannot give, a watchdog that resets, a power
// cut, a pause. It needs no hardware support and is slow. QEMU ends with the rig, however the rig ends.
import CLinux
import ClusterModel
import LinuxSystem

package final class VirtualMachine {
    package static let emulator = "/usr/bin/qemu-system-x86_64"

    /// Why no machine can be made with a kernel that was unpacked to a folder; nil where one can.
    package static func obstacle(kernel root: String) -> String? {
        if geteuid() != 0 { return "only root can make the network of the machines" }
        if FileSystem.kind(of: emulator) == nil { return "there is no \(emulator): make machine installs it" }
        if DebianKernel(root: root) == nil { return "there is no kernel in \(root): make machine fetches it" }
        if FileSystem.kind(of: "/dev/net/tun") == nil { return "there is no /dev/net/tun" }
        return nil
    }

    package let name: String
    /// Its number among the machines, from 0.
    package let index: Int
    private let folder: String
    private let image: GuestImage
    private let network: Switch
    private let rigProgram: String
    /// Raw images: /dev/vda, /dev/vdb.
    private let disks: [String]
    /// Network cards, eth0 and so on.
    private let cards: Int
    private let waiting: Waiting
    private var channel: GuestChannel?
    private var monitor: PipePair?
    private var holder: HeldProcess?
    private var process: pid_t?

    init(
        _ name: String, index: Int, image: GuestImage, network: Switch, rigProgram: String, disks: [String],
        cards: Int, folder: String, waiting: Waiting
    ) throws {
        self.name = name
        self.index = index
        self.image = image
        self.network = network
        self.rigProgram = rigProgram
        self.disks = disks
        self.cards = cards
        self.folder = "\(folder)/\(name)"
        self.waiting = waiting
        try Folder.make(self.folder)
        try network.plugInTaps(index, cards: cards)
    }

    /// What the kernel said on its console since the machine was switched on.
    package var console: String { Folder.read(folder + "/console") }
    /// What was written to `GuestImage.log` since the machine was switched on.
    package var log: String { Folder.read(folder + "/log") }

    /// Switches the machine on and waits until it can be asked.
    package func powerOn() throws {
        try switchOn()
        try awaitReady()
    }

    func switchOn() throws {
        precondition(holder == nil, "\(name) is on")
        for file in ["console", "log"] { try Folder.write("", to: "\(folder)/\(file)") }
        let channel = try GuestChannel(path: folder + "/channel")
        let monitor = try PipePair(path: folder + "/monitor")
        let (holder, lines) = try HeldProcess.start(
            rigProgram, ["rig-machine"] + network.words + words, waiting: waiting)
        guard let pid = lines.first.flatMap({ pid_t($0) }) else { throw RigError("\(name) has no process") }
        self.holder = holder
        self.channel = channel
        self.monitor = monitor
        process = pid
    }

    /// Waits until it is there, and gives it its address.
    func awaitReady() throws {
        try check(
            """
            ip addr add \(NetworkPlan.address(of: index))/24 broadcast + dev eth0
            ip link set eth0 up
            hostname \(name)
            """)
    }

    /// What QEMU is started with. A machine that resets itself ends it.
    private var words: [String] {
        let kernelWords = "console=ttyS0 quiet panic=-1 selinux=0 apparmor=0 mitigations=off tsc=reliable net.ifnames=0"
        var words = [
            VirtualMachine.emulator, "-name", name, "-machine", "q35", "-accel", "tcg,thread=single,tb-size=128",
            "-cpu", "max", "-m", "320", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot", "-kernel", image.kernel.image, "-initrd", image.archive, "-append", kernelWords,
            "-chardev", "file,id=console,path=\(folder)/console", "-serial", "chardev:console",
            "-chardev", "file,id=log,path=\(folder)/log", "-serial", "chardev:log",
            "-device", "virtio-serial-pci", "-chardev", "pipe,id=channel,path=\(folder)/channel",
            "-device", "virtserialport,chardev=channel",
            "-chardev", "pipe,id=monitor,path=\(folder)/monitor", "-mon", "chardev=monitor,mode=readline",
        ]
        for card in 0..<cards {
            let hardware = NetworkPlan.hardwareAddress(of: index, on: card)
            words += [
                "-netdev", "tap,id=net\(card),ifname=\(Switch.port(index, card)),script=no,downscript=no",
                "-device", "virtio-net-pci,netdev=net\(card),mac=\(hardware),romfile=",
            ]
        }
        for disk in disks {
            // Past this machine's cache and without a lock: another machine has the same disk.
            words += ["-drive", "file=\(disk),format=raw,if=virtio,cache=none,file.locking=off"]
        }
        return words
    }

    // MARK: Power

    /// Whether the machine runs, or is paused.
    package var isOn: Bool {
        guard let holder else { return false }
        return (try? holder.hasEnded()) == false
    }

    /// Cuts the power.
    package func cutPower() throws {
        if let process, isOn { try Children.signal(process, SIGKILL) }
        try awaitOff()
    }

    /// Waits until the machine is off, by whatever cause; it can be powered on again then.
    package func awaitOff(within limit: Duration = .seconds(20)) throws {
        try waiting.until("\(name) off", within: limit) { !isOn }
        destroy()
    }

    /// What the machine's clock does while the machine stands still.
    package enum Clock: Sendable {
        /// It goes on, as where the host has no time for the machine.
        case goesOn
        /// It stops, as where a hypervisor is told to pause the machine.
        case stops
    }

    /// Nothing in the machine runs until it is resumed.
    package func pause(_ clock: Clock = .goesOn) throws { try pass(clock, SIGSTOP, "stop\n") }
    /// `clock` is that of the pause.
    package func resume(_ clock: Clock = .goesOn) throws { try pass(clock, SIGCONT, "cont\n") }

    private func pass(_ clock: Clock, _ signal: Int32, _ order: String) throws {
        guard let process, let monitor, isOn else { throw RigError("\(name) is off") }
        switch clock {
        case .goesOn: try Children.signal(process, signal)
        case .stops: try monitor.say(order)
        }
    }

    /// Ends what is left of the machine.
    func destroy() {
        holder?.finish()
        holder = nil
        process = nil
        channel = nil
        monitor = nil
    }

    // MARK: What runs in it

    /// Runs a script of busybox's shell in the machine. What it leaves in the background goes on.
    @discardableResult
    package func run(_ script: String, within limit: Duration = .seconds(60)) throws -> Command.Outcome {
        guard let channel else { throw RigError("\(name) is off") }
        return try channel.run(script, within: limit, waiting: waiting) {
            if !isOn { throw RigError("\(name) went down") }
        }
    }

    /// Runs a script that must succeed.
    @discardableResult
    package func check(_ script: String) throws -> String {
        let outcome = try run("set -e\n\(script)\n")
        guard outcome.succeeded else { throw RigError("\(name): \(script): \(outcome.status): \(outcome.output)") }
        return outcome.output
    }

    /// Writes a file of the machine.
    package func write(_ path: String, _ text: String, mode: String = "644") throws {
        try check("cat >\(path) <<'END-OF-FILE'\n\(text)END-OF-FILE\nchmod \(mode) \(path)")
    }
}
