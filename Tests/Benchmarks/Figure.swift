// One quantity that was measured without a cluster; the suite takes it in (`Run.record`).

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
}
