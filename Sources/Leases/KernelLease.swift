// The lease as nftables enforces it.
import ClusterModel
import LinuxSystem

/// A lease in tables of the node's own. Somebody who flushes all tables of the machine takes it away for at most a
/// keepalive: the next renewal makes it again.
package final class KernelLease: AddressLease {
    private let table: LeaseTable
    private let elements: LeaseElements
    private let log: (LogRecord) -> Void
    private var held: [IPAddress] = []
    /// Not held any more, and still in the kernel's sets: that an address is leased which is not here does no harm, and
    /// nobody waits for its end. The next change takes it along.
    private var released: [IPAddress] = []
    private var until = Instant.distantPast
    private var isFailing = false
    /// From the reading of the clock until the kernel has a lease that ends by it. It takes microseconds.
    private static let latenessMax = Duration.milliseconds(1)

    /// Makes the tables, in the network namespace of the caller; throws where the kernel or the rights do not suffice.
    /// Waits for a child process.
    /// `node` tells the tables of nodes on one machine apart.
    package init(node: String, log: @escaping (LogRecord) -> Void) throws {
        let name = "heartbeat-" + String(node.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        self.log = log
        table = LeaseTable(name: name)
        elements = try LeaseElements(tableName: name)
        try table.make()
        // Whether the way that a start goes is open is known before one has to go it: with the address of nobody.
        try elements.apply(IPAddress("0.0.0.0").map { LeaseElements.Change.release($0) } ?? [])
    }

    package func hold(_ addresses: [InterfaceAddress]) {
        let added = addresses.map(\.address).filter { !held.contains($0) }
        if added.isEmpty { return }
        held += added
        released.removeAll { added.contains($0) }
        let now = Clock.now()
        apply(added.flatMap { LeaseElements.Change.hold($0) } + lease(now))
        correct(told: now)
    }

    package func release(_ addresses: [IPAddress]) {
        released += addresses
        held.removeAll { addresses.contains($0) }
    }

    package func renew(until: Instant, now: Instant) {
        self.until = until
        apply(lease(now))
        correct(told: now)
    }

    /// The kernel counts a lease from when it gets it. Where this process stood still on the way there, from an instant
    /// on, the lease would outlast the right by as much: it is given again, or ended where the right is over by now.
    private func correct(told: Instant) {
        guard told < until, !held.isEmpty else { return }
        var told = told
        while true {
            let now = Clock.now()
            if now - told <= KernelLease.latenessMax { return }
            if now >= until { return apply(families.flatMap { LeaseElements.Change.end($0) }) }
            told = now
            apply(lease(told))
        }
    }

    /// The changes that have the lease run to its end from now; none where nothing is held or it is over.
    private func lease(_ now: Instant) -> [LeaseElements.Change] {
        // Rounded down, and the kernel rounds up by no more than one of its ticks.
        let milliseconds = (until - now).wholeNanoseconds / 1_000_000
        guard milliseconds > 0 else { return [] }
        return families.flatMap { LeaseElements.Change.lease($0, milliseconds: UInt64(milliseconds)) }
    }

    /// Those of what is held.
    private var families: [LeaseElements.Family] {
        var families: [LeaseElements.Family] = []
        if held.contains(where: { !$0.isIPv6 }) { families += [.ipv4, .arp] }
        if held.contains(where: \.isIPv6) { families.append(.ipv6) }
        return families
    }

    /// Addresses stay where they are, and are silent.
    package func hasRemoved(by now: Instant) -> Bool { false }

    package func end() {
        guard held.isEmpty else { return }
        do throws(LeaseError) { try table.delete() } catch {
            log(LogRecord(.warning, "lease-tables", "the lease's tables stay behind: \(error)"))
        }
    }

    private func apply(_ changes: [LeaseElements.Change]) {
        let outdated = released
        released = []
        do throws(SystemError) {
            try elements.apply(changes + outdated.flatMap { LeaseElements.Change.release($0) })
            isFailing = false
        } catch {
            restore(after: error)
        }
    }

    private func restore(after error: SystemError) {
        do {
            try table.make()
            try elements.apply(held.flatMap { LeaseElements.Change.hold($0) } + lease(Clock.now()))
            log(LogRecord(.warning, "lease-restored", "the lease's tables were removed by somebody else: made again"))
            isFailing = false
        } catch let second {
            if !isFailing { log(LogRecord(.critical, "lease-failed", "\(error); \(second): addresses are not leased")) }
            isFailing = true
        }
    }
}
