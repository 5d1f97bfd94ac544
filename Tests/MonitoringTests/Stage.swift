// A monitor on virtual time: checks end as the test says, alerts are noted.
import ClusterConfig
import ClusterModel
import MonitorConfig
import Monitoring
import Testing

/// A monitor with a clock that the test moves.
struct Stage {
    var monitor = Monitor(seed: 7, serverPID: 42, hostName: "vm")
    var now: Int64 = 0
    /// Of the checks that run: their orders, and beside them when they will end.
    var running: [CheckOrder] = []
    var ends: [Int64] = []
    /// Of checks that begin, in milliseconds.
    var duration: Int64 = 10
    var alerts: [AlertOrder] = []
    var effects: [MonitorEffect] = []
    /// What a service's check gives; the group and service are the key.
    var results: [String: CheckResult] = [:]

    static let epoch: Int64 = 1_795_225_000

    init(_ text: String, seed: UInt64 = 7) throws {
        monitor = Monitor(seed: seed, serverPID: 42, hostName: "vm")
        configure(try Stage.read(text), .atStart(stopped: false))
        var authorization = Authorization()
        for command in ["list", "get", "set", "ack", "disable", "enable", "test", "stop", "start", "clear", "reset",
            "savestate", "loadstate", "servertime", "term", "reload"]
        {
            authorization.rules.append(.init(command: command, users: ["all"]))
        }
        handle(.authorized(authorization))
        handle(.connected(1, peer: .address("127.0.0.1", isLocal: true)))
    }

    static func read(_ text: String) throws -> MonitorConfiguration {
        let (configuration, diagnostics) = MonitorConfigReader.read(path: "mon.cf", bytes: Array(text.utf8))
        return try #require(configuration, "\(diagnostics.rendered)")
    }

    mutating func configure(_ configuration: MonitorConfiguration, _ kept: KeptState) {
        var entries: [ProgramTable.Entry] = []
        for service in configuration.services {
            if let name = service.monitorWords.first, name != "missing.monitor" {
                entries.append(.init(isAlert: false, name: name, source: .file("/mon.d/" + name)))
            }
            for name in service.periods.flatMap(\.alerts).map(\.program) + [service.redistribute].compactMap(\.self) {
                entries.append(.init(isAlert: true, name: name, source: .file("/alert.d/" + name)))
            }
        }
        handle(.configured(configuration, ProgramTable(entries), kept))
    }

    var moment: Moment {
        let second = now / 1000
        return Moment(
            now: Instant(nanoseconds: now * 1_000_000), epoch: Stage.epoch + second,
            calendar: CalendarTime(
                year: 2026, month: 11, dayOfMonth: 21, dayOfWeek: 7, dayOfYear: 325, hour: Int(second / 3600 % 24),
                minute: Int(second / 60 % 60), second: Int(second % 60)))
    }

    mutating func handle(_ event: MonitorEvent) {
        var new: [MonitorEffect] = []
        monitor.handle(event, at: moment, effects: &new)
        effects += new
        for effect in new {
            switch effect {
            case .start(let order):
                running.append(order)
                ends.append(now + duration)
            case .cancel(let run):
                guard let place = running.firstIndex(where: { $0.run == run }) else { continue }
                running.remove(at: place)
                ends.remove(at: place)
            case .alert(let order): alerts.append(order)
            default: break
            }
        }
    }

    /// Lets time pass; checks that begin meanwhile take `duration` milliseconds.
    mutating func run(seconds: Double, duration: Int64 = 10) {
        self.duration = duration
        let end = now + Int64(seconds * 1000)
        while true {
            let deadline = monitor.nextDeadline.map { max(now, ($0.nanoseconds + 999_999) / 1_000_000) } ?? Int64.max
            let finish = ends.min() ?? Int64.max
            let next = min(deadline, finish)
            guard next <= end else { break }
            now = max(now, next)
            if finish <= deadline { endChecks(through: finish) } else { handle(.wake) }
        }
        now = end
    }

    /// Ends every check that runs now.
    mutating func finishAll() { endChecks(through: Int64.max) }

    private mutating func endChecks(through end: Int64) {
        let ending = running.indices.filter { ends[$0] <= end }.map { running[$0] }
        let left = running.indices.filter { ends[$0] > end }
        (running, ends) = (left.map { running[$0] }, left.map { ends[$0] })
        for order in ending {
            let result = results["\(order.group):\(order.service)"] ?? CheckResult(exit: 0, text: "\n")
            handle(.finished(order.run, .result(result)))
        }
    }

    /// The answer to a line of a client.
    mutating func ask(_ line: String) -> [String] {
        let before = effects.count
        handle(.line(1, Array(line.utf8)))
        return effects[before...].flatMap { effect -> [String] in
            guard case .reply(1, let bytes) = effect else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    func state(_ group: String, _ service: String) -> ServiceState {
        monitor.index(group: group, service: service).map { monitor.states[$0] } ?? ServiceState()
    }
}
