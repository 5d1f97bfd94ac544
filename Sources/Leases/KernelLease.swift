// The lease as nftables enforces it.
import CLinux
import ClusterModel
import LinuxSystem

/// A lease in tables of the node's own. Somebody who flushes all tables of the machine, or changes these, takes it away
/// for at most a keepalive: the next renewal makes it again. The kernel refuses a renewal where any rule of the machine
/// was changed since the last one, so that nobody has to ask before each whether the tables are as they were.
package final class KernelLease: AddressLease {
    package let inherited: [IPAddress]
    private let table: LeaseTable
    private let elements: LeaseElements
    private let log: (LogRecord) -> Void
    private var held: [IPAddress] = []
    /// Not held any more, and still in the kernel's sets: that an address is leased which is not here does no harm, and
    /// nobody waits for its end. The next change takes it along.
    private var released: [IPAddress] = []
    private var until = Instant.distantPast
    private var isFailing = false
    /// The tables' rules as they were made; nil where that is not known.
    private var intact: [[UInt8]]?
    /// Looks at rules that somebody else changes meanwhile.
    private static let looksMax = 3
    /// From the reading of the clock until the kernel has a lease that ends by it. It takes microseconds.
    private static let latenessMax = Duration.milliseconds(1)

    /// Makes the tables, in the network namespace of the caller; throws where the kernel or the rights do not suffice.
    /// Waits for a child process.
    /// `node` tells the tables of nodes on one machine apart.
    package init(node: String, log: @escaping (LogRecord) -> Void) throws {
        let name = KernelLease.tableName(node)
        self.log = log
        table = LeaseTable(name: name)
        elements = try LeaseElements(tableName: name)
        // Whether the way that a start goes is open is known before one has to go it: with the address of nobody.
        let trial = IPAddress("0.0.0.0").map { LeaseElements.Change.release($0) } ?? []
        do {
            try table.make()
            try elements.apply(trial)
        } catch {
            // Those of an earlier daemon do as well, and would silence for ever what nobody leases in them.
            do { try elements.apply(trial) } catch let second { throw second.code == ENOENT ? error : second }
            log(LogRecord(.warning, "lease-tables", "an earlier daemon's tables lease addresses: \(error)"))
        }
        inherited = (try? elements.heldAddresses()) ?? []
        noteRules()
    }

    /// Removes what an earlier daemon of a node that is to lease nothing has left: addresses in it would fall silent.
    package static func remove(node: String) throws(SystemError) {
        try LeaseElements(tableName: tableName(node)).deleteTables()
    }

    private static func tableName(_ node: String) -> String {
        "heartbeat-" + String(node.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    /// The tables are as they should be.
    private func noteRules() {
        elements.generation = try? elements.currentGeneration()
        intact = try? elements.rules()
        if intact == nil { elements.generation = nil }
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
        elements.generation = nil
        do throws(SystemError) { try elements.deleteTables() } catch {
            log(LogRecord(.warning, "lease-tables", "the lease's tables stay behind: \(error)"))
        }
    }

    private func apply(_ changes: [LeaseElements.Change]) {
        let changes = changes + released.flatMap { LeaseElements.Change.release($0) }
        released = []
        do throws(SystemError) {
            do throws(SystemError) {
                try elements.apply(changes)
            } catch {
                if error.code != ERESTART { throw error }
                try applyAnew(changes)
            }
            isFailing = false
        } catch {
            restore(after: error, changes)
        }
    }

    /// Somebody has changed rules of this machine, most often some of his own. Throws where the lease's are not what
    /// they were; their elements are put there again whatever has become of them.
    private func applyAnew(_ changes: [LeaseElements.Change]) throws(SystemError) {
        let changes = holdings + changes
        for _ in 1...KernelLease.looksMax {
            do throws(SystemError) {
                elements.generation = try elements.currentGeneration()
                guard try elements.rules() == intact else {
                    throw SystemError(code: ESTALE, operation: "compare the lease's rules")
                }
                return try elements.apply(changes)
            } catch {
                if error.code != ERESTART { throw error }
            }
        }
        // Looked at again with the next change.
        let outdated = elements.generation
        elements.generation = nil
        defer { elements.generation = outdated }
        try elements.apply(changes)
    }

    private var holdings: [LeaseElements.Change] { held.flatMap { LeaseElements.Change.hold($0) } }

    private func restore(after error: SystemError, _ changes: [LeaseElements.Change]) {
        let outdated = elements.generation
        elements.generation = nil
        do {
            try table.make(afresh: true)
            try elements.apply(holdings + lease(Clock.now()))
            noteRules()
            log(LogRecord(
                .warning, "lease-restored",
                "the lease's tables were removed or changed by somebody else: made again"))
            isFailing = false
        } catch let second {
            // Whatever is left of them must not silence what this node may hold.
            try? elements.apply(holdings + changes)
            elements.generation = outdated
            if !isFailing { log(LogRecord(.critical, "lease-failed", "\(error); \(second): addresses are not leased")) }
            isFailing = true
        }
    }
}
