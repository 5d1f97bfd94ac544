// Cuts the byte stream of a serial line into messages (specs/heartbeat.md 1.2, 6.4). What is no message is counted and
// dropped, and the next start of a message is found wherever the damage was; nothing is verified here.

/// Takes bytes as they come in, gives whole messages out. Holds at most one unfinished message, and that up to
/// `WireLimit.messageSize`.
package struct StreamFramer {
    /// Bytes that became part of no message: noise, unfinished messages, NULs and CRs at line ends.
    package private(set) var discardedBytes: UInt64 = 0
    /// Messages that began and did not come to their end.
    package private(set) var brokenMessages: UInt64 = 0

    private enum State {
        /// Looking for the start of a message.
        case seeking
        /// In a line of classic text. `isField`: the line contains a `=`.
        case classic(isField: Bool)
        case netstring(NetstringPart)
    }

    private enum NetstringPart {
        /// Before a field's length, or before `%%%`.
        case boundary
        /// In a field's length.
        case length(Int)
        /// In a field; so many bytes remain before its comma.
        case field(Int)
        /// In `%%%` and LF; so many bytes of them are there.
        case end(Int)
        /// After `%%%` and LF: a digit begins the trailer.
        case ended
        case trailerLength(Int)
        /// In the trailer; so many bytes remain before its comma.
        case trailer(Int)
        case complete
    }

    private var state = State.seeking
    /// The unfinished message.
    private var message: [UInt8] = []
    /// The newest bytes of the stream, the last one lowest, without NULs and CRs while seeking.
    private var tail: UInt64 = 0
    private var finished: [[UInt8]] = []

    /// A framer at the start of a stream, which may be the middle of a message.
    package init() {}

    /// Bytes of the message that has not come to its end yet.
    package var pendingBytes: Int { message.count }

    /// Takes the next bytes of the stream; returns the messages that they complete, in order.
    package mutating func accept(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        for byte in bytes { accept(byte) }
        defer { finished = [] }
        return finished
    }

    private mutating func accept(_ byte: UInt8) {
        switch state {
        case .seeking: seek(byte)
        case .classic(let isField): acceptClassic(byte, isField: isField)
        case .netstring(let part): acceptNetstring(byte, part)
        }
    }

    /// A start is recognised in mid-line too: the line's beginning may be what was lost.
    private mutating func seek(_ byte: UInt8) {
        discardedBytes += 1
        guard byte != 0, byte != Byte.carriageReturn else { return }
        remember(byte)
        beginAtTail()
    }

    /// Begins a message if the newest bytes are the start of one; they were counted as discarded.
    private mutating func beginAtTail() {
        switch UInt32(truncatingIfNeeded: tail) {
        case Tail.classicStart: begin(.classicStart, .classic(isField: false))
        case Tail.netstringStart: begin(.netstringStart, .netstring(.boundary))
        default: state = .seeking
        }
    }

    private mutating func begin(_ marker: Marker, _ next: State) {
        discardedBytes -= UInt64(Marker.length)
        message = marker.bytes
        state = next
    }

    private mutating func acceptClassic(_ byte: UInt8, isField: Bool) {
        guard byte != 0 else {
            discardedBytes += 1
            return
        }
        guard byte == Byte.lineFeed else {
            guard keep(byte) else { return }
            state = .classic(isField: isField || byte == Byte.equals)
            return
        }
        if message.last == Byte.carriageReturn {
            message.removeLast()
            discardedBytes += 1
            tail >>= 8
        }
        guard keep(byte) else { return }
        if isField || message[message.count - 2] == Byte.lineFeed {
            state = .classic(isField: false)
        } else if message.suffix(5).elementsEqual(Byte.lineFeedAndClassicEnd) {
            finish()
        } else {
            // A line that no message can have: the decoder would refuse it, and it may be the start of the next one.
            abandon()
        }
    }

    private mutating func acceptNetstring(_ byte: UInt8, _ part: NetstringPart) {
        if case .ended = part, decimalDigit(byte) == nil {
            finish()
            seek(byte)
            return
        }
        guard keep(byte) else { return }
        let next = following(part, byte)
        // A damaged length would make everything up to it part of one field. These two sequences do not stand in a
        // field of any message that is sent.
        let newest = tail & Tail.mask
        guard let next, newest != Tail.lineAndClassicStart, newest != Tail.fieldAndNetstringStart else {
            abandon()
            return
        }
        if case .complete = next { finish() } else { state = .netstring(next) }
    }

    /// Where the message stands after a byte; nil where the byte does not fit.
    private func following(_ part: NetstringPart, _ byte: UInt8) -> NetstringPart? {
        switch part {
        case .boundary:
            if byte == Marker.netstringEnd.byte { return .end(1) }
            return decimalDigit(byte).map(NetstringPart.length)
        case .length(let length):
            if byte == Byte.colon { return .field(length) }
            return longer(length, byte, max: WireLimit.messageSize).map(NetstringPart.length)
        case .field(let remaining):
            if remaining > 0 { return .field(remaining - 1) }
            return byte == Byte.comma ? .boundary : nil
        case .end(let count):
            guard byte == (count < Marker.repeats ? Marker.netstringEnd.byte : Byte.lineFeed) else { return nil }
            return count + 1 < Marker.length ? .end(count + 1) : .ended
        case .ended:
            return decimalDigit(byte).map(NetstringPart.trailerLength)
        case .trailerLength(let length):
            if byte == Byte.colon { return .trailer(length) }
            return longer(length, byte, max: Signature.lengthMax).map(NetstringPart.trailerLength)
        case .trailer(let remaining):
            if remaining > 0 { return .trailer(remaining - 1) }
            return byte == Byte.comma ? .complete : nil
        case .complete:
            return nil
        }
    }

    private func longer(_ length: Int, _ byte: UInt8, max: Int) -> Int? {
        guard let digit = decimalDigit(byte), length * 10 + digit <= max else { return nil }
        return length * 10 + digit
    }

    /// Adds a byte to the message; false where that makes it too long and it was abandoned.
    private mutating func keep(_ byte: UInt8) -> Bool {
        message.append(byte)
        remember(byte)
        if message.count <= WireLimit.messageSize { return true }
        abandon()
        return false
    }

    private mutating func remember(_ byte: UInt8) { tail = tail << 8 | UInt64(byte) }

    private mutating func finish() {
        finished.append(message)
        message = []
        tail = 0
        state = .seeking
    }

    /// Drops the message; the bytes at its end may begin another.
    private mutating func abandon() {
        discardedBytes += UInt64(message.count)
        brokenMessages += 1
        message = []
        beginAtTail()
    }

    private enum Byte {
        static let carriageReturn = UInt8(ascii: "\r")
        static let lineFeed = UInt8(ascii: "\n")
        static let equals = UInt8(ascii: "=")
        static let colon = UInt8(ascii: ":")
        static let comma = UInt8(ascii: ",")
        static let lineFeedAndClassicEnd = Array("\n<<<\n".utf8)
    }

    /// Sequences of the newest bytes, as `tail` holds them.
    private enum Tail {
        static let classicStart: UInt32 = 0x3E3E_3E0A  // >>> LF
        static let netstringStart: UInt32 = 0x2323_230A  // ### LF
        static let mask: UInt64 = 0xFF_FFFF_FFFF
        static let lineAndClassicStart: UInt64 = 0x0A_3E3E_3E0A
        static let fieldAndNetstringStart: UInt64 = 0x2C_2323_230A
    }
}
