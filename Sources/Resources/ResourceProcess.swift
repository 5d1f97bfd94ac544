// The process that starts and stops resources: takes orders from the status process alone, and its configuration and
// channels from control. When control goes, so does this process, and every resource stays as it is.
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Privsep
import Reactor
import ResourceAgents

final class ResourceProcess {
    private static let controlDescriptor: Int32 = 3
    private static let bundleSizeMax = 16 << 20

    private let loop: EventLoop
    private let control: Channel
    /// Whether control wants real-time priorities; ha.cf has which.
    private let isRealtime: Bool
    private let foreground: Bool
    private var log: Log
    private var groups: NodeGroups?
    private var status: StatusLink?
    private var source: EventSource?
    private var checkInTimer: EventSource?
    private var checkInInterval = Duration.seconds(1)

    /// Runs until control says `finish` or goes away. Returns the exit code.
    static func main(parent: pid_t, isRealtime: Bool, foreground: Bool) -> Int32 {
        ProcessTitle.set("heartbeat: resource manager")
        // A closed terminal must not end us; children start with an empty mask.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        sigprocmask(SIG_BLOCK, &signals, nil)
        // What scripts inherit.
        umask(0o022)
        OrdinaryService.enter()
        do throws(SystemError) {
            try ParentWatch.dieWithParent(parent)
            let process = try ResourceProcess(isRealtime: isRealtime, foreground: foreground)
            // Its callbacks do not hold it.
            defer { withExtendedLifetime(process) {} }
            return try process.loop.run()
        } catch {
            Log(settings: LogSettings(), node: "", process: "resource", foreground: true)
                .write(.critical, "resource-process", "\(error)")
            return 1
        }
    }

    private init(isRealtime: Bool, foreground: Bool) throws(SystemError) {
        self.isRealtime = isRealtime
        self.foreground = foreground
        loop = try EventLoop()
        let channel = try retrying("the channel from control") {
            cl_fcntl(ResourceProcess.controlDescriptor, F_SETFD, Int(FD_CLOEXEC))
        }
        precondition(channel == 0, "F_SETFD answers 0 or fails")
        control = Channel(Descriptor(owning: ResourceProcess.controlDescriptor))
        log = Log(settings: LogSettings(), node: "", process: "resource", foreground: foreground)
        source = try loop.onReadable(control.raw) { [unowned self] in takeControlFrames() }
    }

    // MARK: Control

    private func takeControlFrames() {
        do {
            let isClosed = try control.drain { (frame: ControlToHelper, descriptors) in
                try take(frame, descriptors.first)
            }
            if isClosed { end("the control process is gone") }
        } catch {
            log.write(.critical, "control-channel", "\(error)")
            loop.stop(code: 1)
        }
    }

    private func take(_ frame: ControlToHelper, _ descriptor: PassedDescriptor?) throws {
        switch frame {
        case .configure:
            guard let file = descriptor?.take() else { throw UnexpectedFrame.withoutDescriptor }
            try configure(file)
        case .statusProcess:
            guard let socket = descriptor?.take() else { throw UnexpectedFrame.withoutDescriptor }
            guard let groups else { throw UnexpectedFrame.beforeConfiguration }
            status = try StatusLink(Channel(socket), loop: loop, groups: groups, log: write)
        case .finish:
            groups?.end()
            end("finished")
        }
    }

    private enum UnexpectedFrame: Error {
        case withoutDescriptor, beforeConfiguration
    }

    private func configure(_ file: borrowing Descriptor) throws {
        let bytes = try MemoryFile.read(file, limit: ResourceProcess.bundleSizeMax)
        let bundle = try ConfigurationBundle(decoding: bytes)
        guard let configuration = bundle.configuration(withKeys: false) else {
            log.write(.critical, "configuration", "the configuration cannot be read")
            // With an earlier one the resources are in good hands.
            return groups == nil ? loop.stop(code: 1) : ()
        }
        let settings = configuration.logging
        log = Log(
            settings: settings, node: configuration.localName, process: "resource",
            logfile: open(settings.logfile), debugfile: open(settings.debugfile), foreground: foreground)
        checkInInterval = configuration.timing.checkInInterval
        schedule(configuration.processes)
        if checkInTimer == nil {
            checkInTimer = try loop.onTime(Clock.now()) { [unowned self] in checkIn() }
        }
        let directory = bundle.configurationDirectory
        if let groups {
            groups.configure(configuration, configurationDirectory: directory)
        } else {
            groups = try NodeGroups(
                configuration, configurationDirectory: directory, runDirectory: bundle.runDirectory, loop: loop,
                log: write)
        }
    }

    /// A lease that is not renewed in time is an outage, and so is a start that waits for its turn. Below the status
    /// process, whose heartbeats a long start must not hold up; programs that this one starts are ordinary ones.
    private func schedule(_ processes: ProcessSettings) {
        guard isRealtime else { return }
        do throws(SystemError) {
            try Realtime.schedule(priority: processes.realtime ? max(1, processes.realtimePriority - 1) : 0)
        } catch {
            log.write(.warning, "no-realtime", "\(error): on a busy machine leases may run out")
        }
    }

    private func checkIn() {
        // Where control does not read, it does not feed the watchdog either.
        _ = try? control.send(ResourceToControl.alive)
        checkInTimer?.schedule(Clock.now() + checkInInterval)
    }

    private func open(_ path: String?) -> Descriptor? {
        guard let path else { return nil }
        do throws(SystemError) {
            return try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, mode: 0o640)
        } catch {
            log.write(.warning, "log-file", "\(error)")
            return nil
        }
    }

    private func write(_ record: LogRecord) { log.write(record) }

    private func end(_ reason: String) {
        log.write(.info, "resource-process", "resource manager ends, resources stay as they are: \(reason)")
        loop.stop()
    }
}
