// Brings addresses up and takes them down, many in one step and without another process, and keeps those that the
// cluster holds here: what somebody else removes is put back at once.
import CLinux
import ClusterModel
import LinuxSystem
import Leases
import Reactor

/// The addresses of this node's groups.
package final class AddressKeeper {
    /// An address is put back this often within `putBackWindow`; then somebody wants it gone, and it is given up.
    private static let putBackMax = 5
    private static let putBackWindow: Duration = .seconds(10)

    private struct Held {
        var group: String
        var address: InterfaceAddress
        var putBacks: [Instant] = []

        var place: PlacedAddress { PlacedAddress(address: address.address, interface: address.interface) }
    }

    /// What makes neighbours forget or mistake an interface.
    private struct LinkState: Equatable {
        var isRunning: Bool
        var hardwareAddress: MACAddress?
    }

    /// Called with a group and a reason when an address that it holds is gone and cannot be put back.
    package var onLost: (String, String) -> Void = { _, _ in }

    private let session: NetlinkSession
    private let monitor: NetworkMonitor
    private let announcer: Announcer
    private let conflicts: ConflictWatch
    private let log: (LogRecord) -> Void
    /// Ends with this node's right to hold anything; nil where it is switched off.
    private let lease: (any AddressLease)?
    private var held: [Held] = []
    private var links: [UInt32: LinkState] = [:]
    private var source: EventSource?

    package init(
        loop: EventLoop, lease: (any AddressLease)? = nil, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.log = log
        self.lease = lease
        session = try NetlinkSession()
        monitor = try NetworkMonitor(addresses: true)
        announcer = try Announcer(loop: loop, session: session, log: log)
        conflicts = ConflictWatch(loop: loop, session: session, log: log)
        source = try loop.onReadable(monitor.raw) { [unowned self] in takeEvents() }
        conflicts.onConflict = { [unowned self] place in announcer.announce([place]) }
    }

    // MARK: Operations

    /// Adds addresses that are not there and announces them. Returns an outcome for each. Does not wait for anything.
    package func start(_ specifications: [AddressSpecification]) -> [ResourceOutcome] {
        withTables(specifications.count, placing: specifications) { tables in
            var outcomes = [ResourceOutcome](repeating: .done, count: specifications.count)
            var wanted: [(Int, InterfaceAddress)] = []
            for (index, specification) in specifications.enumerated() {
                switch tables.place(specification) {
                case .success(let address): wanted.append((index, address))
                case .failure(let error): outcomes[index] = .failed(error.reason)
                }
            }
            do throws(SystemError) {
                try prepare(wanted.map(\.1), tables)
                // What is there and not used, because the kernel found the address taken, is put there anew.
                let unusable = wanted.filter { index, _ in
                    tables.find(specifications[index]).contains { $0.isDuplicate }
                }
                _ = try session.remove(unusable.map(\.1))
                lease?.hold(wanted.map(\.1))
                let results = try session.add(wanted.map(\.1))
                var up: [PlacedAddress] = []
                for ((index, address), code) in zip(wanted, results) {
                    let name = tables.describe(address)
                    switch code {
                    case 0, EEXIST:
                        up.append(PlacedAddress(address: address.address, interface: address.interface))
                        if code == EEXIST { log(LogRecord(.info, "address-present", "\(name) was there already")) }
                    default:
                        lease?.release([address])
                        outcomes[index] = .failed("add \(name): \(SystemError.text(code))")
                    }
                }
                announcer.announce(up)
                conflicts.watch(up)
            } catch {
                for (index, _) in wanted { outcomes[index] = .failed("\(error)") }
            }
            return outcomes
        }
    }

    /// Removes addresses, each from where it is; what is not there needs no removal. Returns an outcome for each.
    package func stop(_ specifications: [AddressSpecification]) -> [ResourceOutcome] {
        withTables(specifications.count) { tables in
            var outcomes = [ResourceOutcome](repeating: .done, count: specifications.count)
            var present: [(Int, InterfaceAddress)] = []
            for (index, specification) in specifications.enumerated() {
                present += tables.find(specification).map { (index, $0) }
            }
            let places = present.map { PlacedAddress(address: $0.1.address, interface: $0.1.interface) }
            announcer.drop(places)
            conflicts.drop(places)
            release(specifications.map(\.address))
            do throws(SystemError) {
                // Backwards, so that the kernel need not promote one secondary address after the other.
                let backwards = Array(present.reversed())
                var removed: [InterfaceAddress] = []
                for ((index, address), code) in zip(backwards, try session.remove(backwards.map(\.1))) {
                    if code == 0 || code == EADDRNOTAVAIL || code == ENODEV {
                        removed.append(address)
                    } else {
                        outcomes[index] = .failed("remove \(tables.describe(address)): \(SystemError.text(code))")
                    }
                }
                lease?.release(removed)
            } catch {
                for (index, _) in present { outcomes[index] = .failed("\(error)") }
            }
            return outcomes
        }
    }

    /// Whether each address is there and usable.
    package func status(_ specifications: [AddressSpecification]) -> [ResourceOutcome] {
        withTables(specifications.count) { tables in
            specifications.map { specification in
                tables.find(specification).contains { !$0.isDuplicate } ? .running : .stopped
            }
        }
    }

    /// Puts these addresses back from now on when somebody removes them, until they are stopped; announces them where
    /// `announce`. One that is missing by now is put back at once.
    package func hold(_ specifications: [AddressSpecification], group: String, announce: Bool) {
        for (specification, outcome) in zip(specifications, status(specifications)) where outcome != .running {
            if let reason = start([specification])[0].failure { onLost(group, reason) }
        }
        do throws(SystemError) {
            let tables = try AddressTables(session)
            release(specifications.map(\.address))
            let found = specifications.flatMap { tables.find($0) }
            lease?.hold(found)
            held += found.map { Held(group: group, address: $0) }
            noteLinks(tables.interfaces)
            if announce {
                announcer.announce(found.map { PlacedAddress(address: $0.address, interface: $0.interface) })
            }
        } catch {
            onLost(group, "the addresses cannot be watched: \(error)")
        }
    }

    /// The node may hold its addresses until then.
    package func renew(until: Instant, now: Instant) { lease?.renew(until: until, now: now) }

    /// The daemon ends.
    package func end() { lease?.end() }

    private func release(_ addresses: [IPAddress]) {
        let released = Set(addresses)
        held.removeAll { released.contains($0.address.address) }
    }

    private func withTables(
        _ count: Int, placing specifications: [AddressSpecification] = [], _ body: (AddressTables) -> [ResourceOutcome]
    ) -> [ResourceOutcome] {
        do throws(SystemError) {
            return body(try AddressTables(session, placing: specifications))
        } catch {
            return [ResourceOutcome](repeating: .unknown("\(error)"), count: count)
        }
    }

    /// Makes interfaces ready to carry the addresses: switched on, and keeping the other addresses of a network when
    /// the first of it is removed, which Linux otherwise does not.
    private func prepare(_ addresses: [InterfaceAddress], _ tables: AddressTables) throws(SystemError) {
        for interface in tables.interfaces {
            let here = addresses.filter { $0.interface == interface.index }
            if here.isEmpty { continue }
            if !interface.isUp {
                log(LogRecord(.info, "interface-up", "switching \(interface.name) on"))
                try session.switchOn(interface.index)
            }
            if here.contains(where: { !$0.address.isIPv6 }) {
                Sysctl.set("net/ipv4/conf/\(interface.name)/promote_secondaries", "1")
            }
        }
    }

    // MARK: What the kernel tells

    private func takeEvents() {
        do throws(SystemError) {
            for event in try monitor.events() {
                switch event {
                case .address(let event): changed(event)
                case .link(let event): changed(event)
                case .overrun: try checkAll()
                }
            }
        } catch {
            log(LogRecord(.error, "netlink", "\(error)"))
        }
    }

    private func changed(_ event: AddressEvent) {
        guard let index = held.firstIndex(where: { isSame($0.address, event.address) }) else { return }
        if event.isRemoved, lease?.hasRemoved(by: Clock.now()) == true {
            lose(index, "\(event.address.address) has outlived this node's right to hold it")
        } else if event.isRemoved {
            putBack(index)
        } else if event.address.isDuplicate {
            lose(index, "another machine on the link uses \(event.address.address)")
        }
    }

    private func isSame(_ a: InterfaceAddress, _ b: InterfaceAddress) -> Bool {
        a.interface == b.interface && a.address == b.address && a.prefixLength == b.prefixLength
    }

    private func putBack(_ index: Int) {
        let now = Clock.now()
        held[index].putBacks.removeAll { now - $0 > AddressKeeper.putBackWindow }
        let entry = held[index]
        let name = "\(entry.address.address)/\(entry.address.prefixLength)"
        if entry.putBacks.count >= AddressKeeper.putBackMax {
            return lose(index, "\(name) is removed again and again")
        }
        held[index].putBacks.append(now)
        do throws(SystemError) {
            switch try session.add([entry.address]).first {
            case 0, nil: break
            case EEXIST: return  // The event is older than what we hold.
            case .some(let code): return lose(index, "\(name) was removed: \(SystemError.text(code))")
            }
        } catch {
            return lose(index, "\(name) was removed: \(error)")
        }
        log(
            LogRecord(
                .warning, "address-restored", "\(name) was removed by somebody else: put back",
                [Setting(name: "GROUP", value: entry.group)]))
        announcer.announce([entry.place])
    }

    private func lose(_ index: Int, _ reason: String) {
        let entry = held.remove(at: index)
        announcer.drop([entry.place])
        log(LogRecord(.error, "address-lost", reason, [Setting(name: "GROUP", value: entry.group)]))
        onLost(entry.group, reason)
    }

    private func changed(_ event: LinkEvent) {
        let interface = event.interface
        guard !event.isRemoved, let before = links[interface.index] else {
            links[interface.index] = nil
            return
        }
        noteLinks([interface])
        let moved = before.hardwareAddress != interface.hardwareAddress
        if interface.isRunning && (!before.isRunning || moved) {
            announcer.announce(held.filter { $0.address.interface == interface.index }.map(\.place))
        }
    }

    /// Remembers how the interfaces of held addresses are.
    private func noteLinks(_ interfaces: [NetworkInterface]) {
        for interface in interfaces where held.contains(where: { $0.address.interface == interface.index }) {
            links[interface.index] = LinkState(
                isRunning: interface.isRunning, hardwareAddress: interface.hardwareAddress)
        }
    }

    /// After lost events: compares everything held with what is there.
    private func checkAll() throws(SystemError) {
        let present = try session.addresses()
        for index in held.indices.reversed() where !present.contains(where: { isSame($0, held[index].address) }) {
            putBack(index)
        }
    }
}
