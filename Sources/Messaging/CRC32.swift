// The checksum of authkeys' `crc`: polynomial 0x04C11DB7, most significant bit first, from 0, complemented at the end,
// without the length that POSIX cksum appends (specs/heartbeat.md 1.4). It detects damage; it proves no sender.

/// heartbeat's CRC-32.
package enum CRC32 {
    /// What each value of the top byte contributes.
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index) << 24
        for _ in 0..<8 { value = value & 0x8000_0000 == 0 ? value << 1 : value << 1 ^ 0x04C1_1DB7 }
        return value
    }

    /// The checksum; 0xFFFFFFFF for no bytes.
    package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let table = table
        var value: UInt32 = 0
        for byte in bytes { value = value << 8 ^ table[Int(value >> 24 ^ UInt32(byte))] }
        return ~value
    }
}
