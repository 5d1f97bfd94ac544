// A medium that control has opened, and the one switch over the kinds of media. Everything here runs as root in the
// control process; what the workers get is the open descriptors.
import CLinux
import ClusterModel
import LinuxSystem

/// A medium's open descriptors and what its workers need to know. The descriptors may be copies of one another.
package struct OpenMedium: ~Copyable {
    /// For the read worker.
    package let receiver: Descriptor
    /// For the write worker.
    package let sender: Descriptor
    /// How the workers treat the descriptors.
    package let transport: MediumWorker.Transport
    /// What the medium depended on when it was opened.
    package let signature: MediumSignature
    /// What is missing although the medium works, one line each: members of a ping group without an address.
    package let warnings: [String]

    init(
        receiver: consuming Descriptor, sender: consuming Descriptor, transport: MediumWorker.Transport,
        signature: MediumSignature, warnings: [String] = []
    ) {
        self.receiver = receiver
        self.sender = sender
        self.transport = transport
        self.signature = signature
        self.warnings = warnings
    }
}

/// The way from a medium of ha.cf to its descriptors.
package enum MediumOpener {
    /// Room that each receiving socket asks for, in bytes: some thousand heartbeats.
    static let receiveBuffer: Int32 = 1 << 20

    /// Opens a medium. `echoIdentifier` marks this node's pings: the process id, cut to 16 bits
    /// (specs/heartbeat.md 4.7). Host names are looked up as `names` does it; numeric addresses take no time.
    package static func open(
        _ medium: Medium, echoIdentifier: UInt16, names: HostNames = HostNames(patience: .seconds(60))
    ) throws(MediumError) -> OpenMedium {
        // Taken first: a change while the medium is opened then shows as a difference.
        let signature = MediumSignature.current(medium)
        switch medium {
        case .broadcast(let interface, let port):
            return try UDPBroadcast(medium: medium, interface: interface, port: port).open(signature)
        case .multicast(let interface, let group, let port, let ttl, let loop),
            .multicast6(let interface, let group, let port, let ttl, let loop):
            return try UDPMulticast(
                medium: medium, interface: interface, group: group, port: port, hops: ttl, loop: loop
            ).open(signature)
        case .unicast(let interface, let address, let port), .unicast6(let interface, let address, let port):
            return try UDPUnicast(
                medium: medium, interface: interface, host: address, port: port, names: names
            ).open(signature)
        case .serial(let tty, let baud):
            return try SerialPort(medium: medium, tty: tty, baud: baud).open(signature)
        case .ping(let address), .ping6(let address):
            return try Ping(medium: medium, hosts: [address], identifier: echoIdentifier, names: names).open(signature)
        case .pingGroup(_, let addresses):
            return try Ping(medium: medium, hosts: addresses, identifier: echoIdentifier, names: names).open(signature)
        }
    }
}

/// Runs system calls for a medium: what fails becomes the medium's error.
func opening<Result: ~Copyable>(
    _ medium: Medium, _ body: () throws(SystemError) -> Result
) throws(MediumError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw MediumError(medium, "\(error)", remedy: remedy(error))
    }
}

/// What helps against an error that an administrator can cause.
private func remedy(_ error: SystemError) -> String? {
    if error.operation.hasPrefix("bind ") && error.code == EADDRINUSE {
        return "another program uses the port: stop it, or choose another with udpport"
    }
    return error.code == EPERM ? "heartbeat needs to be root here" : nil
}
