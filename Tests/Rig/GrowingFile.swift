// A file that others append lines to.
import CLinux
import LinuxSystem

/// Reads what was appended since the last look.
package final class GrowingFile {
    private let path: String
    private var file: Descriptor?
    private var rest: [UInt8] = []

    /// The file need not be there yet.
    package init(_ path: String) { self.path = path }

    /// The lines that have come to their end since the last call.
    package func newLines() -> [String] {
        if file == nil { file = try? Descriptor.open(path, O_RDONLY) }
        guard let raw = file?.raw else { return [] }
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(raw, &chunk, chunk.count)
            if count <= 0 { break }
            rest += chunk[..<count]
        }
        guard let end = rest.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        defer { rest.removeSubrange(...end) }
        return String(decoding: rest[..<end], as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
