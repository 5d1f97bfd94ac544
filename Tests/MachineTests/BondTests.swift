// Addresses on interfaces that are made of others, which only a kernel with their modules has: a bond of two cards, and
// a VLAN on it.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension MachineTests.PairTests {
    @Suite("Addresses on a bond and on a VLAN")
    struct BondTests {
        private static let plain = MachineStage.address
        private static let tagged = "10.55.0.100"

        /// Both cards in bond0, which has the machine's address, and VLANs 5 and 6 on it. Announcements are believed
        /// where they arrive.
        private func prepare(_ machine: VirtualMachine) throws {
            try machine.check(
                """
                \(GuestImage.loadNetworkModules)
                ip addr flush dev eth0; ip link set eth0 down
                cd /sys/class/net/bond0/bonding
                echo active-backup >mode; echo 100 >miimon; echo +eth0 >slaves; echo +eth1 >slaves; echo eth0 >primary
                ip link set bond0 up
                ip addr add \(NetworkPlan.address(of: machine.index))/24 broadcast + dev bond0
                for number in 5 6; do
                    ip link add link bond0 name bond0.$number type vlan id $number
                    ip link set bond0.$number up
                done
                ip addr add 10.55.0.\(machine.index + 1)/24 dev bond0.5
                for name in bond0 bond0.5 bond0.6; do echo 1 >/proc/sys/net/ipv4/conf/$name/arp_accept; done
                """)
        }

        /// Where a machine knows an address to be: `bond0.5 02:77:00:00:00:01`.
        private func place(_ address: String, knownBy machine: VirtualMachine) throws -> [String] {
            try machine.check("ip neigh show").split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.first == address[...], words.count > 4, words[1] == "dev", words[3] == "lladdr" else {
                    return nil
                }
                return "\(words[2]) \(words[4])"
            }
        }

        private func awaitBoth(on machine: VirtualMachine, _ stage: MachineStage) throws {
            try stage.waiting.until("both addresses on \(machine.name)", within: .seconds(60)) {
                let lines = try machine.check("ip -o addr show").split(separator: "\n")
                return lines.contains { $0.contains(" bond0 ") && $0.contains(" \(BondTests.plain)/24 ") }
                    && lines.contains { $0.contains(" bond0.5 ") && $0.contains(" \(BondTests.tagged)/24 ") }
            }
        }

        private func announcements(_ machine: VirtualMachine, on interface: String) -> Int {
            machine.log.split(separator: "\n").count {
                $0.contains("announcing ") && $0.contains(" on \(interface) at ")
            }
        }

        @Test("They move and are announced with the right tag, and again when the bond uses its other card")
        func moves() throws {
            try MachineStage.play(["alpha", "beta"], cards: 2) { stage in
                try stage.room.powerOn()
                let machines = stage.room.machines
                for machine in machines {
                    try prepare(machine)
                    try stage.configure(
                        machine, ["keepalive 500ms", "deadtime 6s", "initdead 30s"],
                        group: "\(BondTests.plain)/24/bond0 \(BondTests.tagged)/24/bond0.5", medium: "bond0")
                }
                for machine in machines { try stage.startDaemon(machine) }
                try awaitBoth(on: stage.alpha, stage)
                /// The other machine knows each address by one interface alone.
                func expectKnown(to machine: VirtualMachine, at owner: VirtualMachine) throws {
                    let hardware = NetworkPlan.hardwareAddress(of: owner.index)
                    try stage.waiting.until("\(owner.name)'s announcements", within: .seconds(30)) {
                        try place(BondTests.plain, knownBy: machine) == ["bond0 \(hardware)"]
                            && place(BondTests.tagged, knownBy: machine) == ["bond0.5 \(hardware)"]
                    }
                }
                try expectKnown(to: stage.beta, at: stage.alpha)

                try stage.alpha.check("hb standby all")
                try awaitBoth(on: stage.beta, stage)
                try expectKnown(to: stage.alpha, at: stage.beta)
                let left = try stage.alpha.check("ip -o addr show")
                #expect(!left.contains(BondTests.tagged) && !left.contains("\(BondTests.plain)/"), "\(left)")

                let before = ["bond0", "bond0.5"].map { announcements(stage.beta, on: $0) }
                try stage.beta.check("ip link set eth0 down")
                try stage.waiting.until("announcements by the other card", within: .seconds(30)) {
                    zip(before, ["bond0", "bond0.5"]).allSatisfy { announcements(stage.beta, on: $1) > $0 }
                }
                #expect(try stage.beta.check("cat /sys/class/net/bond0/bonding/active_slave") == "eth1\n")
                for address in [BondTests.plain, BondTests.tagged] { try stage.alpha.check("ping -c1 -W5 \(address)") }
                try awaitBoth(on: stage.beta, stage)
            }
        }
    }
}
