import ClusterModel
import Monitoring
import Testing

@Suite("Time periods")
struct TimePeriodTests {
    /// Saturday, the 21st of November 2026.
    private func at(_ hour: Int, _ minute: Int = 0, day: Int = 21, wday: Int = 7, month: Int = 11) -> CalendarTime {
        CalendarTime(
            year: 2026, month: month, dayOfMonth: day, dayOfWeek: wday, dayOfYear: 325, hour: hour, minute: minute,
            second: 30)
    }

    @Test("what each period holds", arguments: [
        ("", true), ("none", false), ("wd {Sun-Sat}", true), ("wd {Mon-Fri}", false), ("wd {sat}", true),
        ("wday {7}", true), ("wd {Fri-Sun}", true), ("hr {9am-4pm}", true), ("hr {5pm-8am}", false),
        ("hr {12noon-1pm} wd {Sa}", false), ("mo {nov}", true), ("month {12-2}", false), ("month {10-2}", true),
        ("md {20-22}", true), ("yd {325}", true), ("yr {26}", true), ("yr {2027-2030}", false), ("wk {3}", true),
        ("min {0-9}", true), ("sec {30}", true), ("wd {Mon} , hr {10}", true), ("wd {Mon} wd {Sat}", true),
        ("WD{MON-FRI}HR{9AM-4PM},WD{SAT}", true), ("hr { 9am - 11am  3pm }", true), ("mo {november}", true),
        ("wd {Saturday}", true),
    ])
    func holds(text: String, expected: Bool) throws {
        #expect(try TimePeriod(text).contains(at(10, 5)) == expected, "\(text)")
    }

    @Test("the last second of an hour belongs to it, midnight and noon are 0 and 12")
    func hours() throws {
        let office = try TimePeriod("hr {9am-4pm}")
        #expect(office.contains(at(16, 59)) && !office.contains(at(17)) && !office.contains(at(8, 59)))
        #expect(try TimePeriod("hr {12am}").contains(at(0)) && TimePeriod("hr {12pm}").contains(at(12)))
    }

    @Test("weeks of a month begin on Sunday")
    func weeks() {
        // November 2026 begins on a Sunday, October on a Thursday.
        #expect(at(0, day: 1, wday: 1).weekOfMonth == 1 && at(0, day: 7, wday: 7).weekOfMonth == 1)
        #expect(at(0, day: 8, wday: 1).weekOfMonth == 2 && at(0, day: 30, wday: 2).weekOfMonth == 5)
        #expect(at(0, day: 4, wday: 1, month: 10).weekOfMonth == 2 && at(0, day: 31, wday: 7).weekOfMonth == 5)
    }

    @Test("what is malformed, and where", arguments: [
        ("wd {Foo}", 4), ("foo {1}", 0), ("wd", 2), ("wd {Mon", 7), ("wd {}", 4), ("hr {24}", 4), ("hr {13pm}", 4),
        ("yr {2030-2026}", 4), ("yr {1950}", 4), ("wd {Mon},", 9), ("md {0}", 4), ("wd {Mon} x", 9), ("mo {13}", 4),
        ("yr {26-2030}", 4), ("wd {Mon-}", 8),
    ])
    func malformed(text: String, offset: Int) {
        do {
            _ = try TimePeriod(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.offset == offset, "\(text): \(error)")
        }
    }
}
