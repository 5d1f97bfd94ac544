// Units over a real bus: a private dbus-daemon, and a stand-in for systemd's manager that answers as systemd does, on a
// connection of its own.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

/// Answers StartUnit and StopUnit with a job that ends at the next turn of the loop, and knows each unit's state.
private final class ManagerOnBus {
    private let bus: OpaquePointer
    private var states: [String: String] = ["web.service": "inactive", "broken.service": "failed"]
    private var groups: [String: String] = [:]
    private var jobCount = 0
    private(set) var calls: [String] = []
    /// Whether the signal that a job has ended goes out before the answer that names it.
    var signalsFirst = false

    init(_ loop: EventLoop, address: String) throws {
        bus = try #require(try SystemdBus.open(address))
        #expect(sd_bus_attach_event(bus, loop.event, 0) >= 0)
        #expect(sd_bus_request_name(bus, "org.freedesktop.systemd1", 0) >= 0)
        let context = Unmanaged.passUnretained(self).toOpaque()
        #expect(
            sd_bus_add_fallback(
                bus, nil, "/org/freedesktop/systemd1",
                { message, context, _ in
                    guard let message, let context else { return 0 }
                    return Unmanaged<ManagerOnBus>.fromOpaque(context).takeUnretainedValue().answer(message)
                }, context) >= 0)
    }

    deinit {
        sd_bus_detach_event(bus)
        sd_bus_close_unref(bus)
    }

    private func answer(_ message: OpaquePointer) -> Int32 {
        let member = String(cString: sd_bus_message_get_member(message))
        switch member {
        case "StartUnit", "StopUnit":
            guard let unit = string(message, "s"), let mode = string(message, "s") else { return -EINVAL }
            calls.append("\(member) \(unit) \(mode)")
            if states[unit] == nil { return refuse(message, unit) }
            if unit == "hanging.service" { return reply(message, "o", "/org/freedesktop/systemd1/job/0") }
            let succeeds = unit != "broken.service"
            let stopped = groups[unit] == nil ? "inactive" : "failed"
            states[unit] = member == "StopUnit" ? stopped : succeeds ? "active" : "failed"
            jobCount += 1
            let job = "/org/freedesktop/systemd1/job/\(jobCount)"
            if signalsFirst { signal(job, unit, succeeds ? "done" : "failed") }
            let result = reply(message, "o", job)
            if !signalsFirst { signal(job, unit, succeeds ? "done" : "failed") }
            return result
        case "Get":
            var encoded: UnsafeMutablePointer<CChar>?
            guard sd_bus_path_decode(sd_bus_message_get_path(message), "/org/freedesktop/systemd1/unit", &encoded) > 0,
                let encoded
            else { return -EINVAL }
            defer { free(encoded) }
            let unit = String(cString: encoded)
            guard let interface = string(message, "s"), let property = string(message, "s") else { return -EINVAL }
            if interface == "org.freedesktop.systemd1.Service", property == "ControlGroup" {
                return replyVariant(message, groups[unit] ?? "")
            }
            return replyVariant(message, states[unit] ?? "inactive")
        case "Subscribe":
            calls.append(member)
            return reply(message, nil, "")
        default: return 0
        }
    }

    func add(_ unit: String, _ state: String, group: String? = nil) {
        states[unit] = state
        groups[unit] = group
    }

    private func string(_ message: OpaquePointer, _ type: Unicode.Scalar) -> String? {
        var value: UnsafePointer<CChar>?
        guard sd_bus_message_read_basic(message, CChar(truncatingIfNeeded: type.value), &value) > 0 else { return nil }
        return value.map { String(cString: $0) }
    }

    private func reply(_ call: OpaquePointer, _ type: Unicode.Scalar?, _ value: String) -> Int32 {
        var message: OpaquePointer?
        sd_bus_message_new_method_return(call, &message)
        defer { sd_bus_message_unref(message) }
        if let type { sd_bus_message_append_basic(message, CChar(truncatingIfNeeded: type.value), value) }
        return sd_bus_send(bus, message, nil)
    }

    private func replyVariant(_ call: OpaquePointer, _ value: String) -> Int32 {
        var message: OpaquePointer?
        sd_bus_message_new_method_return(call, &message)
        defer { sd_bus_message_unref(message) }
        sd_bus_message_open_container(message, CChar(UInt8(ascii: "v")), "s")
        sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), value)
        sd_bus_message_close_container(message)
        return sd_bus_send(bus, message, nil)
    }

    private func refuse(_ call: OpaquePointer, _ unit: String) -> Int32 {
        var error = sd_bus_error()
        sd_bus_error_set(&error, "org.freedesktop.systemd1.NoSuchUnit", "Unit \(unit) not found.")
        defer { sd_bus_error_free(&error) }
        var message: OpaquePointer?
        sd_bus_message_new_method_error(call, &message, &error)
        defer { sd_bus_message_unref(message) }
        return sd_bus_send(bus, message, nil)
    }

    private func signal(_ job: String, _ unit: String, _ result: String) {
        var message: OpaquePointer?
        sd_bus_message_new_signal(
            bus, &message, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved")
        defer { sd_bus_message_unref(message) }
        var number: UInt32 = 1
        sd_bus_message_append_basic(message, CChar(UInt8(ascii: "u")), &number)
        sd_bus_message_append_basic(message, CChar(UInt8(ascii: "o")), job)
        sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), unit)
        sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), result)
        sd_bus_send(bus, message, nil)
    }
}

@Suite("Units over a bus", .serialized)
final class SystemdUnitsTests {
    private let folder: TemporaryFolder
    private let daemon: pid_t
    private let loop: EventLoop
    private let manager: ManagerOnBus
    private let units: SystemdUnits
    private var isDaemonEnded = false

    init() throws {
        folder = try TemporaryFolder()
        let address = "unix:path=\(folder.path)/bus"
        try folder.write(
            "bus.conf",
            """
            <busconfig><type>system</type><listen>\(address)</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
            <allow user="*"/></policy></busconfig>
            """, mode: 0o644)
        daemon = try Spawn(
            program: "/usr/bin/dbus-daemon",
            arguments: ["dbus-daemon", "--nofork", "--config-file=\(folder.path)/bus.conf"]
        ).start()
        // The socket's file is there before anybody listens: only a connection tells.
        while try !SystemdUnitsTests.listens("\(folder.path)/bus") { usleep(1000) }
        loop = try EventLoop()
        manager = try ManagerOnBus(loop, address: address)
        units = SystemdUnits(
            loop: loop, busAddress: address, controlGroups: TestControlGroup.folder ?? "/sys/fs/cgroup")
    }

    deinit { endDaemon() }

    private static func listens(_ path: String) throws -> Bool {
        let type = Int32(SOCK_STREAM.rawValue)
        let socket = Descriptor(owning: try retrying("socket") { CLinux.socket(AF_UNIX, type, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let raw = socket.raw
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(raw, .init(__sockaddr__: $0), length) == 0
            }
        }
    }

    private func endDaemon() {
        if isDaemonEnded { return }
        isDaemonEnded = true
        try? Children.signal(daemon, SIGKILL)
        _ = try? Children.wait(daemon)
    }

    private func run(
        _ operation: ResourceOperation, _ unit: String, timeout: Duration = .seconds(30),
        during: ((any RunningOperation)?) -> Void = { _ in }
    ) throws -> ResourceOutcome {
        var outcomes: [ResourceOutcome] = []
        let running = units.run(operation, unit: unit, timeout: timeout) { outcomes.append($0) }
        during(running)
        #expect(turn(loop) { !outcomes.isEmpty })
        #expect(outcomes.count == 1)
        return try #require(outcomes.first)
    }

    @Test("A unit is started, found running, and stopped; the job's end is awaited", arguments: [false, true])
    func life(signalsFirst: Bool) throws {
        manager.signalsFirst = signalsFirst
        #expect(try run(.status, "web.service") == .stopped)
        #expect(try run(.start, "web.service") == .done)
        #expect(try run(.status, "web.service") == .running)
        #expect(try run(.stop, "web.service") == .done)
        #expect(try run(.status, "web.service") == .stopped)
        #expect(manager.calls == ["Subscribe", "StartUnit web.service replace", "StopUnit web.service replace"])
    }

    @Test("A job that fails, and a unit that is not there, fail the start and not the stop")
    func failures() throws {
        #expect(
            try run(.start, "broken.service")
                == .failed("job failed, then failed: journalctl -u broken.service has the unit's own words"))
        #expect(try run(.stop, "broken.service") == .done)
        #expect(try run(.start, "nothing.service") == .failed("Unit nothing.service not found."))
        #expect(try run(.stop, "nothing.service") == .done)
        #expect(try run(.status, "nothing.service") == .stopped)
    }

    @Test("What systemd has given up on is not stopped while SIGKILL does not end it",
        .enabled(if: geteuid() == 0 && TestControlGroup.folder != nil && access("/dev/fuse", R_OK | W_OK) == 0))
    func undead() throws {
        #expect(mkdir(folder.path + "/silent", 0o700) == 0)
        let silent = try SilentFilesystem(folder.path + "/silent")
        defer { silent.end() }
        let root = try TestControlGroup()
        var spawn = Spawn(program: "/usr/bin/stat", arguments: ["stat", silent.folder])
        let group = try Descriptor.open(root.group.path, O_RDONLY | O_DIRECTORY)
        spawn.controlGroup = group.raw
        let process = try spawn.start()
        try silent.take()
        let path = root.group.path.dropFirst((TestControlGroup.folder ?? "").count)
        manager.add("web.service", "active", group: String(path))
        // Its processes live on by its own wish.
        #expect(try run(.stop, "web.service") == .done)
        try Children.signal(process, SIGKILL)
        let reason = "processes that were killed do not end: \(process)"
        #expect(try run(.stop, "web.service") == .failed(reason))
        #expect(try run(.status, "web.service") == .unknown(reason))
        silent.end()
        _ = try Children.wait(process)
        #expect(try run(.stop, "web.service") == .done)
        #expect(try run(.status, "web.service") == .stopped)
    }

    @Test("A job that never ends times out, or is ended early")
    func hanging() throws {
        manager.add("hanging.service", "activating")
        #expect(try run(.start, "hanging.service", timeout: .milliseconds(200)) == .failed("timed out after 0 s"))
        #expect(try run(.start, "hanging.service") { $0?.cancel() } == .failed("ended early"))
        #expect(try run(.status, "hanging.service") == .unknown("systemd says activating"))
    }

    @Test("When the bus goes, what waits fails at once, and later operations fail by themselves")
    func busGone() throws {
        manager.add("hanging.service", "activating")
        let outcome = try run(.start, "hanging.service") { _ in
            _ = turn(loop) { manager.calls.contains("StartUnit hanging.service replace") }
            endDaemon()
        }
        // Whether the answer to the call came before the bus went is left to chance.
        guard case .failed = outcome else {
            Issue.record("\(outcome)")
            return
        }
        guard case .failed = try run(.stop, "web.service") else {
            Issue.record("stopped without a bus")
            return
        }
        guard case .unknown = try run(.status, "web.service") else {
            Issue.record("known without a bus")
            return
        }
    }
}
