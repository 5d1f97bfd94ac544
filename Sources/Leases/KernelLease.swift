// The lease as nftables enforces it.
import ClusterModel
import LinuxSystem

/// A lease in tables of the node's own. Somebody who flushes all tables of the machine takes it away for at most a
/// keepalive: the next renewal makes it again.
package final class KernelLease: AddressLease {
    private let table: LeaseTable
    private let renewal: LeaseRenewal
    private let log: (LogRecord) -> Void
    private var held: [IPAddress] = []
    private var until = Instant.distantPast
    private var isFailing = false

    /// Makes the tables, in the network namespace of the caller; throws where the kernel or the rights do not suffice.
    /// `node` tells the tables of nodes on one machine apart.
    package init(node: String, log: @escaping (LogRecord) -> Void) throws {
        let name = "heartbeat-" + String(node.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        self.log = log
        table = try LeaseTable(name: name)
        renewal = try LeaseRenewal(tableName: name)
    }

    package func hold(_ addresses: [InterfaceAddress]) {
        let added = addresses.map(\.address).filter { !held.contains($0) }
        if added.isEmpty { return }
        held += added
        attempt("hold") { try table.add(added) }
        renew(until: until, now: Clock.now())
    }

    package func release(_ addresses: [InterfaceAddress]) {
        let released = addresses.map(\.address)
        held.removeAll { released.contains($0) }
        attempt("release") { try table.remove(released) }
    }

    package func renew(until: Instant, now: Instant) {
        self.until = until
        // Rounded down, and the kernel rounds up by no more than one of its ticks: the margin has room for ten.
        let milliseconds = (until - now).wholeNanoseconds / 1_000_000
        guard milliseconds > 0, !held.isEmpty else { return }
        var families: [LeaseRenewal.Family] = []
        if held.contains(where: { !$0.isIPv6 }) { families += [.ipv4, .arp] }
        if held.contains(where: \.isIPv6) { families.append(.ipv6) }
        do throws(SystemError) {
            try renewal.renew(families, milliseconds: UInt64(milliseconds))
            isFailing = false
        } catch {
            restore(after: error, families, UInt64(milliseconds))
        }
    }

    /// Addresses stay where they are, and are silent.
    package func hasRemoved(by now: Instant) -> Bool { false }

    package func end() {
        if held.isEmpty { attempt("remove") { try table.delete() } }
    }

    private func restore(after error: SystemError, _ families: [LeaseRenewal.Family], _ milliseconds: UInt64) {
        do {
            try table.make()
            try table.add(held)
            try renewal.renew(families, milliseconds: milliseconds)
            log(LogRecord(.warning, "lease-restored", "the lease's tables were removed by somebody else: made again"))
            isFailing = false
        } catch let second {
            if !isFailing { log(LogRecord(.critical, "lease-failed", "\(error); \(second): addresses are not leased")) }
            isFailing = true
        }
    }

    private func attempt(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch {
            // A table that somebody removed is made again with the next renewal.
            log(LogRecord(.warning, "lease-change", "lease: \(what): \(error)"))
        }
    }
}
