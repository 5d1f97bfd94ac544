// One measured quantity of one system: all its values, and what they are judged by.

/// What a quantity must not exceed.
package struct Goal: Equatable, Sendable {
    package var median: Double
    /// For the 95th percentile; nil: not judged.
    package var p95: Double?

    package init(median: Double, p95: Double? = nil) {
        self.median = median
        self.p95 = p95
    }
}

/// What became of a goal.
package enum Verdict: String, Sendable {
    /// There is none: the quantity is told only.
    case none = ""
    case met
    case missed
}

/// Values of one kind.
package struct Measurement: Sendable {
    /// The word by which the figure is chosen: `crash`.
    package var figure: String
    /// `keepalived`.
    package var system: String
    /// `advert 10 ms, real-time priority`.
    package var setting: String
    /// `outage`.
    package var quantity: String
    /// `ms`.
    package var unit: String
    package var goal: Goal?
    package var values: [Double]

    package init(
        figure: String, system: String, setting: String, quantity: String, unit: String, goal: Goal? = nil,
        values: [Double] = []
    ) {
        self.figure = figure
        self.system = system
        self.setting = setting
        self.quantity = quantity
        self.unit = unit
        self.goal = goal
        self.values = values
    }

    /// The median of the values; not a number where there are none.
    package var median: Double { Spread.quantile(0.5, of: values) }

    /// A goal without any value is missed: what was not measured was not reached.
    package var verdict: Verdict {
        guard let goal else { return .none }
        guard !values.isEmpty, median <= goal.median else { return .missed }
        if let p95 = goal.p95, Spread.quantile(0.95, of: values) > p95 { return .missed }
        return .met
    }

    /// `<= 15, p95 <= 22`; empty where there is no goal.
    package var goalText: String {
        guard let goal else { return "" }
        let p95 = goal.p95.map { ", p95 <= \(Decimal.short($0))" } ?? ""
        return "<= \(Decimal.short(goal.median))\(p95)"
    }
}

/// Order statistics.
package enum Spread {
    /// The value below which a share of all values lies, between two of them in proportion; not a number where there
    /// are none. `share` is from 0 to 1.
    package static func quantile(_ share: Double, of values: [Double]) -> Double {
        precondition((0...1).contains(share), "no share: \(share)")
        let sorted = values.sorted()
        guard let last = sorted.last else { return .nan }
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        guard below + 1 < sorted.count else { return last }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - Double(below))
    }
}
