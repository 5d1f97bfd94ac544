// The lease where nftables is missing: the kernel removes an address whose lifetime has passed. Lifetimes are whole
// seconds, so that a short deadtime cannot be kept with them.
import ClusterModel
import LinuxSystem

/// A lease by the lifetimes of the addresses themselves.
package final class AddressLifetimes: AddressLease {
    package let inherited: [IPAddress] = []
    private var until = Instant.distantPast

    private let session: NetlinkSession
    private let log: (LogRecord) -> Void
    private var held: [InterfaceAddress] = []
    private var hasWarned = false

    package init(log: @escaping (LogRecord) -> Void) throws(SystemError) {
        self.log = log
        session = try NetlinkSession()
    }

    package func hold(_ addresses: [InterfaceAddress]) {
        held += addresses.filter { !held.contains($0) }
    }

    package func release(_ addresses: [IPAddress]) { held.removeAll { addresses.contains($0.address) } }

    package func renew(until: Instant, now: Instant) {
        let seconds = (until - now).wholeNanoseconds / 1_000_000_000
        guard until > now else { return }
        // What the kernel is told, so that its removal is known for what it is.
        self.until = now + .seconds(seconds)
        if held.isEmpty { return }
        guard seconds > 0 else { return warn("the lease is shorter than a second, which lifetimes cannot express") }
        do throws(SystemError) {
            let codes = try session.prolong(held, seconds: UInt32(clamping: seconds))
            if let code = codes.first(where: { $0 != 0 }) { warn(SystemError.text(code)) }
        } catch {
            warn("\(error)")
        }
    }

    package func hasRemoved(by now: Instant) -> Bool { until <= now }

    package func end() {}

    private func warn(_ reason: String) {
        if hasWarned { return }
        hasWarned = true
        let text = "addresses are not leased, a node that is stopped keeps them: \(reason)"
        log(LogRecord(.critical, "lease-failed", text))
    }
}
