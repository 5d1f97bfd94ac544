// What of a busy segment reaches a process that watches addresses: a classic socket filter (bpf(4), SO_ATTACH_FILTER)
// that the kernel runs for each frame before it wakes anybody.
//
// The addresses are searched by halves, as intervals of their last 32 bits. Where they form more intervals than fit,
// the narrowest gaps between them are let through: the filter spares work, the reader decides.

/// Programs for the kernel that pass frames in which another machine claims one of some addresses.
package enum ClaimFilter {
    /// One instruction of the kernel's packet filter machine.
    package struct Instruction: Equatable, Sendable {
        package var code: UInt16
        /// Instructions to skip where a comparison holds, and where it does not.
        package var onTrue: UInt8 = 0
        package var onFalse: UInt8 = 0
        package var operand: UInt32 = 0
    }

    /// Which frames are looked at.
    package enum Kind: Hashable, Sendable {
        /// ARP for IPv4 over Ethernet: the sender's addresses, in requests and replies.
        case arp
        /// Neighbour advertisements: their target, and the sender of the frame.
        case advertisement

        /// What a socket must be bound to.
        package var etherType: UInt16 { self == .arp ? ARPPacket.etherType : 0x86dd }

        package init(_ address: IPAddress) { self = address.isIPv6 ? .advertisement : .arp }
    }

    /// Intervals that a program has at most. With 128 it takes under 20 kB in the kernel, the least that sockets may
    /// have for their options on any supported kernel.
    package static let intervalsMax = 128
    /// Own hardware addresses that a program knows at most; the reader knows all.
    private static let hardwareMax = 16

    /// A program that passes frames of a kind in which somebody without one of the `own` hardware addresses claims one
    /// of the addresses, and perhaps some others. Addresses of the other family are left out; without any, nothing
    /// passes.
    package static func program(
        _ kind: Kind, addresses: [IPAddress], own: [MACAddress], intervalsMax: Int = intervalsMax
    ) -> [Instruction] {
        let keys = addresses.filter { Kind($0) == kind }.map { word($0.bytes.suffix(4)) }
        let intervals = intervals(keys, max: intervalsMax)
        if intervals.isEmpty { return [Instruction(code: Code.answer)] }
        var builder = Builder()
        switch kind {
        case .arp:
            // Ethernet, IPv4, and the lengths of their addresses.
            builder.require(Code.loadWord, at: 14, equal: 0x0001_0800)
            builder.require(Code.loadHalf, at: 18, equal: 0x0604)
            builder.emit(Code.loadWord, 28)
        case .advertisement:
            builder.require(Code.loadByte, at: 20, equal: 58)
            builder.require(Code.loadByte, at: 54, equal: 136)
            builder.emit(Code.loadWord, 74)
        }
        builder.search(intervals[...])
        builder.endSearch()
        builder.rejectHardware(own.prefix(hardwareMax), at: kind == .arp ? 22 : 6)
        builder.emit(Code.answer, UInt32(UInt16.max))
        return builder.program
    }

    /// The closed intervals that hold all keys, in ascending order, at most `max` of them.
    static func intervals(_ keys: [UInt32], max: Int) -> [ClosedRange<UInt32>] {
        var intervals: [ClosedRange<UInt32>] = []
        for key in Set(keys).sorted() {
            if let last = intervals.last, last.upperBound == key &- 1 {
                intervals[intervals.count - 1] = last.lowerBound...key
            } else {
                intervals.append(key...key)
            }
        }
        guard intervals.count > max else { return intervals }
        // Only the widest gaps stay.
        let gaps = intervals.indices.dropLast().sorted { a, b in
            let left = intervals[a + 1].lowerBound - intervals[a].upperBound
            let right = intervals[b + 1].lowerBound - intervals[b].upperBound
            return left == right ? a < b : left > right
        }
        let kept = Set(gaps.prefix(max - 1))
        var merged: [ClosedRange<UInt32>] = []
        var start = intervals[0].lowerBound
        for index in intervals.indices where kept.contains(index) || index == intervals.count - 1 {
            merged.append(start...intervals[index].upperBound)
            if index + 1 < intervals.count { start = intervals[index + 1].lowerBound }
        }
        return merged
    }

    fileprivate static func word(_ bytes: some Sequence<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}

/// Operation codes (linux/bpf_common.h): class, size or comparison, source.
private enum Code {
    static let loadWord: UInt16 = 0x20
    static let loadHalf: UInt16 = 0x28
    static let loadByte: UInt16 = 0x30
    static let jump: UInt16 = 0x05
    static let jumpIfEqual: UInt16 = 0x15
    static let jumpIfGreater: UInt16 = 0x25
    static let jumpIfNotLess: UInt16 = 0x35
    /// Ends the program with the number of bytes to pass on; 0 drops the frame.
    static let answer: UInt16 = 0x06
}

/// Writes a program. Jumps over more than a few instructions are unconditional ones, whose reach is not limited.
private struct Builder {
    private(set) var program: [ClaimFilter.Instruction] = []
    /// Jumps to what follows the search.
    private var matches: [Int] = []

    mutating func emit(_ code: UInt16, _ operand: UInt32 = 0, onTrue: UInt8 = 0, onFalse: UInt8 = 0) {
        program.append(.init(code: code, onTrue: onTrue, onFalse: onFalse, operand: operand))
    }

    mutating func require(_ load: UInt16, at offset: UInt32, equal value: UInt32) {
        emit(load, offset)
        emit(Code.jumpIfEqual, value, onTrue: 1)
        emit(Code.answer)
    }

    /// Goes on behind `endSearch` where one of the intervals holds the number that was loaded last, else drops.
    mutating func search(_ intervals: ArraySlice<ClosedRange<UInt32>>) {
        if intervals.count == 1, let interval = intervals.first {
            emit(Code.jumpIfNotLess, interval.lowerBound, onFalse: 2)
            emit(Code.jumpIfGreater, interval.upperBound, onTrue: 1)
            matches.append(program.count)
            emit(Code.jump)
            emit(Code.answer)
            return
        }
        let middle = intervals.startIndex + intervals.count / 2
        emit(Code.jumpIfNotLess, intervals[middle].lowerBound, onFalse: 1)
        let jump = program.count
        emit(Code.jump)
        search(intervals[..<middle])
        program[jump].operand = UInt32(program.count - jump - 1)
        search(intervals[middle...])
    }

    mutating func endSearch() {
        for jump in matches { program[jump].operand = UInt32(program.count - jump - 1) }
    }

    mutating func rejectHardware(_ own: some Sequence<MACAddress>, at offset: UInt32) {
        for hardware in own {
            emit(Code.loadWord, offset)
            emit(Code.jumpIfEqual, ClaimFilter.word(hardware.bytes.prefix(4)), onFalse: 3)
            emit(Code.loadHalf, offset + 4)
            emit(Code.jumpIfEqual, ClaimFilter.word(hardware.bytes.suffix(2)), onFalse: 1)
            emit(Code.answer)
        }
    }
}
