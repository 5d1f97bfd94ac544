// Agents for disks that are made of others, on Debian's kernel with its modules and the tools of Debian: replication by
// DRBD under a filesystem, volume groups, software RAID.
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension MachineTests.PairTests {
    @Suite(
        "Disks of disks",
        .enabled(if: MachineStage.diskTools != nil, "the tools of disks are not unpacked: make machine"))
    struct DiskTests {
        private static let mountPoint = "/mnt/data"

        /// The agents by their classic names, the tools by theirs, and disks that are files.
        private func prepare(_ machine: VirtualMachine) throws {
            try machine.check(
                """
                \(GuestImage.loadDiskModules)
                for name in drbddisk drbdupper ocf LVM Raid1; do ln -s /usr/bin/hb /etc/ha.d/resource.d/$name; done
                for name in pvcreate vgcreate lvcreate vgchange lvs vgs; do ln -s lvm /sbin/$name; done
                mkdir -p /etc/lvm /run/lvm /run/lock/lvm /var/lib/drbd /var/lock /var/run /run/disks
                mkdir -p \(DiskTests.mountPoint)
                cat >/etc/lvm/lvm.conf <<'END'
                activation { udev_sync=0 udev_rules=0 }
                devices { obtain_device_list_from_udev=0 use_devicesfile=0 external_device_info_source="none" }
                END
                # Beside the machine's files, which have half of its memory.
                mount -t tmpfs -o size=60m tmpfs /run/disks
                for number in 0 1 2; do
                    truncate -s 16M /run/disks/$number
                    losetup /dev/loop$number /run/disks/$number
                done
                """)
        }

        /// Runs an agent's operations; each with its exit code.
        private func run(_ machine: VirtualMachine, _ agent: String, _ operations: String) throws -> [String] {
            let outcome = try machine.run(
                """
                for operation in \(operations); do
                    said=$(/etc/ha.d/resource.d/\(agent) $operation 2>&1); echo "$operation $? $said"
                done
                """)
            return outcome.output.split(separator: "\n").map(String.init)
        }

        @Test("LVM and Raid1 take a real volume group and a real array up and down")
        func localDisks() throws {
            try MachineStage.play(["alpha"], diskTools: MachineStage.diskTools) { stage in
                try stage.room.powerOn()
                let machine = stage.alpha
                try prepare(machine)
                try machine.check(
                    """
                    pvcreate -q /dev/loop0; vgcreate -q data /dev/loop0
                    lvcreate -qy -Wn -L 8M -n one data; vgchange -a n data
                    """)
                #expect(try run(machine, "LVM data", "status start start status") == [
                    "status 3 stopped", "start 0 ", "start 0 ", "status 0 running (1 of 1 volumes)",
                ])
                try machine.check("mkfs.ext4 -q /dev/mapper/data-one")
                #expect(try run(machine, "LVM data", "stop stop status") == ["stop 0 ", "stop 0 ", "status 3 stopped"])
                #expect(try run(machine, "LVM nothing", "status") == ["status 3 stopped (no such volume group here)"])

                try machine.check(
                    """
                    export MDADM_NO_UDEV=1
                    mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 /dev/loop1 /dev/loop2
                    echo "DEVICE /dev/loop1 /dev/loop2" >/etc/mdadm.conf
                    mdadm --detail /dev/md0 | sed -n 's/.*UUID : /ARRAY \\/dev\\/md0 UUID=/p' >>/etc/mdadm.conf
                    mdadm --stop /dev/md0
                    """)
                #expect(try run(machine, "Raid1 /etc/mdadm.conf /dev/md0", "status") == ["status 3 stopped"])
                let started = try run(machine, "Raid1 /etc/mdadm.conf /dev/md0", "start start status")
                #expect(started.last == "status 0 running (active)", "\(started)")
                try machine.check("mkfs.ext4 -q /dev/md0; mount /dev/md0 \(DiskTests.mountPoint)")
                let busy = try run(machine, "Raid1 /etc/mdadm.conf /dev/md0", "stop")
                #expect(busy.first?.hasPrefix("stop 1 ") == true, "\(busy)")
                try machine.check("umount \(DiskTests.mountPoint)")
                let stopped = try run(machine, "Raid1 /etc/mdadm.conf /dev/md0", "stop stop status")
                #expect(stopped == ["stop 0 ", "stop 0 ", "status 3 stopped"], "\(stopped)")
            }
        }

        private func prepareReplication(_ stage: MachineStage, more: String = "") throws {
            let hosts = stage.room.machines.map { machine in
                "on \(machine.name) { address \(NetworkPlan.address(of: machine.index)):7788; }"
            }
            for machine in stage.room.machines {
                try prepare(machine)
                try machine.write(
                    "/etc/drbd.conf",
                    """
                    global { usage-count no; }
                    resource r0 {
                        device /dev/drbd0; disk /dev/loop0; meta-disk internal;
                        net { protocol C; }
                        # Else it begins with 250 KiB a second: a minute for this disk.
                        disk { c-plan-ahead 0; resync-rate 100M; }
                        \(hosts.joined(separator: "\n    "))
                    }
                    \(more)

                    """)
                try machine.check("drbdadm create-md --force r0 </dev/null; drbdadm up r0")
            }
            try stage.alpha.check("drbdadm primary --force r0; mkfs.ext4 -q /dev/drbd0; drbdadm secondary r0")
            try stage.waiting.until("both disks the same", within: .seconds(60)) {
                try stage.alpha.run("drbdadm dstate r0").output.contains("UpToDate/UpToDate")
            }
        }

        private func awaitMount(on machine: VirtualMachine, _ stage: MachineStage) throws {
            try stage.waiting.until("the filesystem on \(machine.name)", within: .seconds(90)) {
                try machine.check("cat /proc/mounts").contains("/dev/drbd0 \(DiskTests.mountPoint) ext4")
            }
        }

        @Test("drbddisk and a filesystem on it move between kernels: by command, by a failed probe, after a power cut")
        func replication() throws {
            try MachineStage.play(["alpha", "beta"], diskTools: MachineStage.diskTools) { stage in
                try stage.room.powerOn()
                try prepareReplication(stage)
                let folder = DiskTests.mountPoint
                for machine in stage.room.machines {
                    try stage.configure(
                        machine,
                        [
                            "keepalive 500ms", "deadtime 6s", "initdead 30s",
                            "monitor Filesystem interval 1s timeout 20s restarts 0 within 10m probe write",
                        ],
                        group: "\(MachineStage.address)/24/eth0 drbddisk::r0 Filesystem::/dev/drbd0::\(folder)::ext4")
                    try stage.startDaemon(machine)
                }
                try awaitMount(on: stage.alpha, stage)
                try stage.alpha.check("echo kept >\(folder)/kept; sync")
                #expect(try run(stage.beta, "drbddisk r0", "status") == ["status 3 stopped (Secondary)"])

                try stage.alpha.check("hb standby all")
                try awaitMount(on: stage.beta, stage)
                #expect(try stage.beta.check("cat \(folder)/kept") == "kept\n")
                #expect(try run(stage.alpha, "drbddisk r0", "status") == ["status 3 stopped (Secondary)"])
                try stage.beta.check("echo more >\(folder)/more; sync")
                try stage.alpha.check("hb takeover all")
                try awaitMount(on: stage.alpha, stage)
                #expect(try stage.alpha.check("cat \(folder)/more") == "more\n")

                // What the kernel does after an error of the disk: the probe finds it.
                try stage.alpha.check("mount -o remount,ro \(folder)")
                try awaitMount(on: stage.beta, stage)
                #expect(try stage.alpha.run("hb status").output.contains("Read-only file system"))
                // Before the failure is forgotten: the group goes home then.
                try stage.beta.check("echo last >\(folder)/last; sync")
                try stage.alpha.check("hb cleanup")
                try stage.beta.cutPower()
                try awaitMount(on: stage.alpha, stage)
                #expect(try stage.alpha.check("cd \(folder); cat kept more last") == "kept\nmore\nlast\n")
                #expect(try run(stage.alpha, "drbddisk r0", "status") == ["status 0 running (Primary)"])
            }
        }

        @Test("The agent of DRBD's package replicates below a filesystem, promoted where the group is")
        func replicationByItsAgent() throws {
            try MachineStage.play(["alpha", "beta"], diskTools: MachineStage.diskTools) { stage in
                try stage.room.powerOn()
                try prepareReplication(stage)
                let folder = DiskTests.mountPoint
                let disk = "ocf:linbit:drbd::drbd_resource=r0::role=promoted::release=demote"
                for machine in stage.room.machines {
                    try stage.configure(
                        machine, ["keepalive 500ms", "deadtime 6s", "initdead 30s"],
                        group: "\(MachineStage.address)/24/eth0 \(disk) Filesystem::/dev/drbd0::\(folder)::ext4")
                    try stage.startDaemon(machine)
                }
                func role(_ machine: VirtualMachine) throws -> String { try machine.check("drbdadm role r0") }
                try awaitMount(on: stage.alpha, stage)
                #expect(try role(stage.beta) == "Secondary/Primary\n")
                try stage.alpha.check("echo kept >\(folder)/kept; sync; hb standby all")
                try awaitMount(on: stage.beta, stage)
                #expect(try stage.beta.check("cat \(folder)/kept") == "kept\n")
                #expect(try role(stage.alpha) == "Secondary/Primary\n", "demoted, and still a copy")
                try stage.beta.check("echo last >\(folder)/last; sync")
                try stage.beta.cutPower()
                try awaitMount(on: stage.alpha, stage)
                #expect(try stage.alpha.check("cd \(folder); cat kept last") == "kept\nlast\n")
                #expect(try role(stage.alpha) == "Primary/Unknown\n")
            }
        }

        @Test("drbdupper takes a resource on top of another one up and down")
        func stackedReplication() throws {
            try MachineStage.play(["alpha", "beta"], diskTools: MachineStage.diskTools) { stage in
                try stage.room.powerOn()
                let stacked = """
                    resource upper {
                        device /dev/drbd10; meta-disk internal; net { protocol A; }
                        stacked-on-top-of r0 { address \(NetworkPlan.address(of: 0)):7789; }
                        on faraway { disk /dev/loop0; address \(NetworkPlan.address(of: 9)):7789; }
                    }
                    """
                try prepareReplication(stage, more: stacked)
                #expect(try run(stage.alpha, "drbddisk r0", "start") == ["start 0 "])
                // The filesystem that is there leaves no room for the upper one's own data.
                try stage.alpha.check(
                    """
                    dd if=/dev/zero of=/dev/drbd0 bs=64k count=16
                    drbdadm --stacked create-md --force upper </dev/null
                    """)
                let upper = "drbdupper upper"
                let down = try run(stage.alpha, upper, "status")
                #expect(down == ["status 3 stopped (Unconfigured)"], "\(down)")
                try stage.alpha.check("drbdadm --stacked up upper; drbdadm --stacked primary --force upper")
                let moves = try run(stage.alpha, upper, "status stop stop status start start status")
                let expected = [
                    "status 0 running (Primary)", "stop 0 ", "stop 0 ", "status 3 stopped (Unconfigured)",
                    "start 0 ", "start 0 ", "status 0 running (Primary)",
                ]
                #expect(moves == expected, "\(moves)")
                // The lower one cannot be given up while the upper one is in use.
                let busy = try run(stage.alpha, "drbddisk r0", "stop")
                #expect(busy[0].hasPrefix("stop 1 "), "\(busy)")
                let end = try run(stage.alpha, upper, "stop") + run(stage.alpha, "drbddisk r0", "stop status")
                #expect(end == ["stop 0 ", "stop 0 ", "status 3 stopped (Secondary)"], "\(end)")
                try stage.alpha.check("drbdadm down r0")
                let known = try run(stage.alpha, "drbddisk r0", "status stop")
                #expect(known == ["status 3 stopped (Unconfigured)", "stop 0 "], "\(known)")
                try stage.alpha.check("rmmod drbd")
                let unknown = try run(stage.alpha, "drbddisk r0", "status stop")
                #expect(unknown == ["status 3 stopped (Unconfigured)", "stop 0 "], "\(unknown)")
            }
        }

        @Test("LVSSyncDaemonSwap swaps the kernel's daemons")
        func connectionSynchronisation() throws {
            try MachineStage.play(["alpha"], diskTools: MachineStage.diskTools) { stage in
                try stage.room.powerOn()
                let machine = stage.alpha
                try machine.check(
                    "\(GuestImage.loadNetworkModules); ln -s /usr/bin/hb /etc/ha.d/resource.d/LVSSyncDaemonSwap")
                func daemons() throws -> String { try machine.check("ipvsadm --list --daemon") }
                let agent = "LVSSyncDaemonSwap master eth0 7"
                #expect(try run(machine, agent, "status start start status") == [
                    "status 3 stopped", "start 0 ", "start 0 ", "status 0 running (master)",
                ])
                #expect(try daemons().hasPrefix("master sync daemon (mcast=eth0, syncid=7"))
                #expect(try run(machine, agent, "stop status") == ["stop 0 ", "status 3 stopped"])
                #expect(try daemons().hasPrefix("backup sync daemon (mcast=eth0, syncid=7"))
            }
        }
    }
}
