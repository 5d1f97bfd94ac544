// sd-event in Swift: descriptors, timers, signals and children of one thread. A source lives as long as its handle.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem

/// One event loop of one thread. Callbacks run one at a time, in `run`.
package final class EventLoop {
    package let event: OpaquePointer

    package init() throws(SystemError) {
        var event: OpaquePointer?
        let result = sd_event_new(&event)
        guard result >= 0, let event else { throw SystemError(code: -result, operation: "sd_event_new") }
        self.event = event
    }

    deinit { sd_event_unref(event) }

    /// Runs callbacks until `stop`. Returns the code that `stop` was given.
    package func run() throws(SystemError) -> Int32 {
        let result = sd_event_loop(event)
        if result < 0 { throw SystemError(code: -result, operation: "sd_event_loop") }
        return result
    }

    /// Ends `run` after the callback that is running now.
    package func stop(code: Int32 = 0) { sd_event_exit(event, code) }

    /// Has systemd's watchdog fed from this loop when systemd asked for it (WATCHDOG_USEC).
    package func feedServiceWatchdog() { sd_event_set_watchdog(event, 1) }

    /// Calls back while the descriptor is readable. The descriptor stays the caller's and MUST outlive the source.
    package func onReadable(
        _ descriptor: Int32, priority: Int64 = 0, _ body: @escaping () -> Void
    ) throws(SystemError) -> EventSource {
        try onReady(descriptor, events: UInt32(EPOLLIN.rawValue), priority: priority) { _ in body() }
    }

    /// Calls back with the epoll bits that are set, while one of `events` holds.
    package func onReady(
        _ descriptor: Int32, events: UInt32, priority: Int64 = 0, _ body: @escaping (UInt32) -> Void
    ) throws(SystemError) -> EventSource {
        try EventSource(priority: priority, operation: "sd_event_add_io", Callback(body)) { source, context in
            sd_event_add_io(event, &source, descriptor, events, { _, _, bits, context in
                Callback<(UInt32) -> Void>.of(context).body(bits)
                return 0
            }, context)
        }
    }

    /// Calls back once at an instant of `Clock.now()`; `EventSource.schedule` arms it again.
    package func onTime(
        _ at: Instant, priority: Int64 = 0, _ body: @escaping () -> Void
    ) throws(SystemError) -> EventSource {
        try EventSource(priority: priority, operation: "sd_event_add_time", Callback(body)) { source, context in
            // Accuracy 0 would mean 250 ms.
            sd_event_add_time(event, &source, CLOCK_BOOTTIME, EventLoop.microseconds(at), 1, { _, _, context in
                Callback<() -> Void>.of(context).body()
                return 0
            }, context)
        }
    }

    /// Calls back for each arrival of a signal, which this blocks first.
    package func onSignal(_ signal: Int32, _ body: @escaping () -> Void) throws(SystemError) -> EventSource {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, signal)
        sigprocmask(SIG_BLOCK, &set, nil)
        return try EventSource(priority: 0, operation: "sd_event_add_signal", Callback(body)) { source, context in
            sd_event_add_signal(event, &source, signal, { _, _, context in
                Callback<() -> Void>.of(context).body()
                return 0
            }, context)
        }
    }

    /// Calls back once with the wait status of a child that ended; the child is reaped. Blocks SIGCHLD first.
    package func onChildExit(_ pid: pid_t, _ body: @escaping (ChildStatus) -> Void) throws(SystemError) -> EventSource {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGCHLD)
        sigprocmask(SIG_BLOCK, &set, nil)
        return try EventSource(priority: 0, operation: "sd_event_add_child", Callback(body)) { source, context in
            sd_event_add_child(event, &source, pid, WEXITED, { _, info, context in
                guard let info else { return 0 }
                let code = info.pointee._sifields._sigchld.si_status
                let exited = info.pointee.si_code == Int32(CLD_EXITED)
                Callback<(ChildStatus) -> Void>.of(context).body(exited ? .exited(code) : .killed(signal: code))
                return 0
            }, context)
        }
    }

    fileprivate static func microseconds(_ at: Instant) -> UInt64 { UInt64(max(0, at.nanoseconds) / 1000) }
}

/// Keeps a callback alive for C.
private final class Callback<Body> {
    let body: Body

    init(_ body: Body) { self.body = body }

    static func of(_ context: UnsafeMutableRawPointer?) -> Callback<Body> {
        guard let context else { preconditionFailure("an event source without its callback") }
        return Unmanaged<Callback<Body>>.fromOpaque(context).takeUnretainedValue()
    }
}

/// A source of an event loop; disabled and dropped with its last reference.
package final class EventSource {
    private let source: OpaquePointer

    fileprivate init<Body>(
        priority: Int64, operation: String, _ callback: Callback<Body>,
        _ add: (inout OpaquePointer?, UnsafeMutableRawPointer) -> Int32
    ) throws(SystemError) {
        let retained = Unmanaged.passRetained(callback)
        var source: OpaquePointer?
        let result = add(&source, retained.toOpaque())
        guard result >= 0, let source else {
            retained.release()
            throw SystemError(code: -result, operation: operation)
        }
        sd_event_source_set_destroy_callback(source) { context in
            guard let context else { return }
            Unmanaged<AnyObject>.fromOpaque(context).release()
        }
        if priority != 0 { sd_event_source_set_priority(source, priority) }
        self.source = source
    }

    deinit { sd_event_source_disable_unref(source) }

    /// Arms a timer for one more call at an instant.
    package func schedule(_ at: Instant) {
        sd_event_source_set_time(source, EventLoop.microseconds(at))
        sd_event_source_set_enabled(source, Int32(SD_EVENT_ONESHOT))
    }

    /// Changes the epoll bits that a descriptor's source waits for.
    package func watch(_ events: UInt32) { sd_event_source_set_io_events(source, events) }

    package func disable() { sd_event_source_set_enabled(source, Int32(SD_EVENT_OFF)) }
    package func enable() { sd_event_source_set_enabled(source, Int32(SD_EVENT_ON)) }
}
