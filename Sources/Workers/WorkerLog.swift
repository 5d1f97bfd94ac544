// What a worker has to say, at a bounded rate: the first of a kind, then one a minute (or an hour) with a count.
import ClusterModel
import Journal
import LinuxSystem
import Media

final class WorkerLog {
    private let log: Log
    private let worker: MediumWorker
    private var perMinute = RateLimit()
    private var perHour = RateLimit(interval: .seconds(3600))

    init(_ worker: MediumWorker, logfile: consuming Descriptor?) {
        self.worker = worker
        log = Log(
            settings: worker.logging, node: worker.node, process: "\(worker.direction.rawValue): \(worker.mediumTitle)",
            logfile: logfile, foreground: worker.isForeground)
    }

    func write(_ level: LogLevel, _ event: String, _ text: String) {
        log.write(
            level, event, "\(worker.direction.rawValue) \(worker.mediumTitle): \(text)",
            [Setting(name: "MEDIUM", value: worker.mediumTitle)])
    }

    /// Writes the line unless one of the same key was written within a minute, or within an hour where `hourly`.
    func writeLimited(_ level: LogLevel, _ event: String, key: String, _ text: String, hourly: Bool = false) {
        let now = Clock.now()
        let withheld = hourly ? perHour.admit(key, now: now) : perMinute.admit(key, now: now)
        guard let withheld else { return }
        write(level, event, withheld == 0 ? text : "\(text) (\(withheld) more since the last such line)")
    }
}
