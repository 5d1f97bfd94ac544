// One measured quantity: all its values, and what is printed of them.

/// Values of one kind.
struct Figure {
    let name: String
    let unit: String
    /// The median must not exceed this; nil: told only.
    let goal: Double?
    var values: [Double] = []

    init(_ name: String, unit: String, goal: Double? = nil) {
        self.name = name
        self.unit = unit
        self.goal = goal
    }

    /// The value below which a share of all values lies.
    func quantile(_ share: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    var meetsGoal: Bool { goal.map { quantile(0.5) <= $0 } ?? true }

    static let heading =
        Figure.padded("figure", 62) + ["n", "p5", "median", "p95", "goal"].map { Figure.right($0, 10) }.joined()

    var line: String {
        let goalText = goal.map { "<= " + Figure.text($0) } ?? ""
        let columns = [String(values.count)] + [0.05, 0.5, 0.95].map { Figure.text(quantile($0)) } + [goalText]
        let verdict = goal == nil ? "" : meetsGoal ? "  ok" : "  MISSED"
        return Figure.padded("\(name), \(unit)", 62) + columns.map { Figure.right($0, 10) }.joined() + verdict
    }

    /// Every value, for other programs.
    var json: String {
        let list = values.map { "\($0)" }.joined(separator: ",")
        return "{\"figure\":\"\(name)\",\"unit\":\"\(unit)\",\"values\":[\(list)]}"
    }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let hundredths = Int(value.magnitude * 100 + 0.5)
        let fraction = String(hundredths % 100)
        return "\(value < 0 ? "-" : "")\(hundredths / 100)." + (fraction.count < 2 ? "0" : "") + fraction
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
