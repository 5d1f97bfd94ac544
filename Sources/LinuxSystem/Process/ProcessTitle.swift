// What `ps` shows of this process: its duty instead of the arguments that it was started with.
import CLinux

/// The command line that others see.
package enum ProcessTitle {
    /// Shows a text as the process's command line, and its first 15 bytes as the command's name. A text longer than
    /// the original arguments and environment is cut. MUST come after the arguments were read: their memory is
    /// overwritten, because placing the text elsewhere (PR_SET_MM) needs CAP_SYS_RESOURCE.
    package static func set(_ title: String) {
        title.withCString { _ = cl_prctl(PR_SET_NAME, UInt(bitPattern: $0), 0, 0, 0) }
        guard let area = argumentArea() else { return }
        moveEnvironment(outOf: area.whole)
        let bytes = Array(title.utf8.prefix(area.whole.count - 1))
        area.whole.initializeMemory(as: UInt8.self, repeating: 0)
        area.whole.copyBytes(from: bytes)
        // A byte other than NUL at the end of the arguments tells the kernel to show the text up to its first NUL,
        // be it shorter or longer than the arguments were. A text that ends right before that byte has no NUL between:
        // it is shown as the one argument that it is.
        if bytes.count < area.argumentSize - 1 { area.whole[area.argumentSize - 1] = UInt8(ascii: ".") }
    }

    private struct Area {
        /// The arguments, and the environment behind them.
        var whole: UnsafeMutableRawBufferPointer
        var argumentSize: Int
    }

    /// Where the kernel put the arguments and the environment of this process (fields 48 to 51 of /proc/self/stat).
    private static func argumentArea() -> Area? {
        guard let file = try? Descriptor.open("/proc/self/stat", O_RDONLY) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = read(file.raw, &buffer, buffer.count)
        // The name, field 2, may contain blanks and parentheses.
        guard count > 0, let name = buffer[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = String(decoding: buffer[(name + 1)..<count], as: UTF8.self).split(separator: " ")
        guard fields.count >= 49, let start = UInt(fields[45]), let end = UInt(fields[46]),
            let environmentStart = UInt(fields[47]), let environmentEnd = UInt(fields[48]),
            let base = UnsafeMutableRawPointer(bitPattern: start), start < end
        else { return nil }
        let last = environmentStart == end ? max(end, environmentEnd) : end
        return Area(
            whole: UnsafeMutableRawBufferPointer(start: base, count: Int(last - start)), argumentSize: Int(end - start))
    }

    /// Gives the environment memory of its own, so that overwriting the area changes none of it.
    private static func moveEnvironment(outOf area: UnsafeMutableRawBufferPointer) {
        guard var entry = cl_environ(), let start = area.baseAddress else { return }
        while let text = entry.pointee {
            let address = UnsafeMutableRawPointer(text)
            if address >= start && address < start + area.count { entry.pointee = strdup(text) }
            entry += 1
        }
    }
}
