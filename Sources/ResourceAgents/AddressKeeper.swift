// Brings addresses up and takes them down, many in one step and without another process, and keeps those that the
// cluster holds here: what somebody else removes is put back at once.
import CLinux
import ClusterModel
import LinuxSystem
import Leases
import Reactor

/// The addresses of this node's groups. `AddressKeeper+Watching.swift` has what others do to them.
package final class AddressKeeper {
    struct Held {
        var group: String
        var address: InterfaceAddress
        var putBacks: [Instant] = []
        /// The same address in other forms that somebody else added meanwhile: they go with this one.
        var copies: [InterfaceAddress] = []

        var place: PlacedAddress { PlacedAddress(address: address.address, interface: address.interface) }
    }

    /// What makes neighbours forget or mistake an interface.
    struct LinkState: Equatable {
        var name: String
        var isRunning: Bool
        var hardwareAddress: MACAddress?
    }

    /// Called with a group and a reason when an address that it holds is gone and cannot be put back.
    package var onLost: (String, String) -> Void = { _, _ in }
    /// Called with a group and what another machine does to its address; the address stays here.
    package var onContest: (String, AddressContest) -> Void = { _, _ in }
    /// How long other machines have for an answer before a cold start brings an address up; nil: they are not asked,
    /// here and after any other start.
    package var probeTime: Duration? = .milliseconds(50)

    /// From the return of a link to the announcement of the addresses on it. It may have joined two parts of the
    /// cluster of which both have an address: neighbours that know the other owner must not be turned to the one that
    /// has yet to hear that it gives up. None of them needs it sooner, for none has forgotten this machine.
    package var linkPause = Duration.zero

    /// When the kernel had confirmed the addresses of the last start, and when they were announced.
    private(set) var lastStart: (confirmed: Instant, announced: Instant)?

    /// What becomes of the TCP connections of addresses that are given up.
    package var connections = ConnectionPolicy.keep

    let session: NetlinkSession
    let tables: KernelTables
    let announcer: Announcer
    let conflicts: ConflictWatch
    let log: (LogRecord) -> Void
    /// Ends with this node's right to hold anything; nil where it is switched off.
    let lease: (any AddressLease)?
    var held: [Held] = []
    var links: [UInt32: LinkState] = [:]
    /// By interface: its link has come back, and what it holds is to be announced.
    var returns: [UInt32: EventSource] = [:]
    /// Addresses whose next start is a cold one.
    private var cold: Set<IPAddress> = []
    let loop: EventLoop
    private var refresh: EventSource?
    private var refreshInterval: Duration?

    package init(
        loop: EventLoop, lease: (any AddressLease)? = nil, log: @escaping (LogRecord) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.log = log
        self.lease = lease
        session = try NetlinkSession()
        tables = try KernelTables(loop: loop, session: session, log: log)
        announcer = try Announcer(loop: loop, tables: tables, log: log)
        conflicts = ConflictWatch(loop: loop, session: session, log: log)
        tables.onEvents = { [unowned self] events in take(events) }
        conflicts.onDefend = { [unowned self] place in announcer.repeatOnce([place]) }
        conflicts.onContest = { [unowned self] contest in tell(contest) }
        rehearse()
    }

    /// Goes the way of a start once, with the address of nobody and for an interface that there cannot be. Code that
    /// runs for the first time is slow: the first takeover in a daemon's life is often its last, and somebody waits.
    private func rehearse() {
        guard let nobody = IPAddress("0.0.0.0"), let tables = try? tables.current() else { return }
        var outcomes = [ResourceOutcome.done]
        let address = InterfaceAddress(interface: 0, address: nobody, prefixLength: 32)
        // There are kernels that say to it that it is done.
        _ = try? bringUp([(0, address)], instead: [], asking: false, tables, &outcomes)
        lastStart = nil
        lease?.release([address.address])
        if let name = tables.interfaces.values.first?.name,
            let specification = try? AddressSpecification(argument: "\(nobody)/32/\(name)")
        {
            _ = tables.place(specification)
        }
        // Has the lease forget it now, and not with the next renewal.
        lease?.renew(until: .distantPast, now: Clock.now())
        announcer.rehearse(nobody)
    }

    /// Whether the next start of these addresses is a cold one: nobody is known to have had them just before, so
    /// another machine that answers for one is not a node that dies or hands over.
    package func expectStart(_ specifications: [AddressSpecification], isCold: Bool) {
        let addresses = specifications.map(\.address)
        if isCold { cold.formUnion(addresses) } else { cold.subtract(addresses) }
    }

    /// Announces as ha.cf says from now on.
    package func configure(_ policy: AnnouncementPolicy) {
        announcer.configure(policy)
        refreshInterval = policy.refresh
        refresh = nil
        scheduleRefresh()
    }

    private func scheduleRefresh() {
        guard let refreshInterval else { return }
        let due = Clock.now() + refreshInterval
        if let refresh { return refresh.schedule(due) }
        refresh = try? loop.onTime(due, priority: 10) { [unowned self] in
            if !held.isEmpty { announcer.repeatOnce(held.map(\.place)) }
            scheduleRefresh()
        }
    }

    /// Ends the connections of addresses that go. The other ends are told of it as long as the addresses are here.
    private func endConnections(_ addresses: [InterfaceAddress], _ verb: String) {
        if addresses.isEmpty { return }
        do throws(SystemError) {
            let count = try SocketDiagnosis().endConnections(of: Set(addresses.map(\.address)))
            if count > 0 { log(LogRecord(.info, "connections-ended", "\(count) connections were \(verb)")) }
        } catch {
            log(LogRecord(.warning, "connections-ended", "connections are not \(verb): \(error)"))
        }
    }

    // MARK: Operations

    /// Starts addresses as below; in a cold start only when no other machine answers for one of them in `probeTime`.
    /// Then `completion` is called later and what is returned can be cancelled; else nil.
    package func start(
        _ specifications: [AddressSpecification], completion: @escaping ([ResourceOutcome]) -> Void
    ) -> (any RunningOperation)? {
        let isCold = specifications.contains { cold.contains($0.address) }
        expectStart(specifications, isCold: false)
        if isCold, let probeTime, let places = askable(specifications) {
            let asked = conflicts.ask(places, time: probeTime) { [self] claims, isCancelled in
                if isCancelled {
                    completion(specifications.map { _ in .failed("ended early") })
                } else if claims.isEmpty {
                    completion(start(specifications, asking: true))
                } else {
                    completion(specifications.map { outcome($0, claims) })
                }
            }
            if let asked { return asked }
        }
        completion(start(specifications))
        return nil
    }

    /// Where the addresses are to be that are not here yet, on interfaces that can be asked; nil where there are none.
    private func askable(_ specifications: [AddressSpecification]) -> [PlacedAddress]? {
        do throws(SystemError) {
            let tables = try tables.current(about: specifications, placing: true)
            let places = specifications.compactMap { specification -> PlacedAddress? in
                guard case .success(let address) = tables.place(specification),
                    let interface = tables.interfaces[address.interface], interface.announces, interface.isRunning,
                    tables.forms(of: address.address).allSatisfy(\.isDuplicate)
                else { return nil }
                return PlacedAddress(address: address.address, interface: address.interface)
            }
            return places.isEmpty ? nil : places
        } catch {
            return nil
        }
    }

    /// Of a start that did not take place: the addresses that are free are not there either.
    private func outcome(
        _ specification: AddressSpecification, _ claims: [PlacedAddress: ForeignClaim]
    ) -> ResourceOutcome {
        let claim = claims.values.first { $0.place.address == specification.address }
        guard let claim else { return .stopped }
        return .failed(
            "\(claim.place.address) is in use on the link of \(claim.interface): \(claim.hardware.machine) answers for "
                + "it. It was not taken; free it there, then say hb cleanup")
    }

    /// Adds addresses that are not there and announces them. Returns an outcome for each. Does not wait for anything.
    /// `asking`: the kernel goes on asking for IPv6 addresses while they are in use. Not after a node that dies or
    /// hands over: what it still answers would cost the address.
    package func start(_ specifications: [AddressSpecification], asking: Bool = false) -> [ResourceOutcome] {
        withTables(specifications, placing: true) { tables throws(SystemError) in
            var outcomes = [ResourceOutcome](repeating: .done, count: specifications.count)
            var wanted: [(Int, InterfaceAddress)] = []
            for (index, specification) in specifications.enumerated() {
                switch tables.place(specification) {
                case .success(let address): wanted.append((index, address))
                case .failure(let error): outcomes[index] = .failed(error.reason)
                }
            }
            // What is there and not used, because the kernel found the address taken, is put there anew.
            let unusable = wanted.filter { index, _ in
                present(specifications[index], tables).contains { $0.isDuplicate }
            }
            do throws(SystemError) {
                let up = try bringUp(wanted, instead: unusable.map(\.1), asking: asking, tables, &outcomes)
                conflicts.watch(up, asking: probeTime != nil)
            } catch {
                for (index, _) in wanted { outcomes[index] = .failed("\(error)") }
            }
            return outcomes
        }
    }

    /// Adds and announces addresses, each with the place of its outcome, which is set where it fails. Returns those
    /// that are there. `unusable` are removed before.
    private func bringUp(
        _ places: [(Int, InterfaceAddress)], instead unusable: [InterfaceAddress], asking: Bool,
        _ tables: AddressTables, _ outcomes: inout [ResourceOutcome]
    ) throws(SystemError) -> [PlacedAddress] {
        var wanted = places
        try prepare(wanted.map(\.1), tables)
        _ = try session.remove(unusable)
        if asking { wanted = wanted.map { ($0, optimistic($1, tables)) } }
        lease?.hold(wanted.map(\.1))
        let results = try session.add(wanted.map(\.1))
        let confirmed = Clock.now()
        var up: [PlacedAddress] = []
        for ((index, address), code) in zip(wanted, results) {
            if code == 0 || code == EEXIST {
                up.append(PlacedAddress(address: address.address, interface: address.interface))
            } else {
                lease?.release([address.address])
                outcomes[index] = .failed("add \(tables.describe(address)): \(SystemError.text(code))")
            }
        }
        announcer.announce(up, interfaces: tables.interfaces)
        lastStart = up.isEmpty ? nil : (confirmed, Clock.now())
        for ((_, address), code) in zip(wanted, results) where code == EEXIST {
            log(LogRecord(.info, "address-present", "\(tables.describe(address)) was there already"))
        }
        keepSecondaries(wanted.map(\.1), tables)
        return up
    }

    /// Removes addresses, each from where it is; what is not there needs no removal. Returns an outcome for each.
    package func stop(_ specifications: [AddressSpecification]) -> [ResourceOutcome] {
        withTables(specifications) { kept throws(SystemError) in
            var tables = kept
            if specifications.contains(where: { present($0, kept).isEmpty }) {
                // Others start an address by the word that it is not here: that is the kernel's, not one from memory.
                self.tables.distrust()
                tables = try self.tables.current(about: specifications)
            }
            var outcomes = [ResourceOutcome](repeating: .done, count: specifications.count)
            var found: [(Int, InterfaceAddress)] = []
            for (index, specification) in specifications.enumerated() {
                found += present(specification, tables).map { (index, $0) }
            }
            let places = found.map { PlacedAddress(address: $0.1.address, interface: $0.1.interface) }
            announcer.drop(places)
            conflicts.drop(places)
            if connections == .reset { endConnections(found.map(\.1), "reset") }
            release(specifications.map(\.address))
            do throws(SystemError) {
                // Backwards, so that the kernel need not promote one secondary address after the other.
                let backwards = Array(found.reversed())
                let codes = try session.remove(backwards.map(\.1))
                for ((index, address), code) in zip(backwards, codes) {
                    if code != 0, code != EADDRNOTAVAIL, code != ENODEV {
                        outcomes[index] = .failed("remove \(tables.describe(address)): \(SystemError.text(code))")
                    }
                }
                if codes.contains(where: { $0 != 0 }) { try confirmAbsence(specifications, &outcomes) }
                let removed = backwards.filter { index, _ in outcomes[index] == .done }.map(\.1)
                if connections == .drop { endConnections(removed, "dropped") }
                // What was gone before is not held either: a lease that went on with it would bring it back.
                lease?.release(zip(specifications, outcomes).filter { $1 == .done }.map(\.0.address))
            } catch {
                for (index, _) in found { outcomes[index] = .failed("\(error)") }
            }
            return outcomes
        }
    }

    /// Where one was gone before it was removed, as these tables have it: fails what is still here all the same.
    private func confirmAbsence(
        _ specifications: [AddressSpecification], _ outcomes: inout [ResourceOutcome]
    ) throws(SystemError) {
        tables.distrust()
        let tables = try tables.current(about: specifications)
        for (index, specification) in specifications.enumerated() where outcomes[index] == .done {
            guard let left = present(specification, tables).first else { continue }
            outcomes[index] = .failed("\(tables.describe(left)) is still here")
        }
    }

    /// Whether each address is there and usable.
    package func status(_ specifications: [AddressSpecification]) -> [ResourceOutcome] {
        withTables(specifications) { tables in
            specifications.map { specification in
                present(specification, tables).contains { !$0.isDuplicate } ? .running : .stopped
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
            let tables = try tables.current(about: specifications)
            let copies = held.flatMap(\.copies)
            let found = specifications.flatMap { present($0, tables) }.filter { address in
                !copies.contains { $0.isSame(as: address) }
            }
            release(specifications.map(\.address))
            lease?.hold(found)
            held += found.map { address in
                Held(group: group, address: address.settled, copies: copies.filter { $0.address == address.address })
            }
            conflicts.watch(held.filter { $0.group == group }.map(\.place), asking: false)
            noteLinks(Array(tables.interfaces.values))
            if announce {
                announcer.announce(found.map { PlacedAddress(address: $0.address, interface: $0.interface) })
            }
        } catch {
            onLost(group, "the addresses cannot be watched: \(error)")
        }
    }

    /// The node may hold its addresses until then.
    package func renew(until: Instant, now: Instant) { lease?.renew(until: until, now: now) }

    /// Removes what an earlier daemon held and none of these has, which are all that there are now: nobody would ever
    /// stop it, and it would answer beside whoever takes the address next. One that is where one of these has it, in
    /// whatever other places it is too, is for its group to keep or to stop.
    package func removeAbandoned(except specifications: [AddressSpecification]) {
        guard let lease, !lease.inherited.isEmpty else { return }
        do throws(SystemError) {
            let tables = try tables.current()
            for address in lease.inherited {
                let owners = specifications.filter { $0.address == address }
                if owners.contains(where: { !tables.find($0).isEmpty }) { continue }
                let forms = tables.forms(of: address).filter { tables.interfaces[$0.interface]?.isLoopback == false }
                let codes = try session.remove(forms)
                for (form, code) in zip(forms, codes) {
                    let text = "\(tables.describe(form)) was held by an earlier daemon, and no line of haresources "
                    let outcome = code == 0 ? "removed" : "not removed: \(SystemError.text(code))"
                    log(LogRecord(.warning, "address-abandoned", text + "has it there any more: \(outcome)"))
                }
                if codes.allSatisfy({ $0 == 0 }) { lease.release([address]) }
            }
        } catch {
            log(LogRecord(.error, "netlink", "\(error): addresses of an earlier daemon may be left"))
        }
    }

    /// The daemon ends.
    package func end() { lease?.end() }

    /// Where an address is that may have been held before: where it belongs, and where it was held, whatever its
    /// interface is called by now, with the copies that others made.
    private func present(_ specification: AddressSpecification, _ tables: AddressTables) -> [InterfaceAddress] {
        var present = tables.find(specification)
        for entry in held where entry.address.address == specification.address {
            present += tables.forms(of: specification.address).filter { address in
                !present.contains { $0.isSame(as: address) }
                    && (entry.address.interface == address.interface
                        || entry.copies.contains { $0.isSame(as: address) })
            }
        }
        return present
    }

    private func release(_ addresses: [IPAddress]) {
        let released = Set(addresses)
        held.removeAll { released.contains($0.address.address) }
    }

    /// Outcomes by the tables as they are now. After a failure they are read anew: whatever follows it, above all the
    /// question whether an address that could not be removed is still here, goes by the kernel's own word.
    private func withTables(
        _ specifications: [AddressSpecification], placing: Bool = false,
        _ body: (AddressTables) throws(SystemError) -> [ResourceOutcome]
    ) -> [ResourceOutcome] {
        do throws(SystemError) {
            let outcomes = try body(try tables.current(about: specifications, placing: placing))
            if outcomes.contains(where: { $0.failure != nil }) { tables.distrust() }
            return outcomes
        } catch {
            return specifications.map { _ in .unknown("\(error)") }
        }
    }

    /// The form in which the kernel asks for an IPv6 address while it is in use; the same where it cannot.
    private func optimistic(_ address: InterfaceAddress, _ tables: AddressTables) -> InterfaceAddress {
        guard address.address.isIPv6,
            let interface = tables.interfaces[address.interface], interface.announces,
            Sysctl.set("net/ipv6/conf/\(interface.name)/optimistic_dad", "1")
        else { return address }
        return address.optimistic
    }

    /// Switches interfaces on that are to carry the addresses.
    private func prepare(_ addresses: [InterfaceAddress], _ tables: AddressTables) throws(SystemError) {
        for index in Set(addresses.map(\.interface)).sorted() {
            guard let interface = tables.interfaces[index], !interface.isUp else { continue }
            log(LogRecord(.info, "interface-up", "switching \(interface.name) on"))
            try session.switchOn(interface.index)
        }
    }

    /// Has the other addresses of a network stay when the first of it is removed, which Linux otherwise does not.
    private func keepSecondaries(_ addresses: [InterfaceAddress], _ tables: AddressTables) {
        let carriers = Set(addresses.lazy.filter { !$0.address.isIPv6 }.map(\.interface))
        for interface in carriers.compactMap({ tables.interfaces[$0] }) {
            Sysctl.set("net/ipv4/conf/\(interface.name)/promote_secondaries", "1")
        }
    }
}
