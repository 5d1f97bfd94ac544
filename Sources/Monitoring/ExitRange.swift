// The exit statuses that an alert, or a whole period, is for.

/// `N` or `N-M`, both ends included.
package struct ExitRange: Equatable, Sendable {
    package var first: Int32
    package var last: Int32

    /// nil for anything but one number or two that do not fall.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let first = Int32(parts[0]), let last = Int32(parts[parts.count - 1]), first <= last
        else { return nil }
        self.first = first
        self.last = last
    }

    /// Whether an exit status is meant.
    package func contains(_ status: Int32) -> Bool { first <= status && status <= last }
}
