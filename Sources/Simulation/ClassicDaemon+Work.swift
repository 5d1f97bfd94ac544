// What the scripts of the virtual heartbeat 3.0.6 do, one after the other, and what follows from it; its timers, its
// end and its restart.
import ClusterCore
import ClusterModel
import Messaging

extension ClassicDaemon {
    mutating func enqueue(_ next: Work) {
        work.append(next)
    }

    mutating func finish(_ finished: OperationID, _ failed: Bool, _ remains: Bool, _ now: Instant) {
        guard let job = underWay, job.operation == finished else { return }
        underWay = nil
        if job.isStart {
            running[job.group] = !failed
            if failed {
                let isLocal = groups(.local).contains(job.group)
                surrenderAt = (now + .seconds(30), isLocal ? .local : .foreign)
            }
        } else if remains {
            // It would reboot the machine.
            effects.append(.reboot(reason: "stop failed"))
        } else {
            running[job.group] = false
        }
    }

    private mutating func advanceWork(_ now: Instant) {
        while underWay == nil, !work.isEmpty {
            if work[0].groups.isEmpty {
                after(work.removeFirst().after, now)
                continue
            }
            let isStart = work[0].isStart
            let group = work[0].groups.removeFirst()
            guard running[group] != isStart else { continue }
            operation += 1
            underWay = (operation, group, isStart)
            let id = GroupID(group)
            effects.append(isStart ? .start(id, epoch: 0, operation) : .stop(id, operation))
        }
    }

    private mutating func after(_ after: Work.After, _ now: Instant) {
        switch after {
        case .nothing: break
        case .reportTaken: if !isLegacy { sendReport(true, "req_our_resources()", now) }
        case .machDown:
            if !isLegacy { transmit([("t", "resource"), ("rsc_hold", "foreign"), ("info", "mach_down")]) }
        case .released(let holding):
            guard going == .me else { return }
            going = .done
            transmit([("t", "ask_resources"), ("rsc_hold", holding.word), ("info", "done")])
        case .acquired(let holding):
            guard going == .done else { return }
            own.formUnion(holding.mirrored)
            endStandby()
            transmit([("t", "ask_resources"), ("rsc_hold", holding.word), ("info", "done")], before: report(true))
        case .answer(let group, let wasOurs):
            transmit([
                ("t", "ip-request-resp"), ("dest", other0.name), ("ipaddr", group), ("weown", wasOurs ? "yes" : "no"),
                ("ok", "OK"),
            ])
        case .goodbye:
            transmit([("t", "shutdone"), ("st", "dead")])
            endAt = now + .seconds(2)
        }
    }

    // MARK: Time

    mutating func tickResources(_ now: Instant) {
        if let at = takeoverAt, now >= at {
            takeoverAt = nil
            if state == .received {
                state = .stable
                takeLocal(now)
                sendReport(true, nil, now)
            }
        }
        if let pending = standby, now >= pending.until {
            log(.warning, "standby-cancelled", "No reply to standby request.  Standby request cancelled.")
            endStandby()
        }
        if let surrender = surrenderAt, now >= surrender.at {
            surrenderAt = nil
            goStandby(surrender.holding, now)
        }
        if let at = restartAt, now >= at {
            restartAt = nil
            restartsAtEnd = true
            beginShutdown(now)
        }
        advanceWork(now)
        if isAskedToEnd && state != .shutdown {
            beginShutdown(now)
            advanceWork(now)
        }
        if let at = endAt, now >= at {
            isFinished = true
            effects.append(.finished)
        }
    }

    mutating func beginShutdown(_ now: Instant) {
        guard state != .shutdown else { return }
        isAskedToEnd = true
        // "Shutdown delayed until current resource activity finishes."
        guard underWay == nil, work.isEmpty else { return }
        state = .shutdown
        own = []
        takeoverAt = nil
        endStandby()
        surrenderAt = nil
        if !isLegacy { transmit(report(false, "shutdown")) }
        enqueue(Work(groups: Array(configuration.groups.indices), isStart: false, after: .goodbye))
    }

    /// The other node was not dead: both start anew, after two seconds (specs/heartbeat.md 4.6).
    mutating func returnAfterPartition(_ index: Int, _ now: Instant) {
        log(.critical, "partition-healed", "Cluster node \(peers[index].name) returning after partition.")
        guard index == 0, restartAt == nil, state != .shutdown else { return }
        restartAt = now + .seconds(2)
        // Late heartbeat: it is treated as having died just now, and so everything is taken once more.
        if state == .stable && !isLegacy {
            transmit(report(true, "req_our_resources()"))
            transmit([("t", "resource"), ("rsc_hold", "foreign"), ("info", "mach_down")])
        }
    }
}
