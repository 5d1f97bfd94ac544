// Virtual machines on one network, with a client. Nothing of it touches the host's network, and nothing of it outlives
// the process that made it.
import CLinux
import ClusterModel
import LinuxSystem

package final class MachineRoom {
    package let machines: [VirtualMachine]
    package let folder: String
    package let waiting: Waiting
    private let network: Switch
    private let client: HeldProcess

    /// Makes the network, the client and the machines, which are off. `binaries`: the folder with the executables of
    /// the product and `hb_demo`. `sharedDisk`: whether every machine has one and the same disk, of 16 MB, as /dev/vda.
    /// `cards`: the network cards of each, all on the one network. `diskTools`: as `GuestImage` has it.
    package init(
        prefix: String, names: [String], kernel: DebianKernel, binaries: String, sharedDisk: Bool = false,
        cards: Int = 1, diskTools: String? = nil, waiting: Waiting = Waiting()
    ) throws {
        Cluster.removeLeftovers(prefix: prefix)
        self.waiting = waiting
        let program = binaries + "/hb_demo"
        let folder = try Folder.makeUnique(prefix: prefix)
        self.folder = folder
        do {
            let network = try Switch(program: program, bridges: 1, folder: folder, waiting: waiting)
            self.network = network
            client = try HeldProcess.start(program, ["rig-network"], waiting: waiting).process
            try network.plugIn(NetworkPlan.client, pid: client.pid, bridges: 0..<1)
            let disk = folder + "/shared-disk"
            if sharedDisk { try Command(["truncate", "-s", "16M", disk]).check() }
            let image = try GuestImage(kernel: kernel, binaries: binaries, folder: folder, diskTools: diskTools)
            machines = try names.enumerated().map { index, name in
                try VirtualMachine(
                    name, index: index, image: image, network: network, rigProgram: program,
                    disks: sharedDisk ? [disk] : [], cards: cards, folder: folder, waiting: waiting)
            }
        } catch {
            Folder.remove(folder)
            throw error
        }
    }

    deinit { finish() }

    /// Switches all machines on, and waits until they can be asked.
    package func powerOn() throws {
        for machine in machines { try machine.switchOn() }
        for machine in machines { try machine.awaitReady() }
    }

    /// Ends everything and removes the folder.
    package func finish() {
        for machine in machines { machine.destroy() }
        client.kill()
        network.finish()
    }

    /// The words before a command that is to run on the client.
    package var clientWords: [String] { Namespace(pid: client.pid).words }
}
