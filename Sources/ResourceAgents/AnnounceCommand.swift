// The command `send_arp`, in the form of the fake package and in that of heartbeat (specs/address-takeover.md 4, 5):
//     send_arp SENDER-IP SENDER-HW TARGET-IP TARGET-HW [INTERFACE [SOURCE-HW [DESTINATION-HW]] [request|reply]]
//     send_arp [-i MS] [-r COUNT] [-p PIDFILE] INTERFACE IP HW|auto [BROADCAST NETMASK]
import CLinux
import ClusterModel
import LinuxSystem

/// What `send_arp` was asked to send.
package enum AnnounceCommand: Equatable, Sendable {
    /// One ARP packet, every field as the caller says. Sender and target may be host names.
    case packet(Packet)
    /// Pairs of announcements of an address. `hardware`: nil for the interface's own.
    case announcement(Announcement)

    /// One ARP packet of the first form of the command line.
    package struct Packet: Equatable, Sendable {
        package var operation: ARPPacket.Operation
        package var sender: String
        package var senderHardware: MACAddress
        package var target: String
        package var targetHardware: MACAddress
        package var interface: String
        /// Of the Ethernet frame.
        package var source: MACAddress
        package var destination: MACAddress
    }

    /// Repeated announcements, the second form of the command line.
    package struct Announcement: Equatable, Sendable {
        package var interface: String
        package var address: IPAddress
        package var hardware: MACAddress?
        package var count = 1
        /// Between two pairs; the reply follows the request after half of it.
        package var interval: Duration = .seconds(1)
        package var processFile: String?
    }

    package static let usage = """
        usage: send_arp [-i MILLISECONDS] [-r COUNT] [-p PIDFILE] INTERFACE IP HW|auto [BROADCAST NETMASK]
               send_arp SENDER_IP SENDER_HW TARGET_IP TARGET_HW [INTERFACE [SOURCE_HW [DESTINATION_HW]] [request|reply]]
        """

    /// Reads the arguments after the command's name. The first form is the one whose second word is a hardware address.
    package init(arguments: [String]) throws(ArgumentError) {
        if arguments.count >= 4, MACAddress(arguments[1]) != nil {
            self = .packet(try AnnounceCommand.packet(arguments))
        } else {
            self = .announcement(try AnnounceCommand.announcement(arguments))
        }
    }

    private static func packet(_ arguments: [String]) throws(ArgumentError) -> Packet {
        var rest = arguments[4...]
        var operation = ARPPacket.Operation.reply
        if rest.last == "request" || rest.last == "reply" {
            operation = rest.removeLast() == "request" ? .request : .reply
        }
        guard rest.count <= 3 else { throw ArgumentError(reason: "too many arguments") }
        let senderHardware = try hardware(arguments[1])
        let targetHardware = try hardware(arguments[3])
        let interface = rest.popFirst() ?? "eth0"
        let source = try rest.popFirst().map(hardware) ?? senderHardware
        let destination = try rest.popFirst().map(hardware) ?? targetHardware
        return Packet(
            operation: operation, sender: arguments[0], senderHardware: senderHardware, target: arguments[2],
            targetHardware: targetHardware, interface: interface, source: source, destination: destination)
    }

    private static func announcement(_ arguments: [String]) throws(ArgumentError) -> Announcement {
        var rest = arguments[...]
        var count = 1
        var interval: Duration = .seconds(1)
        var processFile: String?
        while let option = rest.first, option.hasPrefix("-") {
            rest.removeFirst()
            guard let value = rest.popFirst() else { throw ArgumentError(reason: "\(option) needs a value") }
            switch option {
            case "-i": interval = .milliseconds(try number(value, option, 1...3_600_000))
            case "-r": count = try number(value, option, 1...1_000_000)
            case "-p": processFile = value
            default: throw ArgumentError(reason: "\(option) is not an option")
            }
        }
        let words = Array(rest)
        // The last two are taken and ignored, as heartbeat does.
        guard words.count == 3 || words.count == 5 else { throw ArgumentError(reason: "expected INTERFACE IP HW|auto") }
        guard let address = IPAddress(words[1]) else { throw ArgumentError(reason: "\(words[1]) is not an address") }
        return Announcement(
            interface: words[0], address: address, hardware: words[2] == "auto" ? nil : try hardware(words[2]),
            count: count, interval: interval, processFile: processFile)
    }

    private static func hardware(_ text: String) throws(ArgumentError) -> MACAddress {
        guard let address = MACAddress(text) else { throw ArgumentError(reason: "\(text) is not a hardware address") }
        return address
    }

    private static func number(
        _ text: String, _ option: String, _ range: ClosedRange<Int>
    ) throws(ArgumentError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw ArgumentError(reason: "\(option) takes a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Sends everything, and returns after the last frame. Throws what an operator is to read.
    package func run() throws(ArgumentError) {
        do {
            switch self {
            case .packet(let packet): try AnnounceCommand.send(packet)
            case .announcement(let announcement): try AnnounceCommand.send(announcement)
            }
        } catch let error as ArgumentError {
            throw error
        } catch {
            throw ArgumentError(reason: "\(error)")
        }
    }

    private static func send(_ packet: Packet) throws {
        guard
            let arp = ARPPacket(
                packet.operation, sender: try resolve(packet.sender), at: packet.senderHardware,
                target: try resolve(packet.target), at: packet.targetHardware)
        else { throw ArgumentError(reason: "ARP knows IPv4 addresses only") }
        let interface = try interface(packet.interface)
        try PacketSocket().send(
            arp.frame(source: packet.source, destination: packet.destination), interface: interface.index)
    }

    private static func send(_ announcement: Announcement) throws {
        let interface = try interface(announcement.interface)
        guard let hardware = announcement.hardware ?? interface.hardwareAddress else {
            throw ArgumentError(reason: "\(interface.name) has no hardware address")
        }
        let file = announcement.processFile
        if let file { try writeProcessFile(file) }
        defer { if let file { unlink(file) } }
        let socket = try PacketSocket()
        let frames = Announcer.frames(of: announcement.address, at: hardware)
        let pause = announcement.interval / frames.count
        for index in 0..<announcement.count * frames.count {
            if index > 0 { Clock.wait(pause) }
            try socket.send(frames[index % frames.count], interface: interface.index)
        }
    }

    /// The interface of a name; an alias, `eth0:1`, is its interface.
    private static func interface(_ name: String) throws -> NetworkInterface {
        let device = String(name.prefix { $0 != ":" })
        guard let interface = try NetlinkSession().interfaces().first(where: { $0.name == device }) else {
            throw ArgumentError(reason: "there is no interface \(device)")
        }
        return interface
    }

    private static func writeProcessFile(_ path: String) throws(SystemError) {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        let bytes = Array("\(getpid())\n".utf8)
        let raw = file.raw
        _ = try retrying("write \(path)") { write(raw, bytes, bytes.count) }
    }

    private static func resolve(_ name: String) throws(ArgumentError) -> IPAddress {
        if let address = IPAddress(name) { return address }
        var hints = addrinfo()
        hints.ai_family = AF_INET
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let first = list else {
            throw ArgumentError(reason: "\(name) is neither an address nor a known name")
        }
        defer { freeaddrinfo(first) }
        let address = first.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr }
        let bytes = withUnsafeBytes(of: address.s_addr) { Array($0) }
        guard let result = IPAddress(bytes: bytes) else { throw ArgumentError(reason: "\(name) has no address") }
        return result
    }
}
