// What the daemon has so that it is in time and survives, and what the services that it starts must not inherit.
import CLinux

/// The standing of an ordinary program.
package enum OrdinaryService {
    private static let scorePath = "/proc/self/oom_score_adj"
    /// What Linux and systemd give a service: 8 MiB.
    private static let lockedMemoryMax: rlim_t = 8 << 20

    /// Takes an ordinary priority and the ordinary limits for locked memory and real-time priority, for this process
    /// and all that it starts from now on. What is not allowed stays as it is.
    /// The corresponding C functions are `setpriority` and `setrlimit`.
    package static func enter() {
        _ = setpriority(PRIO_PROCESS, 0, 0)
        limit(__RLIMIT_MEMLOCK, lockedMemoryMax)
        limit(__RLIMIT_RTPRIO, 0)
    }

    private static func limit(_ resource: __rlimit_resource, _ most: rlim_t) {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_max = min(limit.rlim_max, most)
        limit.rlim_cur = min(limit.rlim_cur, most)
        _ = setrlimit(resource, &limit)
    }

    /// Sets this process's oom_score_adj to 0 and returns what it was; nil where it was 0 or cannot be set.
    static func giveUpProtection() -> String? {
        let text = FileSystem.text(of: scorePath, limit: 16) ?? ""
        let score = String(text.prefix { !$0.isNewline })
        guard !score.isEmpty, score != "0", write("0") else { return nil }
        return score
    }

    static func restoreProtection(_ score: String) { _ = write(score) }

    private static func write(_ score: String) -> Bool {
        guard let file = try? Descriptor.open(scorePath, O_WRONLY) else { return false }
        return CLinux.write(file.raw, score, score.utf8.count) == score.utf8.count
    }
}
