import Measuring
import Testing

@Suite("Measurements")
struct MeasuringTests {
    private func measurement(_ values: [Double], goal: Goal? = nil, system: String = "a") -> Measurement {
        Measurement(
            figure: "crash", system: system, setting: "s", quantity: "outage", unit: "ms", goal: goal, values: values)
    }

    @Test("quantiles lie between the values in proportion, whatever their order")
    func quantiles() {
        #expect(Spread.quantile(0.5, of: [3, 1, 2]) == 2)
        #expect(Spread.quantile(0.5, of: [4, 1, 2, 3]) == 2.5)
        #expect(Spread.quantile(0.95, of: (0...20).map(Double.init)) == 19)
        #expect(Spread.quantile(0, of: [5, 7]) == 5)
        #expect(Spread.quantile(1, of: [5, 7]) == 7)
        #expect(Spread.quantile(0.5, of: []).isNaN)
    }

    @Test("a goal is met by the median and, where it says so, by the 95th percentile; without values it is missed")
    func verdicts() {
        #expect(measurement([1, 2, 3]).verdict == .none)
        #expect(measurement([1, 2, 3], goal: Goal(median: 2)).verdict == .met)
        #expect(measurement([1, 2.1, 3], goal: Goal(median: 2)).verdict == .missed)
        #expect(measurement([1, 2, 3], goal: Goal(median: 2, p95: 2.5)).verdict == .missed)
        #expect(measurement([], goal: Goal(median: 2)).verdict == .missed)
        #expect(measurement([0, 0], goal: Goal(median: 0)).verdict == .met)
    }

    @Test("numbers are rounded, keep their sign, and show no digits that say nothing")
    func numbers() {
        #expect(Decimal.text(1.005, digits: 1) == "1.0")
        #expect(Decimal.text(-0.126, digits: 2) == "-0.13")
        #expect(Decimal.text(-0.001, digits: 2) == "0.00")
        #expect(Decimal.text(0.05, digits: 2) == "0.05")
        #expect(Decimal.text(.nan, digits: 2) == "-")
        #expect([0.314, 25.44, 1159.4].map(Decimal.spread) == ["0.31", "25.4", "1159"])
        #expect([15, 0.4, 200_000].map(Decimal.short) == ["15", "0.4", "200000"])
    }

    @Test("tables have every measurement, name what was missed and what was skipped")
    func tables() {
        var report = Report(machine: "a machine", seed: 7)
        report.measurements = [
            measurement([1, 2, 3], goal: Goal(median: 1)), measurement([4], system: "b|c"),
            measurement([], system: "d"),
        ]
        report.skipped = ["pacemaker: not there"]
        let table = report.table.split(separator: "\n")
        #expect(table.count == 7)
        #expect(table[1].hasSuffix("MISSED"))
        #expect(table.contains("skipped: pacemaker: not there"))
        #expect(report.missed.map(\.system) == ["a"])
        #expect(report.markdown.contains("| **no** |"))
        #expect(report.markdown.contains("b\\|c"))
        #expect(report.markdown.contains("machine: a machine"))
    }

    @Test("lines of JSON have every value, and escape what JSON does not allow")
    func json() {
        var report = Report(machine: "a \"fast\" machine\n", seed: 7)
        report.measurements = [measurement([1, .nan, 0.25], goal: Goal(median: 1.5))]
        let lines = report.jsonLines
        #expect(lines[0].contains(#""machine":"a \"fast\" machine\u000a""#))
        let expected =
            #"{"figure":"crash","system":"a","setting":"s","quantity":"outage","unit":"ms","#
            + #""goal_median":1.5,"verdict":"missed","values":[1.0,null,0.25]}"#
        #expect(lines[1] == expected)
    }

    @Test("the picture has a dot for each value, in order on the axis, and survives values that a logarithm does not")
    func plot() {
        let rows = [measurement([1, 10, 100, 0], system: "us"), measurement([], system: "<them>")]
        let plot = OutagePlot(
            title: "t", unit: "ms", ownSystem: "us",
            panels: [OutagePlot.Panel(title: "crash", rows: rows), OutagePlot.Panel(title: "empty", rows: [rows[1]])])
        let svg = plot.svg
        let dots = svg.split(separator: "\n").filter { $0.hasPrefix("<circle") }
        #expect(dots.count == 4)
        let places = dots.compactMap { $0.split(separator: "\"").dropFirst().first }.compactMap { Double($0) }
        #expect(places.count == 4)
        #expect(places[0] < places[1] && places[1] < places[2] && places[3] == places[0])
        #expect(svg.contains("&lt;them&gt;"))
        #expect(svg.contains("not measured"))
        #expect(!svg.contains(">empty<"))
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
}
