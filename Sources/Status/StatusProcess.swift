// The shell around the core: reads channels, keeps the one timer, hands events in and carries effects out. It never
// blocks: no name lookup, no file, no child process.
import Admin
import CLinux
import ClusterCore
import ClusterModel
import Digests
import Failovers
import Journal
import LinuxSystem
import Messaging
import Privsep
import Reactor

final class StatusProcess {
    private static let controlDescriptor: Int32 = 3
    private static let logDescriptor: Int32 = 5
    private static let bundleSizeMax = 16 << 20
    /// Frames of control in one turn: each may ask for the state of everything.
    private static let controlMax = 4

    private let loop: EventLoop
    private let control: Channel
    private var answers: ControlLink?
    private let foreground: Bool
    /// Open for as long as this process runs; nil where there is no log file.
    private let logPipe: Int32?
    private var sources: [EventSource] = []
    private var wakeTimer: EventSource?
    private var checkInTimer: EventSource?
    private var armedFor: Instant?
    /// What was heard last; its memory is used again.
    private var incoming = HAMessage()
    private var effects: [Effect] = []

    private var log: StatusLog
    private var configuration = Configuration()
    private var cluster: Cluster?
    private var transmitter: Transmitter?
    private var media: MediumChannels?
    private var resources: ResourceLink?
    private var clients: ClientServiceLink?
    private var transitions = TransitionDesk()
    private var notifier: NotifierLink?
    private var generation: UInt64 = 0
    private var desk = AdminDesk()
    private var contests = ContestDesk()
    private var punctuality: PunctualityDesk?
    private var failovers = FailoverDesk()
    private var contestTimer: EventSource?
    private var drops = DropCounters()
    /// What of the real-time service was not allowed, to be told once there is a log.
    private var refused: [SystemError] = []

    /// Runs until everything is released, or control goes away. Returns the exit code.
    static func main(parent: pid_t, identity: Confinement.Identity, priority: Int?, foreground: Bool, hasLogPipe: Bool)
        -> Int32
    {
        Signals.ignore(SIGPIPE)
        let refused = priority.map { Realtime.enter(priority: $0) } ?? []
        do throws(SystemError) {
            try Confinement.drop(to: identity)
            try ParentWatch.dieWithParent(parent)
            ProcessTitle.set("heartbeat: status process")
            let process = try StatusProcess(foreground: foreground, hasLogPipe: hasLogPipe)
            process.refused = refused
            // Its callbacks do not hold it.
            defer { withExtendedLifetime(process) {} }
            return try process.loop.run()
        } catch {
            fputs("heartbeat: status process: \(error)\n", cl_stderr())
            return 1
        }
    }

    private init(foreground: Bool, hasLogPipe: Bool) throws(SystemError) {
        self.foreground = foreground
        logPipe = hasLogPipe ? StatusProcess.logDescriptor : nil
        loop = try EventLoop()
        control = Channel(Descriptor(owning: StatusProcess.controlDescriptor))
        log = StatusLog(settings: LogSettings(), node: "", logfile: nil, foreground: foreground)
        answers = ControlLink(control, loop: loop) { [unowned self] error in
            log.write(.error, "control-channel", "\(error)")
        }
        sources.append(
            try loop.onReadable(control.raw, priority: Turn.incoming) { [unowned self] in takeControlFrames() })
        wakeTimer = try loop.onTime(.distantFuture, priority: Turn.due) { [unowned self] in wake() }
        checkInTimer = try loop.onTime(Clock.now(), priority: Turn.due) { [unowned self] in checkIn() }
    }

    // MARK: Control

    private func takeControlFrames() {
        do {
            guard try control.drain(atMost: StatusProcess.controlMax, take) else { return }
            log.write(.info, "control-gone", "the control process is gone")
            loop.stop()
        } catch {
            log.write(.critical, "control-channel", "\(error)")
            loop.stop(code: 1)
        }
    }

    private func take(_ frame: ControlToStatus, _ descriptors: [PassedDescriptor]) throws {
        switch frame {
        case .configure(let generation, let uuid, let confirmedFor):
            guard let file = descriptors.first?.take() else { return }
            let bytes = try MemoryFile.read(file, limit: StatusProcess.bundleSizeMax)
            try configure(try ConfigurationBundle(decoding: bytes), generation, uuid, confirmedFor)
        case .medium(let index):
            guard descriptors.count == 2, let reader = descriptors[0].take(), let writer = descriptors[1].take() else {
                return
            }
            try media?.open(MediumID(Int(index)), reader: Channel(reader), writer: Channel(writer))
            desk.mediumOpened(Int(index))
        case .mediumDown(let index, let reason):
            media?.close(MediumID(Int(index)))
            desk.mediumClosed(Int(index), reason)
        case .resourceManager:
            guard let socket = descriptors.first?.take() else { return }
            try connectResources(Channel(socket))
        case .request(let client, let privileged, let bytes): serve(client, privileged, bytes)
        case .clientGone(let client):
            for request in desk.forget(client) { handle(.requesterGone(request)) }
        case .clientService:
            guard let socket = descriptors.first?.take() else { return }
            try connectClients(Channel(socket))
        case .notifier:
            guard let socket = descriptors.first?.take() else { return }
            try connectNotifier(Channel(socket))
        case .inject(let bytes):
            // Whoever may write to the FIFO may write nonsense.
            if let message = try? ClassicCodec.decode(bytes) { speak(message) }
        case .shutdown: handle(.shutdown)
        case .handOver: handle(.handOver)
        case .processes(let list, let watchdog):
            desk.processes = list
            desk.watchdogLack = watchdog
        }
    }

    private func configure(
        _ bundle: ConfigurationBundle, _ generation: UInt64, _ uuid: [UInt8], _ confirmedFor: Duration?
    ) throws {
        guard let new = bundle.configuration(withKeys: true) else {
            log.write(.critical, "configuration", "the configuration cannot be read")
            return cluster == nil ? loop.stop(code: 1) : ()
        }
        let authenticator = try Authenticator(new.keys)
        let old = configuration
        configuration = new
        log = StatusLog(
            settings: new.logging, node: new.localName, logfile: logfile(), foreground: foreground, after: log)
        checkIn()
        guard cluster == nil else { return reconfigure(from: old, authenticator) }
        let identity = WireIdentity(
            name: new.localName, uuid: uuid, generation: generation, ttl: new.hopfudge + new.members.count)
        transmitter = Transmitter(configuration: new, identity: identity, authenticator: authenticator)
        media = MediumChannels(
            count: new.media.count, loop: loop,
            received: { [unowned self] medium, datagram in
                receive(datagram, on: medium)
            })
        desk.configure(new)
        punctuality = PunctualityDesk(new, Clock.now())
        self.generation = generation
        cluster = Cluster(
            configuration: new, generation: generation, uuid: uuid, seed: generation ^ UInt64(getpid()) << 32,
            confirmedFor: confirmedFor ?? StatusProcess.confirmedBeforeBoot(new.timing), now: Clock.now())
        if let cluster { Rehearsal.run(cluster, now: Clock.now()) }
        for error in refused { log.write(.warning, "no-realtime", "real-time service not allowed: \(error)") }
        log.write(.info, "generation", "Heartbeat generation: \(generation)")
        if new.groups.isEmpty { handle(.inventory([], entitledUntil: nil)) } else { arm() }
    }

    /// What the machine confirmed before it was booted is not known, and over so long after that.
    private static func confirmedBeforeBoot(_ timing: Timing) -> Duration {
        max(.zero, Instant(nanoseconds: 0) + timing.confirmationMax - Clock.now())
    }

    /// A SIGHUP: keys and intervals apply at once; what names nodes, media or groups needs a restart.
    private func reconfigure(from old: Configuration, _ authenticator: Authenticator) {
        transmitter?.authenticator = authenticator
        let kept = configuration
        configuration.members = old.members
        configuration.witnesses = old.witnesses
        configuration.media = old.media
        configuration.groups = old.groups
        configuration.autoFailback = old.autoFailback
        configuration.quorum = old.quorum
        configuration.policy = old.policy
        configuration.processes.respawn = old.processes.respawn
        configuration.processes.stonith = old.processes.stonith
        let changed = [
            kept.members != old.members ? "node" : nil, kept.witnesses != old.witnesses ? "witness" : nil,
            kept.media != old.media ? "media" : nil,
            kept.processes.stonith != old.processes.stonith ? "stonith, stonith_host" : nil,
            kept.autoFailback != old.autoFailback ? "auto_failback" : nil, kept.quorum != old.quorum ? "quorum" : nil,
            kept.processes.respawn != old.processes.respawn ? "respawn" : nil,
            kept.policy != old.policy ? "stop_failure, stop_retries, operation_timeout, address_probe" : nil,
        ].compactMap { $0 }
        if !changed.isEmpty {
            log.write(
                .warning, "restart-needed",
                "not applied until heartbeat is restarted: \(changed.joined(separator: ", "))")
        }
        if kept.timing != old.timing { handle(.retimed(kept.timing)) }
        log.write(.notice, "reloaded", "configuration read again: intervals, keys and log settings are in force")
    }

    private func logfile() -> Descriptor? {
        guard let raw = logPipe else { return nil }
        let copy = cl_fcntl(raw, F_DUPFD_CLOEXEC, 3)
        return copy < 0 ? nil : Descriptor(owning: copy)
    }

    private func checkIn() {
        tell(.alive(at: Clock.now()))
        checkInTimer?.schedule(Clock.now() + configuration.timing.checkInInterval)
    }

    private func tell(_ frame: StatusToControl) { answers?.send(frame) }

    // MARK: Events

    private func wake() {
        if let armedFor { punctuality?.woke(late: Clock.now() - armedFor) }
        armedFor = nil
        // What the media hold came before now: it must be judged before the silence is.
        media?.drain()
        guard let deadline = cluster?.nextDeadline, deadline <= Clock.now() else { return arm() }
        handle(.wake)
    }

    private func receive(_ datagram: ReceivedDatagram, on medium: MediumID) {
        guard let transmitter else { return }
        do throws(RejectReason) {
            try Envelope.open(datagram.bytes, authenticator: transmitter.authenticator, into: &incoming)
            let arrival = min(datagram.arrival, Clock.now())
            punctuality?.heard(incoming, on: medium, at: arrival, configuration.timing)
            handle(.received(incoming, medium: medium, arrival: arrival))
        } catch {
            drops.count(error.word)
            guard configuration.logging.logsBadPackets else { return }
            log.writeLimited(
                .error, "bad-packet",
                "bad packet on \(configuration.media[medium.index].linkName): \(error)", key: error.word)
        }
    }

    private func handle(_ event: Event) {
        guard cluster != nil else { return }
        cluster?.handle(event, now: Clock.now(), effects: &effects)
        while !effects.isEmpty {
            let batch = effects
            effects.removeAll(keepingCapacity: true)
            // Somebody waits for orders and messages; nobody does for a line of the log.
            for effect in batch where effect.isUrgent { carryOut(effect) }
            for effect in batch where !effect.isUrgent { carryOut(effect) }
        }
        failovers.keep()
        clients?.noteChange()
        arm()
    }

    private func arm() {
        guard let deadline = cluster?.nextDeadline else { return }
        if armedFor == deadline { return }
        armedFor = deadline
        wakeTimer?.schedule(deadline)
    }

    // MARK: Effects

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .transmit(let outgoing):
            if let problem = transmitter?.transmit(outgoing, on: media) { log.write(.error, "not-sent", problem) }
        case .retransmit(let sequence): transmitter?.retransmit(sequence, on: media)
        case .forward(let message, let except): transmitter?.forward(message, except: except, on: media)
        case .deliver(let message): clients?.deliver(message)
        case .start(let group, let epoch, let operation):
            order(
                .start(
                    operation: operation, group: configuration.groups[group.index].name, epoch: epoch,
                    isCold: cluster?.startsCold(group) ?? false))
        case .stop(let group, let operation):
            order(
                .stop(
                    operation: operation, group: configuration.groups[group.index].name,
                    isForfeit: cluster?.isForfeit(group) ?? false))
        case .reassert(let group, let epoch, let operation):
            order(.reassert(operation: operation, group: configuration.groups[group.index].name, epoch: epoch))
        case .suspend(let group, let isSuspended):
            order(.suspend(group: configuration.groups[group.index].name, isSuspended))
        case .fail(let group, let resource, let reason):
            order(.fail(group: configuration.groups[group.index].name, resource: UInt32(resource), reason: reason))
        case .forgetFailures(let group): order(.forgetFailures(group: configuration.groups[group.index].name))
        case .fence(let node, let operation, let until):
            order(.fence(operation: operation, node: configuration.members[node.index].name, until: until))
        case .recall(let operation): order(.recall(operation: operation))
        case .entitled(let until): order(.entitled(until: until))
        case .confirms(let time): tell(.confirms(for: time))
        case .reboot(let reason): order(.reboot(reason: reason))
        case .reply(let request, let response):
            if let (client, bytes) = desk.answer(request, response) {
                tell(.response(client: client, bytes: bytes, last: true))
            }
        case .log(let record): tellAll(record)
        case .step(let step): failovers.take(step)
        case .dropped(let reason): drops.count(reason.rawValue)
        case .statusChanged(let status):
            tell(.state(active: status == .active, line: "\(configuration.localName) is \(status.rawValue)"))
        case .finished:
            notifier?.flush()
            tell(.finished)
            answers?.finish()
            loop.stop()
        }
    }

    // MARK: Resources

    private func connectResources(_ channel: Channel) throws {
        if resources != nil { handle(.resourceManagerLost) }
        resources = try ResourceLink(channel, loop: loop, received: { [unowned self] in take($0) }, log: log.write)
        desk.leaseLack = nil
        order(.takeInventory)
    }

    private func order(_ frame: StatusToResource) {
        if resources?.send(frame) != true {
            log.write(.error, "resource-channel", "the resource manager does not take orders now")
        }
    }

    private func take(_ frame: ResourceToStatus) {
        switch frame {
        case .inventory(let groups, let entitledUntil):
            let findings = groups.map {
                switch $0.state {
                case .stopped: Finding(group: $0.group, state: .stopped, epoch: $0.epoch)
                case .held: Finding(group: $0.group, state: .held, epoch: $0.epoch)
                case .partial: Finding(group: $0.group, state: .partial, epoch: $0.epoch)
                }
            }
            handle(.inventory(findings, entitledUntil: entitledUntil))
        case .finished(let operation, let failure, let remains):
            handle(.finished(operation, failure: failure, remains: remains))
        case .lost(let group, let reason): handle(.lost(group: group, reason: reason))
        case .forfeited(let group, let reason): handle(.forfeited(group: group, reason: reason))
        case .failures(let group, let failures): handle(.failures(group: group, failures))
        case .leaseLacks(let reason): desk.leaseLack = reason
        case .worked(let steps):
            for step in steps { failovers.take(step) }
            failovers.keep()
        case .fenced(let operation, let failure): handle(.fenced(operation, failure: failure))
        case .contested(let contest):
            let due = contests.take(contest, group: configuration.group(named: contest.group), now: Clock.now())
            if let due, contestTimer == nil {
                contestTimer = try? loop.onTime(due, priority: Turn.idle) { [unowned self] in judgeContests() }
            }
        }
    }

    private func judgeContests() {
        contestTimer = nil
        let records = contests.judge(Clock.now()) { group, since in cluster?.contender(of: group, since: since) }
        for record in records { tellAll(record) }
        guard contests.isOpen(Clock.now()) else { return }
        contestTimer = try? loop.onTime(Clock.now() + ContestDesk.judgeAfter, priority: Turn.idle) { [unowned self] in
            judgeContests()
        }
    }

    // MARK: The world outside

    /// Logs a record, and has it told where it is a transition.
    private func tellAll(_ record: LogRecord) {
        log.write(record)
        guard
            let transition = Transition(
                record, localName: configuration.localName, time: Clock.wallNanoseconds())
        else { return }
        transitions.add(transition)
        notifier?.noteChange()
    }

    private func connectNotifier(_ channel: Channel) throws {
        transitions.connected(at: Clock.wallNanoseconds())
        notifier = try NotifierLink(
            channel, loop: loop, next: { [unowned self] in transitions.next(life: generation) },
            sent: { [unowned self] in transitions.noteSent($0) }, kept: { [unowned self] in transitions.kept($0) })
    }

    // MARK: Clients

    private func connectClients(_ channel: Channel) throws {
        clients = try ClientServiceLink(
            channel, loop: loop, waiting: clients?.waiting ?? [],
            view: { [unowned self] in
                cluster.map { ClientView($0.snapshot(Clock.now()), media: configuration.media) }
            },
            maySend: { [unowned self] in
                // Asked with each event: read in place, for a copy of the cluster costs more than the answer.
                guard cluster != nil else { return true }
                func ask(_ cluster: inout Cluster) -> Bool { cluster.clientsMaySend }
                return ask(&cluster!)
            },
            received: { [unowned self] in speak($0) })
    }

    /// Carries out what a client asks of this node, or passes on what it says to the cluster.
    private func speak(_ message: HAMessage) {
        if let request = ClientOrder.request(message) {
            // Nobody waits for the answer.
            if let packet = try? AdminMessage.encode(request.message) { serve(0, true, packet) }
        } else if let body = ClientMessageRules.body(of: message) {
            handle(.clientMessage(body))
        } else {
            log.writeLimited(
                .warning, "client-message", "a client's message is not sent: reserved type, no type, or too long",
                key: "client-message")
        }
    }

    // MARK: Operators

    private func serve(_ client: ClientID, _ privileged: Bool, _ bytes: [UInt8]) {
        switch desk.read(bytes, from: client, privileged: privileged) {
        case .order(let request, let id, let origin):
            if let origin {
                let who = origin.user.isEmpty ? "" : " (\(origin.user))"
                log.write(.notice, "request-reason", "\(request.word): \(origin.reason)\(who)")
            }
            let objection = origin?.observedAt.flatMap { cluster?.objection(to: request, observedAt: $0) }
            if let objection {
                log.write(.notice, "request-outdated", "\(request.word): \(objection)")
                return carryOut(.reply(id, OperatorResponse(.done, objection)))
            }
            handle(.requested(request, id))
        case .answer(let messages): answer(client, messages)
        case .report:
            guard let cluster else { return }
            answer(
                client,
                desk.report(
                    cluster.snapshot(Clock.now()), contests: contests.report(Clock.now()), drops: drops,
                    events: log.recent))
        case .punctuality:
            guard let report = punctuality?.report(configuration.timing, Clock.now()) else { return }
            answer(client, desk.packets(report.messages()))
        case .failovers(let count):
            let report = failovers.report(
                count, node: configuration.localName, generation: generation, Clock.now())
            answer(client, desk.packets(report.messages()))
        }
    }

    private func answer(_ client: ClientID, _ messages: [[UInt8]]) {
        for (index, message) in messages.enumerated() {
            tell(.response(client: client, bytes: message, last: index == messages.count - 1))
        }
    }
}

extension Effect {
    /// Whether another process or node waits for it: its own order among such is kept, and what is none comes after.
    fileprivate var isUrgent: Bool {
        switch self {
        case .transmit, .start, .stop, .reassert, .suspend, .fail, .forgetFailures, .fence, .recall, .entitled,
            .confirms:
            true
        case .retransmit, .forward, .deliver, .reboot, .reply, .log, .step, .dropped, .statusChanged, .finished: false
        }
    }
}
