// A filesystem on a disk that two machines with kernels of their own share: two mounts at once would destroy it.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension MachineTests.PairTests {
    @Suite("A disk that two real kernels share")
    struct SharedDiskTests {
        private static let folder = "/run/power"
        private static let mountPoint = "/mnt/data"

        private func isMounted(_ machine: VirtualMachine) throws -> Bool {
            try machine.check("cat /proc/mounts").contains(" \(SharedDiskTests.mountPoint) ext4")
        }

        /// Two machines with a switch that powers them off, and a filesystem at home on alpha.
        private func play(_ scenario: (MachineStage) throws -> Void) throws {
            try MachineStage.play(["alpha", "beta"], sharedDisk: true) { stage in
                try stage.room.powerOn()
                try stage.alpha.check("mkfs.ext4 -q /dev/vda\nsync")
                let filesystem = "Filesystem::/dev/vda::\(SharedDiskTests.mountPoint)::ext4"
                let folder = SharedDiskTests.folder
                for machine in stage.room.machines {
                    try stage.configure(
                        machine,
                        [
                            "keepalive 500ms", "deadtime 6s", "initdead 30s",
                            "stonith_host * external/switch alpha,beta \(folder)",
                        ],
                        group: "\(MachineStage.address)/24/eth0 \(filesystem)")
                    try machine.check("mkdir -p \(folder) \(SharedDiskTests.mountPoint) /etc/ha.d/stonith.d")
                    try machine.write("/etc/ha.d/stonith.d/switch", PowerSwitch.plugin, mode: "755")
                    try stage.startDaemon(machine)
                }
                try stage.waiting.until("the filesystem on alpha", within: .seconds(60)) { try isMounted(stage.alpha) }
                try scenario(stage)
            }
        }

        @Test("A machine that stood still is off before the other one mounts, and the filesystem is whole")
        func fence() throws {
            try play { stage in
                let folder = SharedDiskTests.folder
                try stage.alpha.check(
                    """
                    cd \(SharedDiskTests.mountPoint)
                    echo kept >kept
                    sync
                    (while :; do date >>written; sync; done) &
                    """)
                try stage.waiting.pass(.seconds(1))
                try stage.alpha.pause()
                try stage.waiting.until("an order to the switch", within: .seconds(60)) {
                    try stage.beta.run("test -s \(folder)/alpha.power-off").succeeded
                }
                let early = try stage.waiting.watch(.seconds(3)) { try isMounted(stage.beta) ? true : nil }
                #expect(early == nil, "mounted while the other machine may go on")
                try stage.alpha.cutPower()
                try stage.beta.check("echo off >\(folder)/alpha.is-off")
                try stage.waiting.until("the filesystem on beta", within: .seconds(60)) { try isMounted(stage.beta) }
                let mountPoint = SharedDiskTests.mountPoint
                #expect(try stage.beta.check("cat \(mountPoint)/kept; test -s \(mountPoint)/written") == "kept\n")
                #expect(try stage.beta.check("cat \(folder)/power.log") == "beta reset alpha\n")

                try stage.endDaemon(stage.beta, "TERM")
                #expect(try !isMounted(stage.beta))
                let check = try stage.beta.run("e2fsck -fn /dev/vda")
                #expect(check.succeeded, "\(check.output)")
            }
        }
    }
}
