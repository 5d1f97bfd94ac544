// Tells the neighbours where an address is now, and says it again for ten seconds: a single frame is easily lost while
// a switch port or a bond is still settling (specs/address-takeover.md 8).
import ClusterModel
import LinuxSystem
import Reactor

/// An address and the interface that it is on.
package struct PlacedAddress: Hashable, Sendable {
    package var address: IPAddress
    /// The kernel's interface index.
    package var interface: UInt32

    package init(address: IPAddress, interface: UInt32) {
        self.address = address
        self.interface = interface
    }
}

/// Sends announcements on a schedule until it ends or the address is dropped.
package final class Announcer {
    /// When the announcements of an address are sent, counted from the first.
    package private(set) var schedule = Announcer.standardSchedule
    /// Close together at first, for most are lost while a link settles.
    private static let standardSchedule: [Duration] = [
        .zero, .milliseconds(100), .milliseconds(300), .seconds(1), .seconds(2), .seconds(5), .seconds(10),
    ]
    private var routers: [IPAddress] = []
    /// Addresses that one log line names.
    private static let namedMax = 8

    /// Addresses that are announced together.
    private final class Burst {
        var addresses: [PlacedAddress]
        let start: Instant
        /// Position in the schedule of what is sent next.
        var next = 1
        var timer: EventSource?

        init(_ addresses: [PlacedAddress], start: Instant) {
            self.addresses = addresses
            self.start = start
        }
    }

    private let loop: EventLoop
    private let tables: KernelTables
    private let socket: PacketSocket
    private let log: (LogRecord) -> Void
    private var bursts: [Burst] = []

    init(loop: EventLoop, tables: KernelTables, log: @escaping (LogRecord) -> Void) throws(SystemError) {
        self.loop = loop
        self.tables = tables
        self.log = log
        socket = try PacketSocket()
    }

    /// Makes the frames for an address and has none of them sent, as there is no interface 0.
    func rehearse(_ address: IPAddress) {
        for frame in Announcer.frames(of: address, at: .zero) { try? socket.send(frame, interface: 0) }
        drop([PlacedAddress(address: address, interface: 0)])
    }

    /// Announces as ha.cf says from now on.
    package func configure(_ policy: AnnouncementPolicy) {
        routers = policy.routers.compactMap { IPAddress($0) }
        guard policy.count != nil || policy.interval != nil else { return schedule = Announcer.standardSchedule }
        let interval = policy.interval ?? .seconds(1)
        schedule = (0..<(policy.count ?? Announcer.standardSchedule.count)).map { interval * $0 }
    }

    /// Sends the first announcement of each address before it returns, and the others on schedule. A schedule of the
    /// same address that is still going on is replaced. `interfaces`: as they are now, where that is known.
    package func announce(_ addresses: [PlacedAddress], interfaces: [UInt32: NetworkInterface]? = nil) {
        drop(addresses)
        if addresses.isEmpty { return }
        let burst = Burst(addresses, start: Clock.now())
        send(burst, isFirst: true, interfaces)
        guard burst.next < schedule.count else { return }
        do throws(SystemError) {
            burst.timer = try loop.onTime(burst.start + schedule[burst.next]) { [unowned self, unowned burst] in
                expired(burst)
            }
            bursts.append(burst)
        } catch {
            log(LogRecord(.error, "announce-failed", "announcements are not repeated: \(error)"))
        }
    }

    /// Sends the announcement of addresses once more, outside of their schedule.
    package func repeatOnce(_ addresses: [PlacedAddress]) {
        send(Burst(addresses, start: Clock.now()), isFirst: false)
    }

    /// Sends nothing more for these addresses.
    package func drop(_ addresses: [PlacedAddress]) {
        let dropped = Set(addresses)
        for burst in bursts { burst.addresses.removeAll { dropped.contains($0) } }
        bursts.removeAll { $0.addresses.isEmpty }
    }

    private func expired(_ burst: Burst) {
        send(burst, isFirst: false)
        burst.next += 1
        if burst.next < schedule.count {
            burst.timer?.schedule(burst.start + schedule[burst.next])
        } else {
            bursts.removeAll { $0 === burst }
        }
    }

    private func send(_ burst: Burst, isFirst: Bool, _ known: [UInt32: NetworkInterface]? = nil) {
        let interfaces: [UInt32: NetworkInterface]
        do throws(SystemError) {
            interfaces = if let known { known } else { try tables.current().interfaces }
        } catch {
            return log(LogRecord(.error, "announce-failed", "no announcement: \(error)"))
        }
        let neighbours = routers.isEmpty ? [] : ARPTable.read()
        for interface in interfaces.values where interface.announces {
            guard let hardware = interface.hardwareAddress else { continue }
            let addresses = burst.addresses.filter { $0.interface == interface.index }.map(\.address)
            if addresses.isEmpty { continue }
            var failure: SystemError?
            var failed = 0
            for address in addresses {
                do throws(SystemError) {
                    let frames = Announcer.frames(of: address, at: hardware)
                    for frame in frames + routerFrames(address, hardware, interface, neighbours) {
                        try socket.send(frame, interface: interface.index)
                    }
                } catch {
                    failure = error
                    failed += 1
                }
            }
            report(addresses, interface, hardware, isFirst: isFirst, failed: failed, failure)
        }
    }

    /// The frames that announce an address once: an ARP request and reply, or a neighbour advertisement.
    package static func frames(of address: IPAddress, at hardware: MACAddress) -> [[UInt8]] {
        if let advertisement = NeighborAdvertisement.frame(of: address, at: hardware) { return [advertisement] }
        return ARPPacket.announcement(of: address, at: hardware).map { $0.frame(source: hardware) }
    }

    /// Frames for each router by itself, which some of them need: asked for its own address by the one that has moved,
    /// a router answers, and remembers who asked, whether or not it takes notice of announcements (RFC 826).
    private func routerFrames(
        _ address: IPAddress, _ hardware: MACAddress, _ interface: NetworkInterface, _ neighbours: [ARPTable.Entry]
    ) -> [[UInt8]] {
        routers.compactMap { router in
            let known = neighbours.first { $0.address == router && $0.interface == interface.name }?.hardware
            let packet = ARPPacket(.request, sender: address, at: hardware, target: router, at: .zero)
            return packet?.frame(source: hardware, destination: known ?? .broadcast)
        }
    }

    private func report(
        _ addresses: [IPAddress], _ interface: NetworkInterface, _ hardware: MACAddress, isFirst: Bool, failed: Int,
        _ failure: SystemError?
    ) {
        let fields = [Setting(name: "INTERFACE", value: interface.name)]
        if isFirst {
            var names = addresses.prefix(Announcer.namedMax).map(\.description).joined(separator: " ")
            if addresses.count > Announcer.namedMax { names += " and \(addresses.count - Announcer.namedMax) more" }
            let seconds = (schedule.last ?? .zero).wholeMilliseconds / 1000
            let text =
                "announcing \(names) on \(interface.name) at \(hardware), \(schedule.count) times in \(seconds) s"
            log(LogRecord(.info, "announce", text, fields))
        }
        if let failure {
            let text = "\(failed) of \(addresses.count) announcements on \(interface.name) were not sent: \(failure)"
            log(LogRecord(.warning, "announce-failed", text, fields))
        }
    }
}
