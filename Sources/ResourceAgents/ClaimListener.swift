// Hears other machines claim addresses, for as long as somebody is interested and at next to no cost: the kernel keeps
// back every frame that is not about one of them.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// Another machine's claim to an address that this node watches.
package struct ForeignClaim: Hashable, Sendable {
    package var place: PlacedAddress
    /// The interface's name when it was heard.
    package var interface: String
    /// Of the other machine.
    package var hardware: MACAddress
}

/// Packet sockets with filters, at most two for each interface. A socket is kept until its interface goes: to close one
/// takes the kernel milliseconds, and a filter that passes nothing costs nothing.
final class ClaimListener {
    /// Frames that are read from a socket in `stormWindow`, so that a storm does not hold up the rest of the process;
    /// it is then left alone for as long, and what does not fit into it meanwhile is lost.
    private static let readMax = 64
    private static let stormWindow: Duration = .milliseconds(100)
    /// Between two looks at the hardware addresses of this node for a claim of an unknown one.
    private static let refreshInterval: Duration = .seconds(1)

    private final class Ear {
        let interface: UInt32
        let kind: ClaimFilter.Kind
        let socket: PacketSocket
        var addresses: Set<IPAddress> = []
        var filter: [ClaimFilter.Instruction]
        var source: EventSource?
        var pause: EventSource?
        /// The window that runs, and what was read in it.
        var windowStart = Instant.distantPast
        var readCount = 0

        init(_ interface: UInt32, _ kind: ClaimFilter.Kind, _ filter: [ClaimFilter.Instruction]) throws(SystemError) {
            self.interface = interface
            self.kind = kind
            self.filter = filter
            socket = try PacketSocket(receiving: kind.etherType, interface: interface, filter: filter)
        }
    }

    /// Called for each claim by a machine that is not this one.
    var onClaim: (ForeignClaim) -> Void = { _ in }
    /// Frames that came through the filters.
    private(set) var frameCount = 0

    private let loop: EventLoop
    private let session: NetlinkSession
    private var ears: [Ear] = []
    private var interfaces: [NetworkInterface] = []
    private var refreshedAt = Instant.distantPast

    init(loop: EventLoop, session: NetlinkSession) {
        self.loop = loop
        self.session = session
    }

    /// Hears claims to exactly these addresses from here on. A first address on an interface takes milliseconds,
    /// further ones microseconds. Throws where one of them cannot be heard; the others are.
    func listen(to places: [PlacedAddress]) throws(SystemError) {
        interfacesChanged()
        var wanted: [UInt32: [ClaimFilter.Kind: Set<IPAddress>]] = [:]
        for place in places {
            wanted[place.interface, default: [:]][.init(place.address), default: []].insert(place.address)
        }
        for ear in ears where wanted[ear.interface]?[ear.kind] == nil { try tune(ear, []) }
        var failure: SystemError?
        for interface in interfaces where interface.announces {
            for kind in [ClaimFilter.Kind.arp, .advertisement] {
                guard let addresses = wanted[interface.index]?[kind] else { continue }
                do throws(SystemError) { try listen(interface.index, kind, addresses) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    /// Asks everybody on the link of each address whether they use it; every holder answers.
    func probe(_ places: [PlacedAddress]) throws(SystemError) {
        for place in places {
            guard let interface = interfaces.first(where: { $0.index == place.interface }),
                let hardware = interface.hardwareAddress,
                let frame = AddressClaim.probe(for: place.address, from: hardware),
                let ear = ears.first(where: { $0.interface == place.interface && $0.kind == .init(place.address) })
            else { continue }
            try ear.socket.send(frame, interface: place.interface)
        }
    }

    /// The interfaces have changed: this node's own hardware addresses may be others.
    func interfacesChanged() {
        refreshedAt = .distantPast
        do throws(SystemError) {
            try refresh()
            // One whose interface is gone would stay deaf if another came with the same number.
            ears.removeAll { ear in !interfaces.contains { $0.index == ear.interface } }
            for ear in ears { try tune(ear, ear.addresses) }
        } catch {
            // The reader knows what the filter lets through, and reads the interfaces itself.
        }
    }

    private func refresh() throws(SystemError) {
        interfaces = try session.interfaces()
        refreshedAt = Clock.now()
    }

    private func listen(
        _ interface: UInt32, _ kind: ClaimFilter.Kind, _ addresses: Set<IPAddress>
    ) throws(SystemError) {
        if let ear = ears.first(where: { $0.interface == interface && $0.kind == kind }) {
            return try tune(ear, addresses)
        }
        let ear = try ClaimListener.withShorter { intervalsMax throws(SystemError) in
            try Ear(interface, kind, program(interface, kind, addresses, intervalsMax))
        }
        ear.addresses = addresses
        ear.source = try loop.onReadable(ear.socket.raw, priority: 10) { [unowned self, unowned ear] in receive(ear) }
        ears.append(ear)
    }

    private func tune(_ ear: Ear, _ addresses: Set<IPAddress>) throws(SystemError) {
        ear.addresses = addresses
        try ClaimListener.withShorter { intervalsMax throws(SystemError) in
            let filter = program(ear.interface, ear.kind, addresses, intervalsMax)
            if filter == ear.filter { return }
            try ear.socket.attach(filter)
            ear.filter = filter
        }
    }

    private func program(
        _ interface: UInt32, _ kind: ClaimFilter.Kind, _ addresses: Set<IPAddress>, _ intervalsMax: Int
    ) -> [ClaimFilter.Instruction] {
        // Its own address first: the filter has no room for all of a machine with very many.
        let here = interfaces.filter { $0.index == interface } + interfaces.filter { $0.index != interface }
        var own: [MACAddress] = []
        for hardware in here.compactMap(\.hardwareAddress) where hardware != .zero && !own.contains(hardware) {
            own.append(hardware)
        }
        return ClaimFilter.program(kind, addresses: Array(addresses), own: own, intervalsMax: intervalsMax)
    }

    /// Tries with shorter and shorter programs where the kernel has no room for a longer one.
    private static func withShorter<Result>(
        _ body: (_ intervalsMax: Int) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        for intervalsMax in [ClaimFilter.intervalsMax, 16] {
            do throws(SystemError) {
                return try body(intervalsMax)
            } catch {
                if error.code != ENOMEM { throw error }
            }
        }
        return try body(1)
    }

    // MARK: Receiving

    private func receive(_ ear: Ear) {
        let now = Clock.now()
        if now - ear.windowStart >= ClaimListener.stormWindow {
            ear.windowStart = now
            ear.readCount = 0
        }
        while ear.readCount < ClaimListener.readMax {
            guard let frame = try? ear.socket.receive() else { return }
            frameCount += 1
            ear.readCount += 1
            guard let claim = AddressClaim(frame: frame), ear.addresses.contains(claim.address),
                let interface = foreign(claim, ear)
            else { continue }
            onClaim(
                ForeignClaim(
                    place: PlacedAddress(address: claim.address, interface: ear.interface), interface: interface.name,
                    hardware: claim.hardware))
        }
        rest(ear)
    }

    /// The interface that heard the claim; nil where an interface of this node made it: another one on the same segment
    /// answers for every address of the node, and a bond, a bridge or a virtual machine's tap may bring back what was
    /// sent.
    private func foreign(_ claim: AddressClaim, _ ear: Ear) -> NetworkInterface? {
        if !interfaces.contains(where: { $0.hardwareAddress == claim.hardware }),
            Clock.now() - refreshedAt >= ClaimListener.refreshInterval
        {
            try? refresh()
        }
        if interfaces.contains(where: { $0.hardwareAddress == claim.hardware }) { return nil }
        return interfaces.first { $0.index == ear.interface }
    }

    private func rest(_ ear: Ear) {
        ear.source?.disable()
        ear.pause = try? loop.onTime(Clock.now() + ClaimListener.stormWindow) { [unowned ear] in ear.source?.enable() }
        if ear.pause == nil { ear.source?.enable() }
    }
}
