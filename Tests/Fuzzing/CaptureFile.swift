// Reads the recorded traffic of heartbeat 3.0.6 that the tests keep.
import CLinux
import LinuxSystem

/// A file of recorded traffic that is not as it must be.
package struct CaptureError: Error {
    /// What is wrong.
    package let text: String
}

/// The files of Tests/MessagingTests/Fixtures.
package enum CaptureFile {
    /// The folder of the files.
    package static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
        + "/MessagingTests/Fixtures"

    /// The messages of a scenario, one each datagram, without the header of ICMP.
    package static func messages(_ name: String) throws -> [[UInt8]] {
        try read(name).split(separator: UInt8(ascii: "\n")).dropFirst().map { line in
            let columns = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard columns.count == 6 else { throw CaptureError(text: "a line of \(columns.count) columns") }
            let content = try bytes(hexadecimal: columns[5])
            return columns[4].elementsEqual("icmp".utf8) ? Array(content.dropFirst(8)) : content
        }
    }

    /// The message behind a label and a tab.
    package static func hexadecimal(_ name: String, label: String) throws -> [UInt8] {
        for line in try read(name).split(separator: UInt8(ascii: "\n")) {
            let columns = line.split(separator: UInt8(ascii: "\t"))
            if columns.count == 2, columns[0].elementsEqual(label.utf8) { return try bytes(hexadecimal: columns[1]) }
        }
        throw CaptureError(text: "no \(label) in \(name)")
    }

    /// The bytes of a file.
    package static func read(_ name: String) throws -> [UInt8] {
        let file = try Descriptor.open("\(folder)/\(name)", O_RDONLY)
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = try retrying("read \(name)") { CLinux.read(file.raw, &block, block.count) }
            if count == 0 { return content }
            content.append(contentsOf: block[..<count])
        }
    }

    private static func bytes(hexadecimal text: ArraySlice<UInt8>) throws -> [UInt8] {
        let digits = try text.map { digit -> UInt8 in
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue else {
                throw CaptureError(text: "not a digit")
            }
            return UInt8(value)
        }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
