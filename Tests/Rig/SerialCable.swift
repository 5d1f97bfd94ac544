// A null-modem cable between two nodes: two pseudo-terminals and a process that carries the bytes from one to the
// other.
import CLinux
import ClusterModel
import LinuxSystem

/// The cable and its two ends.
package final class SerialCable {
    private let relay: HeldProcess
    private let lines: [PseudoTerminal]

    /// Lays a cable; each of `paths` becomes a symbolic link to the tty of one end.
    init(program: String, paths: [String], waiting: Waiting) throws {
        lines = try paths.map { try PseudoTerminal(linkedAt: $0) }
        relay = try HeldProcess.start(
            program, ["rig-cable"], descriptors: [3: lines[0].master.raw, 4: lines[1].master.raw], waiting: waiting
        ).process
    }

    /// Pulls the cable out: what a node writes is lost, as on a real line.
    package func unplug() { relay.write(CableRelay.unplugWord) }

    package func plugIn() { relay.write(CableRelay.plugInWord) }
}

/// A pseudo-terminal whose slave side stays open here, so that the master never sees an end while a node is down.
private final class PseudoTerminal {
    let master: Descriptor
    private let slave: Descriptor

    init(linkedAt path: String) throws {
        let master = Descriptor(
            owning: try retrying("open a pseudo-terminal") { posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) })
        var name = [CChar](repeating: 0, count: 128)
        guard grantpt(master.raw) == 0, unlockpt(master.raw) == 0, ptsname_r(master.raw, &name, name.count) == 0 else {
            throw SystemError.last("set up a pseudo-terminal")
        }
        let tty = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let slave = try Descriptor.open(tty, O_RDWR | O_NOCTTY)
        // Until the daemon has set its line up, an ordinary tty would echo what comes in.
        var settings = termios()
        guard tcgetattr(slave.raw, &settings) == 0 else { throw SystemError.last("read the settings of \(tty)") }
        cfmakeraw(&settings)
        guard tcsetattr(slave.raw, TCSANOW, &settings) == 0 else { throw SystemError.last("set up \(tty)") }
        guard symlink(tty, path) == 0 else { throw SystemError.last("link \(path)") }
        try master.setNonBlocking(true)
        self.master = master
        self.slave = slave
    }
}

/// The process in the middle of the cable.
enum CableRelay {
    static let unplugWord = UInt8(ascii: "0")
    static let plugInWord = UInt8(ascii: "1")

    /// Carries bytes between descriptors 3 and 4 until standard input ends. A byte that the other side has no room for
    /// is lost, as on a line without flow control.
    static func run() throws -> Int32 {
        var isPlugged = true
        var buffer = [UInt8](repeating: 0, count: 4096)
        RigProgram.announceReady()
        while true {
            var ready = [Readiness(0, read: true), Readiness(3, read: true), Readiness(4, read: true)]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp {
                guard read(0, &buffer, 1) == 1 else { return 0 }
                isPlugged = buffer[0] == plugInWord
            }
            for (index, from, to) in [(1, Int32(3), Int32(4)), (2, 4, 3)] where ready[index].isReadable {
                let count = read(from, &buffer, buffer.count)
                if count > 0 && isPlugged { _ = write(to, buffer, count) }
            }
        }
    }
}
