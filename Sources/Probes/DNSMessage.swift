// A name server's answer, taken apart. The bytes come from outside: nothing is read beyond their end.
import CCares
import CLinux
import LinuxSystem

/// Types of records that can be asked for, by their numbers (RFC 1035 3.2.2, RFC 3596, RFC 2782).
enum DNSType: Int32, CaseIterable {
    case a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28, srv = 33

    /// `MX`
    var word: String { String(describing: self).uppercased() }
}

/// What a server has answered.
struct DNSMessage {
    /// 0: no error, 2: the server has failed, 3: there is no such name.
    var code: UInt8
    var isAuthoritative: Bool
    /// The records of the answer that have the type asked for, as a zone file has them: `10 mail.example.com`.
    var answers: [String] = []

    /// nil where the bytes are no answer.
    init?(_ bytes: [UInt8], type: DNSType) {
        guard bytes.count >= 12, bytes[2] & 0x80 != 0 else { return nil }
        code = bytes[3] & 0x0f
        isAuthoritative = bytes[2] & 0x04 != 0
        let questions = Int(bytes[4]) << 8 | Int(bytes[5])
        let records = Int(bytes[6]) << 8 | Int(bytes[7])
        var place = 12
        for _ in 0..<questions {
            guard let (_, end) = DNSMessage.name(bytes, place), end + 4 <= bytes.count else { return nil }
            place = end + 4
        }
        for _ in 0..<records {
            guard let (_, end) = DNSMessage.name(bytes, place), end + 10 <= bytes.count else { return nil }
            let kind = Int32(bytes[end]) << 8 | Int32(bytes[end + 1])
            let length = Int(bytes[end + 8]) << 8 | Int(bytes[end + 9])
            let start = end + 10
            guard start + length <= bytes.count else { return nil }
            if kind == type.rawValue {
                guard let text = DNSMessage.text(bytes, start..<start + length, type) else { return nil }
                answers.append(text)
            }
            place = start + length
        }
    }

    private static func text(_ bytes: [UInt8], _ range: Range<Int>, _ type: DNSType) -> String? {
        let start = range.lowerBound
        func word(_ offset: Int) -> Int { Int(bytes[start + offset]) << 8 | Int(bytes[start + offset + 1]) }
        switch type {
        case .a, .aaaa: return IPAddress(bytes: bytes[range]).map { "\($0)" }
        case .ns, .cname, .ptr: return name(bytes, start)?.text
        case .mx:
            guard range.count >= 3, let name = name(bytes, start + 2)?.text else { return nil }
            return "\(word(0)) \(name)"
        case .srv:
            guard range.count >= 7, let name = name(bytes, start + 6)?.text else { return nil }
            return "\(word(0)) \(word(2)) \(word(4)) \(name)"
        case .soa:
            guard let (primary, next) = name(bytes, start), let (mailbox, end) = name(bytes, next),
                end + 4 <= range.upperBound
            else { return nil }
            let serial = bytes[end..<end + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return "\(primary) \(mailbox) \(serial)"
        case .txt:
            var text: [UInt8] = []
            var place = start
            while place < range.upperBound {
                let end = place + 1 + Int(bytes[place])
                guard end <= range.upperBound else { return nil }
                text += bytes[(place + 1)..<end]
                place = end
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// A name, and where it ends; compressed ones too.
    private static func name(_ bytes: [UInt8], _ place: Int) -> (text: String, end: Int)? {
        guard place < bytes.count else { return nil }
        return bytes.withUnsafeBufferPointer { buffer -> (text: String, end: Int)? in
            guard let base = buffer.baseAddress else { return nil }
            var text: UnsafeMutablePointer<CChar>?
            var length = 0
            let status = ares_expand_name(base + place, base, Int32(clamping: bytes.count), &text, &length)
            guard status == ARES_SUCCESS, let text else { return nil }
            defer { ares_free_string(text) }
            return (String(cString: text), place + length)
        }
    }
}
