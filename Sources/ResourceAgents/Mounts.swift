// What is mounted where, and mounting itself, through libmount. The table is the kernel's and can be read by anybody;
// only the Filesystem helper mounts: any access to a path may hang as long as the device behind it does.
import CLinux
import CMount
import LinuxSystem

/// One entry of the mount table.
struct MountEntry: Equatable {
    /// The kernel's number for this mount.
    var number: Int32
    /// What stands for the device; `tmpfs`, `/dev/sda1`, `server:/path`.
    var source: String
    var directory: String
    var device: UInt64
}

/// A failed mount or umount, in libmount's words.
struct MountError: Error, Equatable {
    let reason: String
    /// The filesystem is in use.
    var isBusy = false
}

enum Mounts {
    /// The mount table in mount order: of several entries for a directory the last one is on top.
    static func entries() throws(MountError) -> [MountEntry] {
        try load()
        guard let table = mnt_new_table_from_file("/proc/self/mountinfo") else {
            throw MountError(reason: "/proc/self/mountinfo cannot be read")
        }
        defer { mnt_unref_table(table) }
        guard let iterator = mnt_new_iter(Int32(MNT_ITER_FORWARD)) else { throw MountError(reason: "out of memory") }
        defer { mnt_free_iter(iterator) }
        var entries: [MountEntry] = []
        var next: OpaquePointer?
        while mnt_table_next_fs(table, iterator, &next) == 0, let entry = next {
            guard let directory = mnt_fs_get_target(entry) else { continue }
            entries.append(
                MountEntry(
                    number: mnt_fs_get_id(entry),
                    source: mnt_fs_get_source(entry).map { String(cString: $0) } ?? "",
                    directory: String(cString: directory), device: UInt64(mnt_fs_get_devno(entry))))
        }
        return entries
    }

    /// Mounts. The corresponding program is `mount`.
    static func mount(_ arguments: FilesystemArguments) throws(MountError) {
        try withContext { context throws(MountError) in
            mnt_context_set_source(context, arguments.device)
            mnt_context_set_target(context, arguments.directory)
            if let type = arguments.type { mnt_context_set_fstype(context, type) }
            if let options = arguments.options { mnt_context_set_options(context, options) }
            try check(context, mnt_context_mount(context))
        }
    }

    /// Unmounts what is on top of a directory. A loop device that a mount made for an image goes by itself, and one
    /// that somebody set up stays for the next start. The corresponding program is `umount`.
    static func unmount(_ directory: String) throws(MountError) {
        try withContext { context throws(MountError) in
            mnt_context_set_target(context, directory)
            try check(context, mnt_context_umount(context))
        }
    }

    /// The path of what `UUID=...` or `LABEL=...` stands for; nil where there is no such device.
    static func device(of specification: String) throws(MountError) -> String? {
        try load()
        guard let found = mnt_resolve_spec(specification, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    /// Must precede whatever is asked of libmount.
    private static func load() throws(MountError) {
        if let reason = libmount_load() { throw MountError(reason: String(cString: reason)) }
    }

    private static func withContext(_ body: (OpaquePointer) throws(MountError) -> Void) throws(MountError) {
        try load()
        guard let context = mnt_new_context() else { throw MountError(reason: "out of memory") }
        defer { mnt_free_context(context) }
        try body(context)
    }

    private static func check(_ context: OpaquePointer, _ result: Int32) throws(MountError) {
        var text = [CChar](repeating: 0, count: 512)
        let code = mnt_context_get_excode(context, result, &text, text.count)
        if code == 0 { return }
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isBusy = mnt_context_syscall_called(context) == 1 && mnt_context_get_syscall_errno(context) == EBUSY
        throw MountError(reason: words.isEmpty ? "exit code \(code)" : words, isBusy: isBusy)
    }
}
