// The kernel's tables of interfaces and addresses, read once and then kept by its word of each change: who starts or
// stops an address waits for no reading of tables.
import ClusterModel
import LinuxSystem
import Reactor

/// The interfaces and addresses of one network namespace.
///
/// The kernel tells of a change before the call that makes it returns. So what is kept is what a reading would give as
/// soon as everything told until now is taken in, which `current` does each time. It is not trusted, and read anew,
/// before the first reading, after events were lost, after a reading that changes have interrupted, after `distrust`,
/// and where IPv6 addresses are asked about: the kernel tells of a new one of them some time after it is there.
final class KernelTables {
    /// Called with what has happened, in order, from the loop and soon after it did.
    var onEvents: ([NetworkEvent]) -> Void = { _ in }

    let session: NetlinkSession
    private let monitor: NetworkMonitor
    private let log: (LogRecord) -> Void
    /// nil: not to be trusted.
    private var kept: AddressTables?
    /// Taken in and not handed to `onEvents` yet.
    private var untold: [NetworkEvent] = []
    private var arrival: EventSource?
    private var telling: EventSource?

    /// Of the caller's network namespace.
    init(loop: EventLoop, session: NetlinkSession, log: @escaping (LogRecord) -> Void) throws(SystemError) {
        self.session = session
        self.log = log
        monitor = try NetworkMonitor(addresses: true)
        arrival = try loop.onReadable(monitor.raw) { [unowned self] in
            take { () throws(SystemError) in try monitor.events() }
            tell()
        }
        telling = try loop.onTime(.distantFuture) { [unowned self] in tell() }
    }

    /// The interfaces as they are now, and what the kernel has of the addresses `about`; with the routes, which are not
    /// kept, where these are to be placed and one of them needs them.
    func current(
        about specifications: [AddressSpecification] = [], placing: Bool = false
    ) throws(SystemError) -> AddressTables {
        if specifications.contains(where: \.address.isIPv6) { kept = nil }
        let isQuiet = untold.isEmpty
        take { () throws(SystemError) in try monitor.allEvents() }
        if isQuiet, !untold.isEmpty { telling?.schedule(Clock.now()) }
        var tables: AddressTables
        if let kept { tables = kept } else { tables = try read() }
        if placing, AddressTables.needsRoutes(specifications) { tables.routes = try session.routes() }
        return tables
    }

    /// The kernel has refused what was asked of it by these tables, or much hangs on the answer to what comes next.
    func distrust() { kept = nil }

    private func read() throws(SystemError) -> AddressTables {
        let interruptedCount = session.interruptedCount
        let tables = AddressTables(interfaces: try session.interfaces(), addresses: try session.addresses())
        if session.interruptedCount == interruptedCount { kept = tables }
        return tables
    }

    private func take(_ events: () throws(SystemError) -> [NetworkEvent]) {
        do throws(SystemError) {
            for event in try events() {
                if event == .overrun { kept = nil } else { kept?.apply(event) }
                untold.append(event)
            }
        } catch {
            kept = nil
            log(LogRecord(.error, "netlink", "\(error)"))
        }
    }

    private func tell() {
        if untold.isEmpty { return }
        let events = untold
        untold.removeAll(keepingCapacity: true)
        onEvents(events)
    }
}
