// A client that asks one machine's card for an address, and everybody who has it.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// Questions for the stage's address, a hundred echo requests a second to one machine whoever has the address, and an
/// ARP request a second to all.
final class AddressQuestions {
    private let processes: [pid_t]
    private let files: [String]
    private let waiting: Waiting

    struct Answers {
        /// Echo replies of the machine.
        var echoes: Int
        /// What the ARP replies said, one a line.
        var owners: String

        func isOwner(_ machine: VirtualMachine) -> Bool {
            owners.contains("[\(NetworkPlan.hardwareAddress(of: machine.index))]")
        }
    }

    /// Begins to ask, for a number of seconds.
    init(_ machine: VirtualMachine, _ room: MachineRoom, busybox: String, seconds: Int) throws {
        waiting = room.waiting
        let client = room.clientWords
        let card = NetworkPlan.hardwareAddress(of: machine.index)
        try Command(
            client + [
                "ip", "neigh", "replace", MachineStage.address, "lladdr", card, "nud", "permanent", "dev", "eth0",
            ]
        ).check()
        files = ["echoes", "owners"].map { "\(room.folder)/\($0)" }
        let commands = [
            ["ping", "-n", "-i", "0.01", "-w", "\(seconds)", MachineStage.address],
            [busybox, "arping", "-I", "eth0", "-w", "\(seconds)", MachineStage.address],
        ]
        processes = try zip(commands, files).map { words, path in
            let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            return try Command(client + words).start(descriptors: [1: file.raw, 2: file.raw])
        }
    }

    /// Waits until the time is over.
    func finish() throws -> Answers {
        for process in processes {
            try waiting.until("the end of the questions", within: .seconds(60)) { try Children.poll(process) != nil }
        }
        let echoes = Folder.read(files[0]).split(separator: "\n").filter { $0.contains("bytes from") }.count
        return Answers(echoes: echoes, owners: Folder.read(files[1]))
    }
}
