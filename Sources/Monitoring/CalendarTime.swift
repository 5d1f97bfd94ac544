// The local time as a calendar and a clock on the wall show it. Pure code is handed it: which zone holds, and since
// when, only the machine knows.

/// A second of local time, broken down.
package struct CalendarTime: Equatable, Sendable {
    /// With its century.
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var dayOfMonth: Int
    /// 1 to 7, 1 is Sunday.
    package var dayOfWeek: Int
    /// 1 to 366.
    package var dayOfYear: Int
    /// 0 to 23.
    package var hour: Int
    /// 0 to 59.
    package var minute: Int
    /// 0 to 60.
    package var second: Int

    package init(
        year: Int, month: Int, dayOfMonth: Int, dayOfWeek: Int, dayOfYear: Int, hour: Int, minute: Int, second: Int
    ) {
        self.year = year
        self.month = month
        self.dayOfMonth = dayOfMonth
        self.dayOfWeek = dayOfWeek
        self.dayOfYear = dayOfYear
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// 1 to 6: weeks begin on Sunday, the first one holds the first of the month.
    package var weekOfMonth: Int {
        // Weekday of the first of the month, 0 is Sunday.
        let first = ((dayOfWeek - 1 - (dayOfMonth - 1)) % 7 + 7) % 7
        return (dayOfMonth - 1 + first) / 7 + 1
    }

    /// `Sat Nov 21 01:44:52 2026`, as ctime(3) has it.
    package var text: String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int, _ filler: String = "0") -> String { number < 10 ? "\(filler)\(number)" : "\(number)" }
        let day = days[min(max(dayOfWeek - 1, 0), 6)]
        let date = "\(months[min(max(month - 1, 0), 11)]) \(two(dayOfMonth, " "))"
        return "\(day) \(date) \(two(hour)):\(two(minute)):\(two(second)) \(year)"
    }
}
