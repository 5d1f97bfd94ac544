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

    // _IOR('W', ...) and _IOWR('W', ...) of <linux/watchdog.h>, which Swift does not import.
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
