// The service monitor as a value: every decision of mon (specs/mon.md 6 to 12). It reads no clock, opens nothing, and
// draws randomness from its seed alone: equal events at equal moments give equal effects.
import ClusterModel

/// What a daemon watches, and what it knows of it.
package struct Monitor: Sendable {
    package internal(set) var configuration = MonitorConfiguration()
    package private(set) var programs = ProgramTable()
    package internal(set) var authorization = Authorization()
    /// In the order of `configuration.services`.
    package internal(set) var states: [ServiceState] = []
    /// Of the configuration, with the hosts disabled that are.
    package internal(set) var groups: [HostGroup] = []
    package internal(set) var disabledWatches: [String] = []
    /// When the scheduler was stopped.
    package internal(set) var stoppedSince: Moment?
    package internal(set) var maxkeep = 100

    var timetable = Timetable(count: 0)
    /// The services by their names `group:service`, sorted.
    var places: [(name: String, index: Int)] = []
    /// The runs that have not ended.
    var runs: [Run] = []
    var runLast: RunID = 0
    /// Run of a service, by its number; nil: none.
    var runOfService: [RunID?] = []
    var isThrottled = false
    var random: RandomSource
    var clients: [Client] = []
    var failureHistory: [[UInt8]] = []
    var alertHistory: [[UInt8]] = []
    /// Process ids of checks that are programs, by run.
    var processOfRun: [(run: RunID, pid: Int32)] = []
    let serverPID: Int32
    let hostName: String
    let allowsDump: Bool
    /// Where the environment of programs says that files are.
    var folders = Folders()

    /// A run under way.
    struct Run: Equatable, Sendable {
        var id: RunID
        var service: Int
        var scheduled: Instant
        var started: Moment
    }

    /// Folders that programs are told of.
    package struct Folders: Equatable, Sendable {
        package var state = ""
        package var logs = ""
        package var configuration = ""

        package init(state: String = "", logs: String = "", configuration: String = "") {
            self.state = state
            self.logs = logs
            self.configuration = configuration
        }
    }

    /// Watches nothing until it is configured. `serverPID` and `hostName` are what clients are told.
    package init(seed: UInt64, serverPID: Int32 = 0, hostName: String = "", allowsDump: Bool = false) {
        random = RandomSource(seed: seed)
        self.serverPID = serverPID
        self.hostName = hostName
        self.allowsDump = allowsDump
    }

    /// Takes in one event. Effects are appended in the order in which they MUST be carried out.
    package mutating func handle(_ event: MonitorEvent, at moment: Moment, effects: inout [MonitorEffect]) {
        switch event {
        case .wake: break
        case .finished(let run, let outcome): finished(run, outcome, moment, &effects)
        case .trap(let trap, let host, let isAuthorized): trapped(trap, host, isAuthorized, moment, &effects)
        case .connected(let number, let peer): connected(number, peer)
        case .line(let number, let line): received(line, from: number, moment, &effects)
        case .disconnected(let number): clients.removeAll { $0.number == number }
        case .answered(let number, let answer): answered(number, answer, &effects)
        case .configured(let configuration, let programs, let kept):
            configure(configuration, programs, kept, moment, &effects)
        case .started(let run, let pid): processOfRun.append((run, pid))
        case .authorized(let authorization): self.authorization = authorization
        case .restore(let disabled, let status): restore(disabled, status, moment, &effects)
        case .recalled(let history): alertHistory = history.suffix(maxkeep).map { Array($0.utf8) }
        }
        work(moment, &effects)
    }

    /// What the environment of programs says from now on.
    package mutating func setFolders(_ folders: Folders) { self.folders = folders }

    /// When `wake` must come; nil: nothing is due before another event.
    package var nextDeadline: Instant? {
        if stoppedSince != nil { return nil }
        let checks = isFull ? nil : Timetable.earliest(timetable.checks)
        return [
            checks, Timetable.earliest(timetable.trapTimeouts), Timetable.earliest(timetable.trapDurations),
        ].compactMap(\.self).min()
    }

    /// Whether as many checks run as may.
    var isFull: Bool { configuration.globals.maxprocs > 0 && runs.count >= configuration.globals.maxprocs }

    /// The number of a service.
    package func index(group: String, service: String) -> Int? {
        Monitor.find("\(group):\(service)", in: places)
    }

    /// Does what is due.
    private mutating func work(_ moment: Moment, _ effects: inout [MonitorEffect]) {
        guard stoppedSince == nil else { return }
        expireTraps(moment, &effects)
        startDueChecks(moment, &effects)
    }

    /// The process of a run; 0: it has none of its own.
    func processes(_ run: RunID) -> Int32 { processOfRun.first { $0.run == run }?.pid ?? 0 }

    mutating func log(
        _ level: LogLevel, _ event: String, _ text: String, _ effects: inout [MonitorEffect]
    ) {
        effects.append(.log(LogRecord(level, event, text)))
    }

    /// Changes the configuration until the next reset.
    mutating func edit(_ change: (inout MonitorConfiguration) -> Void) { change(&configuration) }

    // MARK: Configuration

    private mutating func configure(
        _ new: MonitorConfiguration, _ programs: ProgramTable, _ kept: KeptState, _ moment: Moment,
        _ effects: inout [MonitorEffect]
    ) {
        for run in runs { effects.append(.cancel(run.id)) }
        runs = []
        processOfRun = []
        let old = (configuration, states, timetable, disabledWatches, places)
        let hosts = groups.flatMap(\.hosts).filter(\.isDisabled).map(\.name)
        configuration = new
        places = new.services.indices.map { (new.services[$0].id.description, $0) }
        places.sort { $0.name < $1.name }
        self.programs = programs
        groups = new.groups
        for group in groups.indices {
            for host in groups[group].hosts.indices where hosts.contains(groups[group].hosts[host].name) {
                groups[group].hosts[host].isDisabled = true
            }
        }
        states = new.services.map { service in
            var state = ServiceState()
            state.periods = service.periods.map { PeriodState(key: $0.key) }
            return state
        }
        timetable = Timetable(count: new.services.count)
        runOfService = Array(repeating: nil, count: new.services.count)
        disabledWatches = []
        maxkeep = new.globals.histlength
        for index in states.indices { scheduleFirst(index, moment.now) }
        let stopped: Bool
        switch kept {
        case .atStart(let isStopped), .none(let isStopped): stopped = isStopped
        case .all(let isStopped):
            stopped = isStopped
            carryOver(old.0, old.1, old.2, old.4)
            disabledWatches = old.3.filter { new.watches.contains($0) }
        }
        stoppedSince = stopped ? moment : nil
        let isStart = if case .atStart = kept { true } else { false }
        if isStart || new.globals.startupalertsOnReset {
            for index in states.indices { giveAlerts(.startupalert, index, moment, &effects) }
        }
    }

    /// What is known of services that are still there; a check keeps its time where its interval is the same.
    private mutating func carryOver(
        _ old: MonitorConfiguration, _ oldStates: [ServiceState], _ oldTimes: Timetable,
        _ oldPlaces: [(name: String, index: Int)]
    ) {
        for index in states.indices {
            let service = configuration.services[index]
            guard let place = Monitor.find(service.id.description, in: oldPlaces) else { continue }
            let before = old.services[place]
            let fresh = states[index].periods
            states[index] = oldStates[place]
            states[index].periods = fresh.map { period in
                oldStates[place].periods.first { $0.key == period.key } ?? period
            }
            if service.interval == before.interval, service.failureInterval == before.failureInterval,
                service.isPolled == before.isPolled, oldTimes.checks[place] != Timetable.never
            {
                timetable.setCheck(index, Instant(nanoseconds: oldTimes.checks[place]))
            }
            if service.trapTimeout == before.trapTimeout, oldTimes.trapTimeouts[place] != Timetable.never {
                timetable.setTrapTimeout(index, Instant(nanoseconds: oldTimes.trapTimeouts[place]))
            }
            if oldTimes.trapDurations[place] != Timetable.never {
                timetable.setTrapDuration(index, Instant(nanoseconds: oldTimes.trapDurations[place]))
            }
        }
    }

    private static func find(_ name: String, in places: [(name: String, index: Int)]) -> Int? {
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < places.count && places[low].name == name ? places[low].index : nil
    }
}
