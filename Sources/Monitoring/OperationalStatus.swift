// What is known of a service (specs/mon.md 6).

/// A service's status; raw values are those of the protocol.
package enum OperationalStatus: Int, Sendable, CaseIterable {
    case fail = 0
    case ok = 1
    case coldstart = 2
    case warmstart = 3
    case linkdown = 4
    case unknown = 5
    case timeout = 6
    case untested = 7
    case depend = 8
    case warn = 9

    /// `list failures`.
    package var isFailure: Bool { self == .fail || self == .linkdown || self == .timeout }

    /// `list successes`, and what satisfies a dependency.
    package var isSuccess: Bool {
        switch self {
        case .ok, .coldstart, .warmstart, .unknown, .untested: true
        case .fail, .linkdown, .timeout, .depend, .warn: false
        }
    }

    /// `list warnings`.
    package var isWarning: Bool { self == .coldstart || self == .warmstart || self == .unknown || self == .warn }

    /// A status by the name that `set GROUP SERVICE opstatus` takes.
    package init?(name: String) {
        let names: [(String, OperationalStatus)] = [
            ("fail", .fail), ("ok", .ok), ("coldstart", .coldstart), ("warmstart", .warmstart),
            ("linkdown", .linkdown), ("unknown", .unknown), ("timeout", .timeout), ("untested", .untested),
        ]
        guard let found = names.first(where: { $0.0 == name }) else { return nil }
        self = found.1
    }
}
