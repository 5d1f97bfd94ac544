// The machine's watchdog: a device that resets the node unless it is written to in time (specs/heartbeat.md 9).
import CLinux
import ClusterModel
import LinuxSystem

/// An open watchdog device. While it is open, and after it was closed other than by `disarm`, the node is reset when
/// it was not fed for the timeout.
struct WatchdogDevice: ~Copyable {
    private let file: Descriptor
    /// What the device counts; nil where it does not tell.
    private(set) var timeout: Duration?

    /// How the device takes it when the daemon ends.
    struct Ends {
        /// Whether it stops when it is closed by a process that dies: its driver knows no last word (WDIOF_MAGICCLOSE).
        var stopsAtAnyClose = false
        /// Whether nothing stops it, `disarm` neither (`nowayout`).
        var neverStops = false
    }

    // _IOR('W', ...) and _IOWR('W', ...) of <linux/watchdog.h>, which Swift does not import.
    private static let getSupport: UInt = 0x8028_5700
    private static let magicClose: UInt32 = 0x0100
    private static let setTimeout: UInt = 0xC004_5706
    private static let getTimeout: UInt = 0x8004_5707

    /// Opens the device, which begins to count.
    init(_ path: String) throws(SystemError) {
        file = try Descriptor.open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    }

    /// Sets the timeout; the device may choose another one, which is in `timeout` then. It counts anew.
    mutating func set(_ wanted: Duration) throws(SystemError) {
        let number = file.raw
        var seconds = Int32(clamping: wanted.wholeMilliseconds / 1000)
        timeout = nil
        let result = cl_ioctl_pointer(number, WatchdogDevice.setTimeout, &seconds)
        if result == -1 {
            let error = SystemError.last("set the watchdog's timeout")
            if cl_ioctl_pointer(number, WatchdogDevice.getTimeout, &seconds) == 0 { timeout = .seconds(Int64(seconds)) }
            throw error
        }
        timeout = .seconds(Int64(seconds))
    }

    /// What the driver and the kernel say; nothing of both where they do not tell.
    borrowing func ends(_ path: String) -> Ends {
        var ends = Ends()
        // struct watchdog_info: options, version, 32 bytes of a name.
        var information = [UInt32](repeating: 0, count: 10)
        if cl_ioctl_pointer(file.raw, WatchdogDevice.getSupport, &information) == 0 {
            ends.stopsAtAnyClose = information[0] & WatchdogDevice.magicClose == 0
        }
        guard let number = FileSystem.deviceNumber(of: path) else { return ends }
        // The numbers of character devices have 12 bits for the driver, and 20 in two pieces for the device.
        let (major, minor) = (number >> 8 & 0xfff, number & 0xff | number >> 12 & 0xfff00)
        // The old name, a miscellaneous device, is always that of the first watchdog.
        let folder = (major, minor) == (10, 130) ? "/sys/class/watchdog/watchdog0" : "/sys/dev/char/\(major):\(minor)"
        ends.neverStops = FileSystem.text(of: folder + "/nowayout", limit: 16)?.hasPrefix("1") == true
        if ends.neverStops { ends.stopsAtAnyClose = false }
        return ends
    }

    /// The node lives for another timeout.
    borrowing func feed() throws(SystemError) {
        var byte = UInt8(0)
        let number = file.raw
        _ = try retrying("feed the watchdog") { write(number, &byte, 1) }
    }

    /// Has the device stop when it is closed; one that was built to have no way out goes on.
    borrowing func disarm() throws(SystemError) {
        var byte = UInt8(ascii: "V")
        let number = file.raw
        _ = try retrying("disarm the watchdog") { write(number, &byte, 1) }
    }
}
