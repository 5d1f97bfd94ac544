// What a virtual machine of the rig is made of: a kernel, busybox, the programs under test, and a process 1 that runs
// what the rig asks for. No init system, no disk: it is at work a few seconds after it was switched on.
import LinuxSystem

/// The files that a machine boots with.
package struct GuestImage {
    package let kernel: DebianKernel
    /// The archive, as a file of this machine.
    let archive: String

    /// Modules that every machine loads at its boot.
    private static let modules = [
        "virtio_pci", "virtio_net", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", "nf_tables", "watchdog",
    ]
    /// Modules that are there to be loaded with `insmod` and parameters.
    private static let spareModules = ["softdog"]
    /// Programs of this machine that the daemon runs, and the tests.
    private static let programs = [
        "/usr/sbin/nft", "/usr/sbin/mkfs.ext4", "/usr/sbin/e2fsck", "/usr/sbin/dumpe2fs",
    ]
    /// Where a machine has its modules.
    static let moduleFolder = "/lib/modules"
    /// The virtio port by which the rig asks; the first one of the only controller.
    private static let port = "/dev/vport0p1"
    /// The serial line of the daemon's log. The first one is the kernel's.
    package static let log = "/dev/ttyS1"

    /// Modules for disks that are made of others, and what drives them, of packages unpacked to a folder.
    private static let diskModules = ["loop", "dm-mod", "md-mod", "raid1", "drbd"]
    private static let diskPrograms = [
        "/sbin/lvm", "/sbin/mdadm", "/sbin/drbdadm", "/sbin/drbdsetup", "/sbin/drbdmeta", "/lib/drbd/drbdadm-84",
        "/lib/drbd/drbdsetup-84", "/sbin/ipvsadm",
    ]
    /// The agent of DRBD's package, and what it is written with.
    private static let agentFolders = ["/usr/lib/ocf/resource.d/linbit", "/usr/lib/ocf/lib/heartbeat"]
    /// Modules for interfaces on top of others.
    private static let networkModules = ["8021q", "bonding", "macvlan", "ip_vs"]
    /// Loads the modules for interfaces on top of others.
    package static let loadNetworkModules = "/root/load-network-modules"
    /// Loads the modules for disks.
    package static let loadDiskModules = "/root/load-disk-modules"

    /// Packs the archive. `binaries`: the folder with the daemon and the tools. `diskTools`: where the packages of LVM,
    /// software RAID and DRBD are unpacked, for machines that have them.
    package init(kernel: DebianKernel, binaries: String, folder: String, diskTools: String? = nil) throws {
        self.kernel = kernel
        archive = folder + "/initial-files"
        var files = GuestArchive()
        for path in ["/proc", "/sys", "/run", "/tmp", "/root", "/var/lib/heartbeat", "/mnt", "/etc/ha.d/resource.d"] {
            files.addFolder(path)
        }
        files.addConsole()
        files.addFile("/bin/busybox", try Folder.bytes(kernel.busybox), mode: 0o755)
        files.addLink("/bin/sh", to: "busybox")
        let modules = try kernel.modules(GuestImage.modules)
        let all = try kernel.modules(GuestImage.modules + GuestImage.spareModules)
        for path in all { files.addFile(GuestImage.place(path), try Folder.bytes(path)) }
        try files.addPrograms(GuestImage.programs + ["heartbeat", "hb"].map { "\(binaries)/\($0)" })
        // Loaded when a filesystem is first looked at, so that ldd does not know it.
        try files.addPrograms(["/lib/x86_64-linux-gnu/libmount.so.1"])
        try files.addLoader(
            GuestImage.loadNetworkModules, kernel.modules(GuestImage.networkModules), besides: all)
        if let diskTools {
            try files.addLoader(GuestImage.loadDiskModules, kernel.modules(GuestImage.diskModules), besides: all)
            try files.addPrograms(GuestImage.diskPrograms, below: diskTools)
            try files.addPrograms(["/bin/bash"])
            for folder in GuestImage.agentFolders {
                for name in FileSystem.names(in: diskTools + folder).sorted() {
                    let path = "\(folder)/\(name)"
                    guard FileSystem.kind(of: diskTools + path) == .regular else { continue }
                    files.addFile(path, try Folder.bytes(diskTools + path), mode: 0o755)
                }
            }
        }
        files.addLink("/usr/sbin/heartbeat", to: "\(binaries)/heartbeat")
        files.addLink("/usr/bin/hb", to: "\(binaries)/hb")
        files.addFile("/etc/passwd", "root:x:0:0::/root:/bin/sh\nhacluster:x:989:989::/var/lib/heartbeat:/bin/false\n")
        files.addFile("/etc/group", "root:x:0:\nhaclient:x:989:\n")
        files.addFile("/init", GuestImage.initial(modules.map(GuestImage.place)), mode: 0o755)
        try Folder.write(files.finished(), to: archive)
    }

    fileprivate static func place(_ module: String) -> String {
        moduleFolder + "/" + (module.split(separator: "/").last ?? "")
    }

    /// Process 1. A request is a line `NUMBER LENGTH` and so many bytes of a script, the answer a line
    /// `NUMBER STATUS LENGTH` and so many bytes of what the script printed.
    private static func initial(_ modules: [String]) -> String {
        """
        #!/bin/sh
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin
        /bin/busybox mkdir -p /sbin /usr/sbin /usr/bin
        /bin/busybox --install -s /bin
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t devtmpfs dev /dev
        for module in \(modules.joined(separator: " ")); do insmod "$module"; done
        stty -F \(log) raw
        ip link set lo up
        exec 3<>\(port)
        while read -r number length <&3; do
            head -c "$length" <&3 >/tmp/script
            sh /tmp/script >/tmp/output 2>&1 </dev/null 3<&-
            status=$?
            { echo "$number $status $(wc -c </tmp/output)"; cat /tmp/output; } >&3
        done

        """
    }
}

extension GuestArchive {
    /// Adds modules, but those that are there, and a program that loads them in their order.
    fileprivate mutating func addLoader(_ program: String, _ modules: [String], besides there: [String]) throws {
        for path in modules where !there.contains(path) {
            addFile(GuestImage.place(path), try Folder.bytes(path))
        }
        let lines = modules.map { "insmod \(GuestImage.place($0)) 2>/dev/null\n" }.joined()
        addFile(program, "#!/bin/sh\n" + lines + "true\n", mode: 0o755)
    }
}
