// Random messages and random damage, repeatable from a seed.
import ClusterModel
import Messaging

/// Draws messages that both formats can express.
package struct MessageGenerator {
    /// Where all randomness comes from.
    package var random: RandomSource

    /// Equal seeds give equal messages and equal damage.
    package init(seed: UInt64) { random = RandomSource(seed: seed) }

    /// `classic`: without what classic text alone cannot express (empty values, line ends in nested text and lists).
    /// `compressed`: with fields of type 4, which hold noise.
    package mutating func message(depth: Int = 0, classic: Bool, compressed: Bool = true) -> HAMessage {
        let count = Int.random(in: (depth == 0 ? 1 : 0)...8, using: &random)
        return HAMessage((0..<count).map { _ in field(depth: depth, classic: classic, compressed: compressed) })
    }

    private mutating func field(depth: Int, classic: Bool, compressed: Bool) -> Field {
        let lowest = classic ? 1 : 0
        let value: FieldValue
        switch Int.random(in: 0..<(depth < 4 ? 10 : 8), using: &random) {
        case 0..<4: value = .string(text(lowest...40, controls: !classic))
        case 4..<6: value = .binary(bytes(lowest...20))
        case 6: value = compressed ? .compressed(bytes(lowest...20)) : .binary(bytes(lowest...20))
        case 7:
            let count = Int.random(in: lowest...5, using: &random)
            value = .list((0..<count).map { _ in text(0...9, controls: false) })
        default: value = .message(message(depth: depth + 1, classic: classic, compressed: compressed))
        }
        return Field(name(), value)
    }

    private mutating func name() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz_- (0123456789)<>#%,:")
        let count = Int.random(in: 1...20, using: &random)
        let name = String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
        return name.hasPrefix("(") || name == Wire.FieldName.auth ? "x" : name
    }

    /// `controls`: any byte but NUL; else printable bytes and those above 0x7F.
    private mutating func text(_ length: ClosedRange<Int>, controls: Bool) -> [UInt8] {
        bytes(length).map { byte in byte < (controls ? 1 : 32) ? UInt8(ascii: "%") : byte }
    }

    /// Any bytes, as many as a range allows.
    package mutating func bytes(_ length: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: length, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// A text with up to four of its bytes changed, removed or repeated, cut, or joined with another of its parts.
    package mutating func damaged(_ original: [UInt8]) -> [UInt8] {
        var result = original
        for _ in 0..<Int.random(in: 1...4, using: &random) where !result.isEmpty {
            let position = Int.random(in: 0..<result.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: result[position] = UInt8.random(in: 0...255, using: &random)
            case 2: result[position] = special(UInt8.random(in: 0...255, using: &random))
            case 3: result.remove(at: position)
            case 4: result.insert(special(result[position]), at: position)
            case 5: result.removeSubrange(position..<min(result.count, position + 9))
            case 6: result.insert(contentsOf: result[..<position].suffix(30), at: position)
            default: if position > result.count / 2 { result.removeSubrange(position...) }
            }
        }
        return result
    }

    private func special(_ byte: UInt8) -> UInt8 {
        let bytes = Array("\n\r\0\u{14}\u{13}#%<>(),:=0129".utf8)
        return bytes[Int(byte) % bytes.count]
    }
}
