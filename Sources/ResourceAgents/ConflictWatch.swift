// Asks, right after an address was brought up, whether another machine answers for it too, and listens for a while:
// two owners are what a cluster must never have, so an operator must hear of them (RFC 5227 2.4).
import ClusterModel
import LinuxSystem
import Reactor

/// Watches new IPv4 addresses for other claims. Nothing waits for it.
package final class ConflictWatch {
    /// Between an address's start and its probe. Opening a socket that listens takes the kernel milliseconds, which
    /// other groups that start now must not wait for; and what starts together is watched with one socket.
    private static let pause: Duration = .milliseconds(100)
    /// As long as announcements are repeated.
    private static let length: Duration = .seconds(10)
    /// Frames read in one call, so that a storm does not hold up the rest of the process.
    private static let readMax = 64

    /// What is watched on one interface.
    private final class Watch {
        let interface: NetworkInterface
        let socket: PacketSocket
        var addresses: [IPAddress] = []
        var source: EventSource?
        var timer: EventSource?

        init(_ interface: NetworkInterface, _ socket: PacketSocket) {
            self.interface = interface
            self.socket = socket
        }
    }

    /// Called once for each address that another machine claimed, so that the neighbours hear the rightful owner again.
    package var onConflict: (PlacedAddress) -> Void = { _ in }

    private let loop: EventLoop
    private let session: NetlinkSession
    private let log: (LogRecord) -> Void
    private var waiting: [PlacedAddress] = []
    private var start: EventSource?
    private var watches: [Watch] = []

    package init(loop: EventLoop, session: NetlinkSession, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.session = session
        self.log = log
    }

    /// Soon sends a probe for each IPv4 address, and listens for answers.
    package func watch(_ places: [PlacedAddress]) {
        waiting += places.filter { !$0.address.isIPv6 }
        if waiting.isEmpty || start != nil { return }
        do throws(SystemError) {
            start = try loop.onTime(Clock.now() + ConflictWatch.pause) { [unowned self] in begin() }
        } catch {
            fail(error)
        }
    }

    /// Forgets addresses that were given up.
    package func drop(_ places: [PlacedAddress]) {
        let dropped = Set(places)
        waiting.removeAll { dropped.contains($0) }
        for watch in watches {
            watch.addresses.removeAll { dropped.contains(PlacedAddress(address: $0, interface: watch.interface.index)) }
        }
        watches.removeAll { $0.addresses.isEmpty }
    }

    private func begin() {
        let places = waiting
        waiting = []
        start = nil
        do throws(SystemError) {
            for interface in try session.interfaces() where interface.announces && interface.isRunning {
                let addresses = places.filter { $0.interface == interface.index }.map(\.address)
                if !addresses.isEmpty { try begin(interface, addresses) }
            }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: SystemError) {
        log(LogRecord(.warning, "conflict-watch", "other claims to new addresses are not watched for: \(error)"))
    }

    private func begin(_ interface: NetworkInterface, _ addresses: [IPAddress]) throws(SystemError) {
        guard let hardware = interface.hardwareAddress else { return }
        let known = watches.first { $0.interface == interface }
        let watch = if let known { known } else { try open(interface) }
        watch.addresses += addresses
        watch.timer?.schedule(Clock.now() + ConflictWatch.length)
        for address in addresses {
            guard let probe = ARPPacket.probe(for: address, from: hardware) else { continue }
            try watch.socket.send(probe.frame(source: hardware), interface: interface.index)
        }
    }

    private func open(_ interface: NetworkInterface) throws(SystemError) -> Watch {
        let socket = try PacketSocket(receiving: ARPPacket.etherType, interface: interface.index)
        let watch = Watch(interface, socket)
        watch.source = try loop.onReadable(socket.raw, priority: 10) { [unowned self, unowned watch] in
            receive(watch)
        }
        watch.timer = try loop.onTime(Clock.now() + ConflictWatch.length) { [unowned self, unowned watch] in
            end(watch)
        }
        watches.append(watch)
        return watch
    }

    private func end(_ watch: Watch) { watches.removeAll { $0 === watch } }

    private func receive(_ watch: Watch) {
        for _ in 0..<ConflictWatch.readMax {
            guard let frame = try? watch.socket.receive() else { return }
            guard let packet = ARPPacket(frame: frame), packet.senderHardware != watch.interface.hardwareAddress,
                let index = watch.addresses.firstIndex(of: packet.sender)
            else { continue }
            watch.addresses.remove(at: index)
            log(
                LogRecord(
                    .error, "address-conflict",
                    "\(packet.sender) on \(watch.interface.name) is also claimed by \(packet.senderHardware)",
                    [Setting(name: "INTERFACE", value: watch.interface.name)]))
            onConflict(PlacedAddress(address: packet.sender, interface: watch.interface.index))
        }
    }
}
