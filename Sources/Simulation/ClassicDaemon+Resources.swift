// What the virtual heartbeat 3.0.6 says and decides about resources (specs/heartbeat.md 5.3 to 5.5).
import ClusterCore
import ClusterModel
import Messaging

extension ClassicDaemon {
    enum State: Sendable { case initial, starting, bothStarting, received, stable, shutdown }
    enum Going: Sendable { case not, me, other, done }

    /// `rsc_hold`.
    struct Holding: OptionSet, Sendable {
        let rawValue: UInt8

        static let local = Holding(rawValue: 1)
        static let foreign = Holding(rawValue: 2)
        static let all: Holding = [.local, .foreign]

        var word: String {
            switch self {
            case .local: "local"
            case .foreign: "foreign"
            case .all: "all"
            default: "none"
            }
        }

        static func named(_ word: String?) -> Holding {
            switch word {
            case "local": .local
            case "foreign": .foreign
            case "all", "": .all
            default: []
            }
        }

        var mirrored: Holding {
            var result: Holding = []
            if contains(.local) { result.insert(.foreign) }
            if contains(.foreign) { result.insert(.local) }
            return result
        }
    }

    /// One call of a script that works on groups; only one runs at a time.
    struct Work: Sendable {
        enum After: Sendable {
            case nothing, reportTaken, machDown, released(Holding), acquired(Holding), goodbye
            case answer(group: String, wasOurs: Bool)
        }

        var groups: [Int]
        var isStart: Bool
        var after: After
    }

    func groups(_ holding: Holding) -> [Int] {
        configuration.groups.indices.filter { index in
            let isLocal = configuration.groups[index].preferred == configuration.localName
            return holding.contains(isLocal ? .local : .foreign)
        }
    }

    func report(_ isStable: Bool, _ info: String? = nil) -> [(String, String)] {
        var fields = [("t", "resource"), ("rsc_hold", own.word), ("rtype", "full"), ("isstable", isStable ? "1" : "0")]
        if let info { fields.append(("info", info)) }
        return fields
    }

    mutating func sendReport(_ isStable: Bool, _ info: String? = nil, _ now: Instant) {
        transmit(report(isStable, info))
        if state == .starting || state == .bothStarting { enterReceived(now) }
    }

    private mutating func enterReceived(_ now: Instant) {
        state = .received
        takeoverAt = now + .seconds(10)
    }

    // MARK: Start

    mutating func startResources(_ now: Instant) {
        let alone = !other0.isLive
        if isLegacy {
            state = .stable
            for index in groups(.local) where !running[index] {
                if alone || other0.status != "active" {
                    enqueue(Work(groups: [index], isStart: true, after: .nothing))
                } else {
                    transmit([("t", "ip-request"), ("ipaddr", configuration.groups[index].name)])
                }
            }
            if alone { takeFromDead(now) }
            return
        }
        state = .starting
        transmit([("t", "starting")])
        if alone { takeFromDead(now) }
    }

    /// The other node is dead: everything is this one's.
    mutating func takeFromDead(_ now: Instant) {
        other = []
        otherIsStable = true
        going = .not
        standby = nil
        needsFailback = true
        guard state != .shutdown else { return }
        own = .all
        enqueue(Work(groups: groups(.local), isStart: true, after: .reportTaken))
        enqueue(Work(groups: groups(.foreign), isStart: true, after: .machDown))
    }

    mutating func takeLocal(_ now: Instant) {
        guard !other.contains(.local), !own.contains(.local) else { return }
        own.insert(.local)
        enqueue(Work(groups: groups(.local), isStart: true, after: .reportTaken))
    }

    // MARK: Messages

    mutating func receiveResources(_ type: String, _ message: HAMessage, _ now: Instant) {
        switch type {
        case "starting": receiveStarting(now)
        case "resource": receiveReport(message, now)
        case "ask_resources": receiveStandby(message, now)
        case "hb_takeover":
            switch message.text("rsc_hold") {
            case "local": goStandby(.foreign, now)
            case "foreign": goStandby(.local, now)
            default: goStandby(.all, now)
            }
        case "shutdone": receiveGoodbye(now)
        case "ip-request": receiveRequest(message)
        case "ip-request-resp":
            guard let index = configuration.groups.firstIndex(where: { $0.name == message.text("ipaddr") }) else {
                return
            }
            enqueue(Work(groups: [index], isStart: true, after: .nothing))
        default: break
        }
    }

    private mutating func receiveStarting(_ now: Instant) {
        guard !isLegacy else { return }
        guard state != .initial else {
            return log(.error, "classic-error", "Received 'starting' message in state 0")
        }
        if state == .starting { state = .bothStarting }
        otherIsStable = false
        sendReport(state == .stable, nil, now)
    }

    private mutating func receiveReport(_ message: HAMessage, _ now: Instant) {
        guard !isLegacy else { return }
        if state == .starting || state == .bothStarting { enterReceived(now) }
        let said = Holding.named(message.text("rsc_hold")).mirrored
        other = message.text("rtype") == "full" || said.isEmpty ? said : other.union(said)
        switch message.text("isstable") {
        case "1" where !otherIsStable:
            otherIsStable = true
            sendReport(state == .stable, nil, now)
            considerFailback(now)
        case "0": otherIsStable = false
        default: break
        }
        if state != .stable && state != .shutdown && otherIsStable {
            takeLocal(now)
            state = .stable
            takeoverAt = nil
            sendReport(true, nil, now)
        }
        audit()
    }

    private mutating func audit() {
        guard otherIsStable, state == .stable, going == .not else { return }
        if own.contains(.local) && other.contains(.local) {
            log(.error, "classic-error", "Both machines own our resources!")
        }
        if own.contains(.foreign) && other.contains(.foreign) {
            log(.error, "classic-error", "Both machines own foreign resources!")
        }
    }

    private mutating func considerFailback(_ now: Instant) {
        guard configuration.autoFailback == .on, needsFailback, state == .stable, own.contains(.foreign) else { return }
        guard going == .not, otherIsStable else { return }
        needsFailback = false
        goStandby(.foreign, now)
    }

    private mutating func receiveRequest(_ message: HAMessage) {
        guard let name = message.text("ipaddr"),
            let index = configuration.groups.firstIndex(where: { $0.name == name })
        else { return }
        enqueue(Work(groups: [index], isStart: false, after: .answer(group: name, wasOurs: running[index])))
    }

    private mutating func receiveGoodbye(_ now: Instant) {
        guard state != .shutdown else { return }
        log(.info, "node-shutdown", "Received shutdown notice from '\(other0.name)'.")
        if status == "active" { takeFromDead(now) }
    }

    // MARK: Standby

    mutating func goStandby(_ holding: Holding, _ now: Instant) {
        guard !isLegacy, state == .stable else { return ignored("local resources in flux") }
        guard otherIsStable else { return ignored("other side is in flux") }
        guard standby == nil else { return ignored("standby in progress") }
        transmit([("t", "ask_resources"), ("rsc_hold", holding.word), ("info", "me")])
        going = .me
        otherIsStable = false
        standby = (holding, now + .seconds(10))
    }

    private mutating func ignored(_ reason: String) {
        log(.warning, "standby-ignored", "standby ignored: \(reason)")
    }

    private mutating func receiveStandby(_ message: HAMessage, _ now: Instant) {
        guard state != .shutdown else { return }
        let holding = Holding.named(message.text("rsc_hold"))
        switch message.text("info") {
        case "me":
            guard state == .stable else { return ignored("local resources in flux") }
            guard otherIsStable else { return ignored("other side is in flux") }
            guard standby == nil else { return ignored("standby in progress") }
            going = .other
            otherIsStable = false
            standby = (holding, now + .seconds(3600))
            transmit([("t", "ask_resources"), ("rsc_hold", holding.word), ("info", "other")])
        case "other":
            guard going == .me, standby?.holding == holding else { return }
            own.subtract(holding)
            standby = (holding, now + .seconds(3600))
            sendReport(false, "standby", now)
            enqueue(Work(groups: groups(holding), isStart: false, after: .released(holding)))
        case "done":
            if going == .other {
                going = .done
                enqueue(Work(groups: groups(holding.mirrored), isStart: true, after: .acquired(holding)))
            } else if going == .done {
                endStandby()
                sendReport(true, nil, now)
            }
        default: break
        }
    }

    mutating func endStandby() {
        going = .not
        standby = nil
    }

    mutating func obey(_ request: OperatorRequest, _ id: RequestID, _ now: Instant) {
        effects.append(.reply(id, OperatorResponse(.done, "")))
        func holding(_ selection: GroupSelection) -> Holding {
            selection == .failback ? .foreign : .named(selection.word)
        }
        switch request {
        case .standby(let selection): goStandby(holding(selection), now)
        case .takeover(let selection): transmit([("t", "hb_takeover"), ("rsc_hold", selection.word)])
        case .cleanup, .fail, .fence, .maintain: break
        }
    }
}
