// Times as people say them.
import CLinux
import ClusterModel

extension Duration {
    /// `85 ms`, `12.3 s`, `3 min 5 s`, `2 h 0 min`, `4 d 7 h`: two units at most.
    var spoken: String {
        let milliseconds = max(0, wholeMilliseconds)
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds) ms"
        case ..<60: return "\(seconds).\(milliseconds % 1000 / 100) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}

/// Wall-clock times.
enum WallClock {
    /// `2026-11-21 04:48:07` in the time zone of the user. The corresponding C functions are `localtime_r` and
    /// `strftime`.
    static func text(_ secondsSince1970: Int64) -> String {
        var time = time_t(secondsSince1970)
        var parts = tm()
        guard localtime_r(&time, &parts) != nil else { return "\(secondsSince1970)" }
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
