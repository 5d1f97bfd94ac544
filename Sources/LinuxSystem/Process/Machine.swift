// The machine as a whole.
import CLinux

/// What can be done with the machine that this process runs on.
package enum Machine {
    /// Reboots at once, without saving anything and without ending any process. In a process namespace of its own only
    /// that one ends. Returns where it failed, and why. The corresponding C function is `reboot`.
    package static func reboot() -> SystemError {
        CLinux.reboot(Int32(RB_AUTOBOOT))
        return SystemError.last("reboot")
    }

    /// A line, with its end, that is another one after each boot; the same in all containers of a machine.
    package static var bootLine: String {
        FileSystem.text(of: "/proc/sys/kernel/random/boot_id", limit: 64) ?? "\n"
    }

    /// What the machine calls itself, as `uname -n` prints it. The corresponding C function is `uname`.
    package static var nodeName: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "localhost" }
        return withUnsafeBytes(of: names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
