// All clocks at once. The calendar is looked up once a second, not with every event.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring

struct LocalClock {
    private var cached: (epoch: Int64, calendar: CalendarTime)?

    /// Reads the clocks.
    mutating func moment() -> Moment {
        let now = Clock.now()
        let epoch = Clock.wallNanoseconds() / 1_000_000_000
        if let cached, cached.epoch == epoch {
            return Moment(now: now, epoch: epoch, calendar: cached.calendar)
        }
        var seconds = time_t(epoch)
        var parts = tm()
        localtime_r(&seconds, &parts)
        let calendar = CalendarTime(
            year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, dayOfMonth: Int(parts.tm_mday),
            dayOfWeek: Int(parts.tm_wday) + 1, dayOfYear: Int(parts.tm_yday) + 1, hour: Int(parts.tm_hour),
            minute: Int(parts.tm_min), second: Int(parts.tm_sec))
        cached = (epoch, calendar)
        return Moment(now: now, epoch: epoch, calendar: calendar)
    }
}
