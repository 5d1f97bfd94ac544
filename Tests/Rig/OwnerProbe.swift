// The client that asks who owns addresses: an ARP request for each of them, again and again, and a line whenever other
// machines answer than before. Two machines that answer the same request both own the address.
import CLinux
import ClusterModel
import LinuxSystem

/// The program `probe-owners FILE ADDRESS...`.
enum OwnerProbe {
    static let interval = Duration.milliseconds(20)
    /// An answer that comes later than its request by so many rounds is not waited for.
    private static let roundsKept = 4
    /// A round that begins late by more is noted: this machine stalls.
    private static let stallMin = Duration.milliseconds(50)

    /// Asks until standard input ends. Lines of the file, times in nanoseconds of `Clock.now`: `owners TIME ADDRESS
    /// HARDWARE-ADDRESS...` when those who answer are others than in the round before, `stall TIME LATENESS` when this
    /// process, which has no priority, could not run in time.
    static func run(_ arguments: [String]) throws -> Int32 {
        let targets = arguments.dropFirst().compactMap { IPAddress($0) }
        guard let path = arguments.first, !targets.isEmpty, targets.count == arguments.count - 1 else {
            throw RigError("expected probe-owners FILE ADDRESS...")
        }
        let interface = if_nametoindex("eth0")
        guard interface > 0 else { throw RigError("the client has no eth0") }
        let planned = NetworkPlan.hardwareAddress(of: NetworkPlan.client, on: 0)
        guard let own = MACAddress(planned) else { throw RigError("\(planned) is no hardware address") }
        let socket = try PacketSocket(receiving: ARPPacket.etherType, interface: interface)
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let timer = try AddressProbe.ticks(every: interval)
        var rounds = Rounds(targets: targets)
        var due = Clock.now() + interval
        RigProgram.announceReady()
        while true {
            var ready = [
                Readiness(0, read: true), Readiness(timer.raw, read: true), Readiness(socket.raw, read: true),
            ]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
            while let frame = try socket.receive() { rounds.take(frame, own: own) }
            guard ready[1].isReadable else { continue }
            var expirations: UInt64 = 0
            _ = read(timer.raw, &expirations, MemoryLayout<UInt64>.size)
            let now = Clock.now()
            if now - due > stallMin { note("stall \(now.nanoseconds) \((now - due).wholeNanoseconds)", file) }
            due = now + interval
            for line in rounds.begin(at: now) { note(line, file) }
            for target in targets { ask(target, rounds.sender, own, socket, interface) }
        }
    }

    /// The last rounds of requests. Each has a sender address of its own, so that an answer tells which one it is to.
    private struct Rounds {
        private struct Round {
            var begin: Instant
            /// Who answered, for each target.
            var answers: [[MACAddress]]
        }

        private let targets: [IPAddress]
        private var rounds: [Round] = []
        private var count = 0
        private var noted: [[MACAddress]?]

        init(targets: [IPAddress]) {
            self.targets = targets
            noted = targets.map { _ in nil }
        }

        /// Where requests of the newest round come from.
        var sender: IPAddress? { OwnerProbe.sender(count) }

        /// Begins a round; returns what is to be noted of the one that has had its time.
        mutating func begin(at now: Instant) -> [String] {
            var lines: [String] = []
            if rounds.count == roundsKept {
                let old = rounds.removeFirst()
                for (index, target) in targets.enumerated() where noted[index] != old.answers[index] {
                    noted[index] = old.answers[index]
                    let words = old.answers[index].map { " \($0)" }.joined()
                    lines.append("owners \(old.begin.nanoseconds) \(target)\(words)")
                }
            }
            count += 1
            rounds.append(Round(begin: now, answers: targets.map { _ in [] }))
            return lines
        }

        mutating func take(_ frame: [UInt8], own: MACAddress) {
            guard let packet = ARPPacket(frame: frame), packet.operation == .reply, packet.targetHardware == own,
                let target = targets.firstIndex(of: packet.sender)
            else { return }
            for (index, _) in rounds.enumerated()
            where packet.target == OwnerProbe.sender(count - (rounds.count - 1 - index)) {
                let answers = rounds[index].answers[target]
                if !answers.contains(packet.senderHardware) {
                    rounds[index].answers[target] = (answers + [packet.senderHardware]).sorted { "\($0)" < "\($1)" }
                }
            }
        }
    }

    /// One more sender than rounds are kept.
    private static func sender(_ round: Int) -> IPAddress? {
        IPAddress(NetworkPlan.address(of: NetworkPlan.client + 10 + round % (roundsKept + 1)))
    }

    private static func ask(
        _ target: IPAddress, _ sender: IPAddress?, _ own: MACAddress, _ socket: PacketSocket, _ interface: UInt32
    ) {
        guard let sender, let packet = ARPPacket(.request, sender: sender, at: own, target: target, at: .zero) else {
            return
        }
        // A request that cannot be sent is one that is not answered.
        try? socket.send(packet.frame(source: own), interface: interface)
    }

    private static func note(_ line: String, _ file: borrowing Descriptor) {
        var line = line + "\n"
        line.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) }
    }
}

/// Who answered for an address from a moment on, until somebody else does.
package struct OwnerChange: Sendable {
    package var time: Instant
    package var address: String
    /// Numbers of the machines; more than one: they answered the same request.
    package var machines: [Int]
}

/// A running owner probe and what it has seen.
package final class OwnerWatch {
    private let process: HeldProcess
    private let file: GrowingFile
    /// Everything since the beginning, or since `forget`.
    package private(set) var changes: [OwnerChange] = []
    /// How late the client was, and when.
    package private(set) var stalls: [(time: Instant, lateness: Duration)] = []

    init(_ process: HeldProcess, file: String) {
        self.process = process
        self.file = GrowingFile(file)
    }

    /// Takes in what was noted since the last call.
    package func read() {
        for line in file.newLines() { take(line) }
    }

    private func take(_ line: String) {
        let words = line.split(separator: " ")
        guard words.count >= 3, let time = Int64(words[1]).map(Instant.init(nanoseconds:)) else { return }
        if words[0] == "stall", let lateness = Int64(words[2]) {
            stalls.append((time, .nanoseconds(lateness)))
        } else if words[0] == "owners" {
            // The last byte of a hardware address is the machine's number and one.
            let machines = words.dropFirst(3).compactMap { Int($0.suffix(2), radix: 16).map { $0 - 1 } }
            changes.append(OwnerChange(time: time, address: String(words[2]), machines: machines))
        }
    }

    /// Who answered last.
    package func owners(of address: String) -> [Int] { changes.last { $0.address == address }?.machines ?? [] }

    /// Forgets all but the newest change of each address.
    package func forget() {
        var kept: [OwnerChange] = []
        for change in changes.reversed() where !kept.contains(where: { $0.address == change.address }) {
            kept.append(change)
        }
        changes = kept.reversed()
        stalls = []
    }
}
