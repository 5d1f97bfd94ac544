// The process that tells the world outside. Nothing waits for it: the status process keeps what it does not take, and a
// disk or a server that hangs holds up this process alone.
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Privsep
import Reactor
import ResourceAgents

final class NotifierProcess {
    private static let controlDescriptor: Int32 = 3
    private static let logDescriptor: Int32 = 5
    private static let bundleSizeMax = 16 << 20

    private let loop: EventLoop
    private let control: Channel
    private let identity: Confinement.Identity
    private let foreground: Bool
    private let logPipe: Int32?
    private var log: Log
    private var sources: [EventSource] = []
    private var status: Channel?
    private var statusSource: EventSource?
    private var timer: EventSource?

    private var configuration = Configuration()
    private var environment: [String] = []
    private var plan: DeliveryPlan?
    private var spool = SpoolFile("/dev/null")
    /// What the status process has said, by its life: what comes again is not kept again.
    private var heard: (life: UInt64, number: UInt64) = (0, 0)
    private var sourceOf: [UInt64: (life: UInt64, number: UInt64)] = [:]
    private var isSpoolFailing = false
    private var isFinishing = false

    static func main(parent: pid_t, identity: Confinement.Identity, foreground: Bool, hasLogPipe: Bool) -> Int32 {
        Signals.ignore(SIGPIPE)
        umask(0o022)
        OrdinaryService.enter()
        do throws(SystemError) {
            try ParentWatch.dieWithParent(parent)
            ProcessTitle.set("heartbeat: notifier")
            let process = try NotifierProcess(identity, foreground: foreground, hasLogPipe: hasLogPipe)
            // Its callbacks do not hold it.
            defer { withExtendedLifetime(process) {} }
            return try process.loop.run()
        } catch {
            fputs("heartbeat: notifier: \(error)\n", cl_stderr())
            return 1
        }
    }

    private init(_ identity: Confinement.Identity, foreground: Bool, hasLogPipe: Bool) throws(SystemError) {
        self.identity = identity
        self.foreground = foreground
        logPipe = hasLogPipe ? NotifierProcess.logDescriptor : nil
        // No child may keep the channel or the pipe open.
        for descriptor in [NotifierProcess.controlDescriptor] + (hasLogPipe ? [NotifierProcess.logDescriptor] : []) {
            _ = cl_fcntl(descriptor, F_SETFD, Int(FD_CLOEXEC))
        }
        loop = try EventLoop()
        control = Channel(Descriptor(owning: NotifierProcess.controlDescriptor))
        log = Log(settings: LogSettings(), node: "", process: "notify", foreground: foreground)
        sources.append(try loop.onReadable(control.raw) { [unowned self] in takeControlFrames() })
        timer = try loop.onTime(.distantFuture) { [unowned self] in
            act { plan, effects, now in plan.proceed(&effects, now) }
        }
    }

    // MARK: Control

    private func takeControlFrames() {
        do {
            let isClosed = try control.drain { (frame: ControlToHelper, descriptors) in
                try take(frame, descriptors.first)
            }
            guard isClosed else { return }
            // What the status process has said last is kept; programs that run are left to their ends.
            takeTransitions()
            loop.stop()
        } catch {
            log.write(.critical, "control-channel", "\(error)")
            loop.stop(code: 1)
        }
    }

    private func take(_ frame: ControlToHelper, _ descriptor: PassedDescriptor?) throws {
        let descriptor = descriptor?.take()
        switch frame {
        case .configure:
            guard let descriptor else { return }
            let bytes = try MemoryFile.read(descriptor, limit: NotifierProcess.bundleSizeMax)
            configure(try ConfigurationBundle(decoding: bytes))
        case .statusProcess:
            guard let descriptor else { return }
            let channel = Channel(descriptor)
            status = channel
            statusSource = try loop.onReadable(channel.raw) { [unowned self] in takeTransitions() }
        case .finish:
            isFinishing = true
            takeTransitions()
            endWhenIdle()
        }
    }

    /// Control waits for this process for a moment only, and what is not told by then is told by the next one.
    private func endWhenIdle() {
        if isFinishing, plan?.isIdle ?? true { loop.stop() }
    }

    private func configure(_ bundle: ConfigurationBundle) {
        guard let new = bundle.configuration(withKeys: false) else { return }
        configuration = new
        environment = ScriptEnvironment.entries(new, configurationDirectory: bundle.configurationDirectory)
        let pipe = logPipe.map { cl_fcntl($0, F_DUPFD_CLOEXEC, 3) } ?? -1
        log = Log(
            settings: new.logging, node: new.localName, process: "notify",
            logfile: pipe < 0 ? nil : Descriptor(owning: pipe), foreground: foreground)
        let rules = new.notifications + NotificationFolder.rules(configurationDirectory: bundle.configurationDirectory)
        if plan == nil {
            let path = bundle.stateDirectory + "/notify.spool"
            let records = SpoolFile.read(path)
            spool = SpoolFile(path)
            restore(records, rules)
        } else {
            act { plan, effects, now in plan.configure(rules, known: [], effects: &effects, now: now) }
        }
    }

    /// Goes on where an earlier notifier was.
    private func restore(_ records: [SpoolRecord], _ rules: [NotificationRule]) {
        var events: [DeliveryPlan.Event] = []
        var known: [DeliveryPlan.SpoolNote] = []
        var last: UInt64 = 0
        for record in records {
            switch record {
            case .told(let number, let life, let source, let transition):
                guard number > last else { continue }
                last = number
                heard = (life, source)
                sourceOf[number] = (life, source)
                events.append(DeliveryPlan.Event(number: number, transition: transition))
            case .done(let target, let number, let dropped):
                known.removeAll { $0.target == target }
                known.append(DeliveryPlan.SpoolNote(target: target, number: number, dropped: dropped))
                last = max(last, number)
            }
        }
        plan = DeliveryPlan(events: Array(events.suffix(DeliveryPlan.eventsMax)), last: last)
        act { plan, effects, now in plan.configure(rules, known: known, effects: &effects, now: now) }
        rewriteSpool()
    }

    // MARK: The status process

    private func takeTransitions() {
        guard let status else { return }
        var frames: [StatusToNotifier] = []
        let isClosed = try? status.drain { (frame: StatusToNotifier, _) in frames.append(frame) }
        var kept: UInt64?
        for frame in frames {
            switch frame {
            case .transition(let life, let number, let transition, let missed):
                kept = number
                // Told again by a status process whose last notifier died before it had said that it keeps it.
                if heard.life == life && number <= heard.number { continue }
                heard = (life, number)
                keep(transition, life, number, missed)
            }
        }
        if let kept { _ = try? status.send(NotifierToStatus.kept(kept)) }
        act { plan, effects, now in plan.proceed(&effects, now) }
        if isClosed ?? true {
            statusSource = nil
            self.status = nil
        }
    }

    private func keep(_ transition: Transition, _ life: UInt64, _ source: UInt64, _ missed: UInt64) {
        act { plan, effects, now in
            let number = plan.take(transition, missed: missed, effects: &effects, now: now)
            sourceOf[number] = (life, source)
            write([.told(number: number, life: life, source: source, transition)])
        }
    }

    // MARK: The plan

    private func act(_ body: (inout DeliveryPlan, inout [DeliveryPlan.Effect], Instant) -> Void) {
        guard var current = plan else { return }
        var effects: [DeliveryPlan.Effect] = []
        body(&current, &effects, Clock.now())
        plan = current
        for effect in effects { carryOut(effect) }
        timer?.schedule(plan?.nextDeadline ?? .distantFuture)
        endWhenIdle()
    }

    private func carryOut(_ effect: DeliveryPlan.Effect) {
        switch effect {
        case .deliver(let name, let number, let transition, let dropped): deliver(name, number, transition, dropped)
        case .keep(let note):
            write([.done(target: note.target, number: note.number, dropped: note.dropped)])
        case .log(let record): log.write(record)
        }
    }

    private func deliver(_ name: String, _ number: UInt64, _ transition: Transition, _ dropped: UInt64) {
        let delivery = Delivery(
            target: NotificationTarget(text: name), transition: transition, number: number, dropped: dropped,
            localName: configuration.localName, clusterName: configuration.clusterName, environment: environment,
            identity: identity)
        do throws(SystemError) {
            var spawn = try delivery.spawn()
            let input = try MemoryFile.write(delivery.input ?? [])
            spawn.descriptors[0] = input.raw
            _ = try ProgramRun(spawn, timeout: delivery.timeout, loop: loop, log: log.write) { [unowned self] result in
                finished(name, number, delivery.outcome(result))
            }
        } catch {
            finished(name, number, .failed("\(error)"))
        }
    }

    private func finished(_ name: String, _ number: UInt64, _ outcome: DeliveryPlan.Outcome) {
        act { plan, effects, now in
            plan.finished(name, number, outcome, effects: &effects, now: now)
        }
    }

    // MARK: The spool

    private func write(_ records: [SpoolRecord]) {
        do throws(SystemError) {
            try spool.append(records)
            isSpoolFailing = false
        } catch {
            if !isSpoolFailing {
                log.write(.error, "notify-spool", "\(error): what is not told yet is lost with this process")
            }
            isSpoolFailing = true
        }
        if spool.isLarge { rewriteSpool() }
    }

    private func rewriteSpool() {
        guard let plan else { return }
        let needed = Set(plan.events.map(\.number))
        sourceOf = sourceOf.filter { needed.contains($0.key) }
        var records = plan.events.map { event in
            let source = sourceOf[event.number] ?? (0, 0)
            return SpoolRecord.told(
                number: event.number, life: source.life, source: source.number, event.transition)
        }
        records += plan.notes.map { .done(target: $0.target, number: $0.number, dropped: $0.dropped) }
        // Numbers go on where they were, also where nobody is to be told of anything.
        records.append(.done(target: "", number: plan.last, dropped: 0))
        do throws(SystemError) {
            try spool.rewrite(records)
        } catch {
            log.write(.error, "notify-spool", "\(error)")
        }
    }
}
