// Asks, right after an address was brought up, whether another machine answers for it too, and listens for a while:
// two owners are what a cluster must never have, so an operator must hear of them (RFC 5227 2.4).
import ClusterModel
import LinuxSystem
import Reactor

/// Watches new IPv4 addresses for other claims. Nothing waits for it.
package final class ConflictWatch {
    /// As long as announcements are repeated.
    private static let length: Duration = .seconds(10)
    /// Frames read in one call, so that a storm does not hold up the rest of the process.
    private static let readMax = 64

    /// What is watched on one interface.
    private final class Watch {
        let interface: NetworkInterface
        let socket: PacketSocket
        var addresses: [IPAddress]
        var source: EventSource?
        var timer: EventSource?

        init(_ interface: NetworkInterface, _ socket: PacketSocket, _ addresses: [IPAddress]) {
            self.interface = interface
            self.socket = socket
            self.addresses = addresses
        }
    }

    /// Called once for each address that another machine claimed, so that the neighbours hear the rightful owner again.
    package var onConflict: (PlacedAddress) -> Void = { _ in }

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private var watches: [Watch] = []

    package init(loop: EventLoop, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.log = log
    }

    /// Sends a probe for each IPv4 address and listens for answers.
    package func watch(_ places: [PlacedAddress], _ interfaces: [NetworkInterface]) {
        for interface in interfaces where interface.announces && interface.isRunning {
            let addresses = places.filter { $0.interface == interface.index && !$0.address.isIPv6 }.map(\.address)
            if addresses.isEmpty { continue }
            do throws(SystemError) {
                try begin(interface, addresses)
            } catch {
                log(LogRecord(.warning, "conflict-watch", "conflicts on \(interface.name) are not watched: \(error)"))
            }
        }
    }

    /// Forgets addresses that were given up.
    package func drop(_ places: [PlacedAddress]) {
        for watch in watches {
            watch.addresses.removeAll {
                places.contains(PlacedAddress(address: $0, interface: watch.interface.index))
            }
        }
        watches.removeAll { $0.addresses.isEmpty }
    }

    private func begin(_ interface: NetworkInterface, _ addresses: [IPAddress]) throws(SystemError) {
        guard let hardware = interface.hardwareAddress else { return }
        let socket = try PacketSocket(receiving: ARPPacket.etherType, interface: interface.index)
        let watch = Watch(interface, socket, addresses)
        watch.source = try loop.onReadable(socket.raw, priority: 10) { [unowned self, unowned watch] in
            receive(watch)
        }
        watch.timer = try loop.onTime(Clock.now() + ConflictWatch.length) { [unowned self, unowned watch] in
            end(watch)
        }
        watches.append(watch)
        for address in addresses {
            guard let probe = ARPPacket.probe(for: address, from: hardware) else { continue }
            try socket.send(probe.frame(source: hardware), interface: interface.index)
        }
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
