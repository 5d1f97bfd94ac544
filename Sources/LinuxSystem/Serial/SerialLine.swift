// Opens and sets up a tty for two nodes that talk over a null-modem cable: raw bytes, 8 bits, no parity, one stop bit.
import CLinux

/// A tty as a line between two nodes.
package enum SerialLine {
    /// The speeds that a line can have, in bits a second (specs/heartbeat.md 6.1).
    package static let bauds = [9600, 19200, 38400, 57600, 115_200, 230_400, 460_800]

    /// Opens a tty, non-blocking: a line without a carrier does not keep the caller waiting. The line is locked for as
    /// long as any copy of the descriptor is open; EBUSY where another process holds it. What a peer sent before is
    /// discarded. Hardware flow control is used where the tty has modem lines.
    package static func open(_ path: String, baud: Int) throws(SystemError) -> Descriptor {
        guard let speed = speed(baud) else { throw SystemError(code: EINVAL, operation: "baud \(baud)") }
        let line = try Descriptor.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK)
        let raw = line.raw
        var settings = termios()
        _ = try retrying("read the settings of \(path)") { tcgetattr(raw, &settings) }
        try lock(line, path)
        cfmakeraw(&settings)
        settings.c_iflag |= tcflag_t(IGNBRK | IGNPAR)
        settings.c_cflag |= tcflag_t(CS8 | CREAD | CLOCAL)
        settings.c_cflag &= ~tcflag_t(CSTOPB | PARENB | HUPCL)
        if hasModemLines(line) {
            settings.c_cflag |= tcflag_t(CRTSCTS)
        } else {
            settings.c_cflag &= ~tcflag_t(CRTSCTS)
        }
        cfsetispeed(&settings, speed)
        cfsetospeed(&settings, speed)
        _ = try retrying("set up \(path)") { tcsetattr(raw, TCSANOW, &settings) }
        // tcsetattr succeeds when it could do any part.
        var accepted = termios()
        _ = try retrying("read the settings of \(path)") { tcgetattr(raw, &accepted) }
        if cfgetospeed(&accepted) != speed { throw SystemError(code: EINVAL, operation: "set \(path) to \(baud) baud") }
        tcflush(raw, TCIOFLUSH)
        return line
    }

    /// Discards what was written and did not leave yet. The corresponding C function is `tcflush`.
    package static func discardOutput(_ raw: Int32) { tcflush(raw, TCOFLUSH) }

    /// The kernel ends both locks with the last descriptor, so nothing stale is ever left behind.
    private static func lock(_ line: borrowing Descriptor, _ path: String) throws(SystemError) {
        let raw = line.raw
        do throws(SystemError) {
            _ = try retrying("lock \(path)") { cl_flock(raw, LOCK_EX | LOCK_NB) }
        } catch {
            throw error.code == EWOULDBLOCK ? SystemError(code: EBUSY, operation: error.operation) : error
        }
        _ = try retrying("lock \(path)") { cl_ioctl_int(raw, UInt(TIOCEXCL), 0) }
    }

    private static func hasModemLines(_ line: borrowing Descriptor) -> Bool {
        var lines: Int32 = 0
        return cl_ioctl_pointer(line.raw, UInt(TIOCMGET), &lines) == 0
    }

    private static func speed(_ baud: Int) -> speed_t? {
        switch baud {
        case 9600: speed_t(B9600)
        case 19200: speed_t(B19200)
        case 38400: speed_t(B38400)
        case 57600: speed_t(B57600)
        case 115_200: speed_t(B115200)
        case 230_400: speed_t(B230400)
        case 460_800: speed_t(B460800)
        default: nil
        }
    }
}
