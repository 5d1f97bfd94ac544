// How a list lies within a value: `<length>:<bytes>,` for each element (specs/heartbeat.md 1).

/// Packing and unpacking of lists.
enum PackedList {
    static func packed(_ list: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter(capacity: 0)
        for element in list {
            writer.append(decimal: element.count)
            writer.append(UInt8(ascii: ":"))
            writer.append(element)
            writer.append(UInt8(ascii: ","))
        }
        return writer.bytes
    }

    /// The elements of what `packed` wrote.
    static func elements(_ packed: ArraySlice<UInt8>) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        var rest = packed
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            let length = rest[..<colon].reduce(0) { $0 * 10 + (decimalDigit($1) ?? 0) }
            let start = colon + 1
            guard length < rest.endIndex - start else { break }
            elements.append(Array(rest[start..<start + length]))
            rest = rest[(start + length + 1)...]
        }
        return elements
    }
}
