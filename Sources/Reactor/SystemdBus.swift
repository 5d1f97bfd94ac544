// The way to systemd over the system bus, on the process's own event loop: calls with their answers, and the ends of
// jobs. Nothing here waits.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem

/// Why a call failed.
package struct BusError: Error, Equatable {
    /// `org.freedesktop.systemd1.NoSuchUnit`
    package var name: String
    package var message: String

    package init(name: String, message: String) {
        self.name = name
        self.message = message
    }

    /// One line for people.
    package var text: String { message.isEmpty ? name : message }
}

/// A connection to systemd's manager, opened when it is first needed and again after it was lost.
package final class SystemdBus {
    private static let service = "org.freedesktop.systemd1"
    private static let managerPath = "/org/freedesktop/systemd1"
    private static let managerInterface = "org.freedesktop.systemd1.Manager"

    /// A call whose answer has not come.
    package final class Call {
        fileprivate var slot: OpaquePointer?
        private let completion: (Result<String, BusError>) -> Void
        private let read: (OpaquePointer) -> String?

        fileprivate init(
            read: @escaping (OpaquePointer) -> String?, completion: @escaping (Result<String, BusError>) -> Void
        ) {
            self.read = read
            self.completion = completion
        }

        /// No answer comes any more.
        deinit { sd_bus_slot_unref(slot) }

        fileprivate func answered(_ message: OpaquePointer) {
            if let error = sd_bus_message_get_error(message) {
                completion(
                    .failure(
                        BusError(name: text(error.pointee.name) ?? "", message: text(error.pointee.message) ?? "")))
            } else if let value = read(message) {
                completion(.success(value))
            } else {
                completion(.failure(BusError(name: "", message: "an answer that makes no sense")))
            }
        }
    }

    /// One unit whose changes are told.
    private final class Watch {
        fileprivate let path: String
        fileprivate let changed: () -> Void
        fileprivate var slot: OpaquePointer?

        fileprivate init(path: String, changed: @escaping () -> Void) {
            self.path = path
            self.changed = changed
        }

        deinit { sd_bus_slot_unref(slot) }
    }

    private struct WeakWatch {
        weak var watch: Watch?
    }

    /// Called with a job's object path and its result when a job has ended.
    package var onJobRemoved: (String, String) -> Void = { _, _ in }
    /// Called when the bus is gone; calls under way get an error of their own.
    package var onLost: () -> Void = {}

    private let loop: EventLoop
    private let address: String?
    private var bus: OpaquePointer?
    private var isLost = false
    private var watches: [WeakWatch] = []

    /// `address`: of a bus other than the system's.
    package init(loop: EventLoop, address: String? = nil) {
        self.loop = loop
        self.address = address
    }

    deinit { close() }

    /// Whether systemd runs this machine.
    package var isAvailable: Bool { address != nil || sd_booted() > 0 }

    /// Calls back when a property of a unit has changed; also on a connection that is made anew. Valid until the answer
    /// is released.
    package func watch(_ unit: String, _ changed: @escaping () -> Void) -> AnyObject {
        var encoded: UnsafeMutablePointer<CChar>?
        _ = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &encoded)
        defer { free(encoded) }
        let watch = Watch(path: text(encoded) ?? "/", changed: changed)
        watches.removeAll { $0.watch == nil }
        watches.append(WeakWatch(watch: watch))
        if isAvailable, let bus = try? connected() { match(watch, bus) }
        return watch
    }

    /// Where a match cannot be made, the unit is asked at its interval alone.
    private func match(_ watch: Watch, _ bus: OpaquePointer) {
        if watch.slot != nil { return }
        _ = sd_bus_match_signal_async(
            bus, &watch.slot, SystemdBus.service, watch.path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
            { _, context, _ in
                if let context { Unmanaged<Watch>.fromOpaque(context).takeUnretainedValue().changed() }
                return 0
            }, nil, Unmanaged.passUnretained(watch).toOpaque())
    }

    /// Calls a method of the manager that takes strings and answers with an object path.
    package func call(
        _ method: String, _ arguments: [String], timeout: Duration,
        _ completion: @escaping (Result<String, BusError>) -> Void
    ) throws(SystemError) -> Call {
        try send(
            path: SystemdBus.managerPath, interface: SystemdBus.managerInterface, method, arguments, timeout,
            Call(read: { readString($0, type: "o") }, completion: completion))
    }

    /// Reads a property, a string, of a unit; systemd loads the unit for it where it must. `interface`: `Unit`, or that
    /// of a kind of units, `Service`.
    package func property(
        _ property: String, ofUnit unit: String, interface: String = "Unit", timeout: Duration,
        _ completion: @escaping (Result<String, BusError>) -> Void
    ) throws(SystemError) -> Call {
        var encoded: UnsafeMutablePointer<CChar>?
        try check("name a unit", sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &encoded))
        defer { free(encoded) }
        return try send(
            path: text(encoded) ?? "", interface: "org.freedesktop.DBus.Properties", "Get",
            ["org.freedesktop.systemd1.\(interface)", property], timeout,
            Call(
                read: { message in
                    guard sd_bus_message_enter_container(message, CChar(UInt8(ascii: "v")), "s") > 0 else { return nil }
                    return readString(message, type: "s")
                }, completion: completion))
    }

    private func send(
        path: String, interface: String, _ method: String, _ arguments: [String], _ timeout: Duration, _ call: Call
    ) throws(SystemError) -> Call {
        let bus = try connected()
        var message: OpaquePointer?
        try check(
            "make a call",
            sd_bus_message_new_method_call(bus, &message, SystemdBus.service, path, interface, method))
        defer { sd_bus_message_unref(message) }
        for argument in arguments {
            try check("make a call", sd_bus_message_append_basic(message, CChar(UInt8(ascii: "s")), argument))
        }
        let result = sd_bus_call_async(
            bus, &call.slot, message,
            { message, context, _ in
                guard let message, let context else { return 0 }
                Unmanaged<Call>.fromOpaque(context).takeUnretainedValue().answered(message)
                return 0
            }, Unmanaged.passUnretained(call).toOpaque(), UInt64(max(1, timeout.wholeNanoseconds / 1000)))
        try check("call systemd", result)
        return call
    }

    // MARK: The connection

    private func connected() throws(SystemError) -> OpaquePointer {
        if isLost { close() }
        if let bus { return bus }
        let opened = try SystemdBus.open(address)
        bus = opened
        guard let bus = opened else { throw SystemError(code: ENOTCONN, operation: "open the system bus") }
        do throws(SystemError) {
            let context = Unmanaged.passUnretained(self).toOpaque()
            try check("attach the system bus", sd_bus_attach_event(bus, loop.event, 0))
            // Without Subscribe systemd sends no signals. What is sent after these two is handled after them.
            try check(
                "watch jobs",
                sd_bus_match_signal_async(
                    bus, nil, SystemdBus.service, SystemdBus.managerPath, SystemdBus.managerInterface, "JobRemoved",
                    { message, context, _ in
                        SystemdBus.of(context)?.jobRemoved(message)
                        return 0
                    }, nil, context))
            try check(
                "watch the bus",
                sd_bus_match_signal(
                    bus, nil, nil, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                    { _, context, _ in
                        SystemdBus.of(context)?.lost()
                        return 0
                    }, context))
            var message: OpaquePointer?
            try check(
                "subscribe",
                sd_bus_message_new_method_call(
                    bus, &message, SystemdBus.service, SystemdBus.managerPath, SystemdBus.managerInterface,
                    "Subscribe"))
            defer { sd_bus_message_unref(message) }
            try check("subscribe", sd_bus_call_async(bus, nil, message, { _, _, _ in 0 }, nil, 0))
            for watch in watches.compactMap(\.watch) { match(watch, bus) }
            return bus
        } catch {
            close()
            throw error
        }
    }

    /// A connection to a bus; the caller MUST close it.
    package static func open(_ address: String?) throws(SystemError) -> OpaquePointer? {
        var bus: OpaquePointer?
        guard let address else {
            try check("open the system bus", sd_bus_open_system(&bus))
            return bus
        }
        try check("open a bus", sd_bus_new(&bus))
        let results = [sd_bus_set_address(bus, address), sd_bus_set_bus_client(bus, 1), sd_bus_start(bus)]
        if let failed = results.first(where: { $0 < 0 }) {
            sd_bus_unref(bus)
            try check("open a bus", failed)
        }
        return bus
    }

    private func close() {
        for watch in watches.compactMap(\.watch) {
            sd_bus_slot_unref(watch.slot)
            watch.slot = nil
        }
        if let bus {
            sd_bus_detach_event(bus)
            sd_bus_close_unref(bus)
        }
        bus = nil
        isLost = false
    }

    private func lost() {
        // libsystemd is still working on it: it is closed when it is next needed.
        isLost = true
        onLost()
        for watch in watches.compactMap(\.watch) { watch.changed() }
    }

    private func jobRemoved(_ message: OpaquePointer?) {
        guard let message else { return }
        var number: UInt32 = 0
        guard sd_bus_message_read_basic(message, CChar(UInt8(ascii: "u")), &number) > 0,
            let job = readString(message, type: "o"), readString(message, type: "s") != nil,
            let result = readString(message, type: "s")
        else { return }
        onJobRemoved(job, result)
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> SystemdBus? {
        context.map { Unmanaged<SystemdBus>.fromOpaque($0).takeUnretainedValue() }
    }
}

private func check(_ operation: String, _ result: Int32) throws(SystemError) {
    if result < 0 { throw SystemError(code: -result, operation: operation) }
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

/// The next value of a message, a text of one of D-Bus's kinds.
private func readString(_ message: OpaquePointer, type: Unicode.Scalar) -> String? {
    var value: UnsafePointer<CChar>?
    guard sd_bus_message_read_basic(message, CChar(truncatingIfNeeded: type.value), &value) > 0 else { return nil }
    return text(value)
}
