// What systemd is doing with this service: a restart keeps the resources where they are, a stop hands them over, and
// both begin with the same signal.
import CLinux
import CSystemd

enum ServiceJob {
    private static let manager = "org.freedesktop.systemd1"

    /// Whether the running job of this service is a restart. False where systemd does not run it or does not answer
    /// within a second.
    static var isRestart: Bool {
        guard getenv("NOTIFY_SOCKET") != nil, let unit = unitPath, let job = jobPath(of: unit) else { return false }
        return property(job, "\(manager).Job", "JobType") == "restart"
    }

    private static func withBus<Result>(_ body: (OpaquePointer) -> Result?) -> Result? {
        guard let bus = connect() else { return nil }
        defer { sd_bus_flush_close_unref(bus) }
        sd_bus_set_method_call_timeout(bus, 1_000_000)
        return body(bus)
    }

    /// Asks systemd itself: where the bus does not run yet, its start would wait for the end of this service, which is
    /// ordered after it.
    private static func connect() -> OpaquePointer? {
        var bus: OpaquePointer?
        guard sd_bus_new(&bus) >= 0, let bus else { return nil }
        if sd_bus_set_address(bus, "unix:path=/run/systemd/private") >= 0, sd_bus_start(bus) >= 0 { return bus }
        sd_bus_unref(bus)
        return nil
    }

    /// The object of the unit that this process is the main process of.
    private static var unitPath: String? {
        withBus { bus in
            var call: OpaquePointer?
            guard sd_bus_message_new_method_call(
                bus, &call, manager, "/org/freedesktop/systemd1", "\(manager).Manager", "GetUnitByPID") >= 0,
                let call
            else { return nil }
            defer { sd_bus_message_unref(call) }
            var pid = UInt32(getpid())
            guard sd_bus_message_append_basic(call, CChar(UInt8(ascii: "u")), &pid) >= 0 else { return nil }
            var reply: OpaquePointer?
            guard sd_bus_call(bus, call, 0, nil, &reply) >= 0, let reply else { return nil }
            defer { sd_bus_message_unref(reply) }
            return text(reply, "o")
        }
    }

    /// The object of the unit's running job; nil where there is none.
    private static func jobPath(of unit: String) -> String? {
        withBus { bus in
            var reply: OpaquePointer?
            guard sd_bus_get_property(bus, manager, unit, "\(manager).Unit", "Job", nil, &reply, "(uo)") >= 0,
                let reply
            else { return nil }
            defer { sd_bus_message_unref(reply) }
            var number: UInt32 = 0
            guard sd_bus_message_enter_container(reply, CChar(UInt8(ascii: "r")), "uo") > 0,
                sd_bus_message_read_basic(reply, CChar(UInt8(ascii: "u")), &number) > 0, number != 0
            else { return nil }
            return text(reply, "o")
        }
    }

    private static func property(_ object: String, _ interface: String, _ name: String) -> String? {
        withBus { bus in
            var value: UnsafeMutablePointer<CChar>?
            guard sd_bus_get_property_string(bus, manager, object, interface, name, nil, &value) >= 0, let value else {
                return nil
            }
            defer { free(value) }
            return String(cString: value)
        }
    }

    private static func text(_ message: OpaquePointer, _ type: Character) -> String? {
        var value: UnsafePointer<CChar>?
        guard let code = type.asciiValue, sd_bus_message_read_basic(message, CChar(code), &value) > 0, let value else {
            return nil
        }
        return String(cString: value)
    }
}
