// How digests and hashes of passwords are compared.

extension ArraySlice<UInt8> {
    /// Whether the bytes are the same. Takes the same time wherever they differ, so that nobody can find the right ones
    /// one after the other; that the lengths differ is told at once.
    package func isEqualInConstantTime(to other: ArraySlice<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for (one, another) in zip(self, other) { difference |= one ^ another }
        return difference == 0
    }
}
