// The client that asks addresses again and again with ICMP echo requests, and notes each time without an answer and
// each change of who answers. The owner's kernel answers, so this measures the address and nothing behind it; the
// kernel's time stamps say when an answer arrived, so that a client that was late does not make an outage of it.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// The program `hb_bench client FILE INTERVAL ADDRESS...`, the interval in microseconds. With an interval of more than
/// `tickMin` it also asks an address as soon as another machine announces it: one that is asked seldom would else be
/// found late.
final class ClientProgram {
    /// What is known of one address.
    private struct Target {
        var address: SocketAddress
        var lastAnswer: Instant?
        var sentSequence: UInt64 = 0
        var lastSequence: UInt64 = 0
        var machine = 0
        /// The machine whose announcement was heard last.
        var announcer: Int?
        var lastNoted = Instant.distantPast
    }

    private static let tickMin = Duration.milliseconds(1)
    /// So often a line tells that an address is answered for, where nothing else happens.
    private static let noteInterval = Duration.milliseconds(20)

    private var targets: [Target]
    private let identifier = UInt16(truncatingIfNeeded: getpid())
    private let socket: Descriptor
    private let frames: PacketSocket
    private let receiver: DatagramReceiver
    /// Announcements; nil where none are listened for.
    private let announcements: PacketSocket?
    private let indices: [IPAddress: Int]
    private var lines = ""
    /// Requests sent so far in turn, over all addresses.
    private var sent: UInt64 = 0

    /// Asks until standard input ends; each address once in the interval. Lines of the file, with times in nanoseconds
    /// of `Clock.now`: `first INDEX TIME MACHINE`, `seen INDEX TIME MACHINE`, and `gap INDEX LAST TIME FROM TO LOST`
    /// for requests without an answer and changes of the machine that answers.
    static func run(_ words: [String]) throws -> Int32 {
        guard words.count >= 3, let interval = Int64(words[1]), interval > 0 else {
            throw RigError("expected client FILE INTERVAL ADDRESS...")
        }
        let addresses = words.dropFirst(2).compactMap { IPAddress($0) }
        guard addresses.count == words.count - 2 else { throw RigError("not all are addresses") }
        let client = try ClientProgram(addresses, hearsAnnouncements: interval > tickMin.wholeNanoseconds / 1000)
        let file = try Descriptor.open(words[0], O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        _ = Realtime.enter(priority: 2)
        try client.ask(every: .microseconds(interval), file)
        return 0
    }

    private init(_ addresses: [IPAddress], hearsAnnouncements: Bool) throws {
        targets = addresses.map { Target(address: SocketAddress($0, port: 0)) }
        indices = Dictionary(zip(addresses, 0...), uniquingKeysWith: { first, _ in first })
        announcements = hearsAnnouncements
            ? try PacketSocket(receiving: ARPPacket.etherType, interface: if_nametoindex("eth0")) : nil
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        socket = Descriptor(
            owning: try retrying("open an ICMP socket") { CLinux.socket(AF_INET, type, Int32(IPPROTO_ICMP)) })
        // Answers are read as frames: only those tell which machine sent them.
        frames = try PacketSocket(receiving: 0x0800, interface: if_nametoindex("eth0"))
        receiver = DatagramReceiver(socket: frames.raw, sizeMax: 256)
        var (on, size, none): (Int32, Int32, Int32) = (1, 8 << 20, 1)
        let length = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(frames.raw, SOL_SOCKET, SO_TIMESTAMPNS, &on, length)
        setsockopt(frames.raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, length)
        // Nobody reads what this one receives.
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVBUF, &none, length)
    }

    private func ask(every interval: Duration, _ file: borrowing Descriptor) throws {
        let count = Int64(targets.count)
        let tick = max(interval / Int(count), min(interval, ClientProgram.tickMin))
        let burst = Int((count * tick.wholeNanoseconds + interval.wholeNanoseconds - 1) / interval.wholeNanoseconds)
        let timer = try ClientProgram.timer(tick)
        print("ready")
        fflush(cl_stdout())
        while true {
            var ready = [
                Readiness(0, read: true), Readiness(timer.raw, read: true), Readiness(frames.raw, read: true),
                Readiness(announcements?.raw ?? frames.raw, read: true),
            ]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return }
            while let frame = try receiver.receive() { take(frame) }
            while let frame = try announcements?.receive() { hear(frame) }
            if ready[1].isReadable {
                var expirations: UInt64 = 0
                _ = read(timer.raw, &expirations, MemoryLayout<UInt64>.size)
                for _ in 0..<burst {
                    ask(Int(sent % UInt64(targets.count)))
                    sent += 1
                }
            }
            if !lines.isEmpty {
                lines.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) }
                lines = ""
            }
        }
    }

    private static func timer(_ tick: Duration) throws -> Descriptor {
        let timer = Descriptor(owning: try retrying("timerfd") { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC)) })
        let step = timespec(
            tv_sec: Int(tick.wholeNanoseconds / 1_000_000_000), tv_nsec: Int(tick.wholeNanoseconds % 1_000_000_000))
        var value = itimerspec(it_interval: step, it_value: step)
        let raw = timer.raw
        _ = try retrying("timerfd_settime") { timerfd_settime(raw, 0, &value, nil) }
        return timer
    }

    // MARK: Requests

    /// Asks for an address at once when another machine than the one that answers says that it has it.
    private func hear(_ frame: [UInt8]) {
        guard let claim = AddressClaim(frame: frame), let index = indices[claim.address] else { return }
        let machine = Int(frame[11]) - 1
        guard machine != targets[index].machine, machine != targets[index].announcer else { return }
        targets[index].announcer = machine
        ask(index)
    }

    private func ask(_ index: Int) {
        targets[index].sentSequence += 1
        let sequence = targets[index].sentSequence
        // Type 8, code 0, checksum, identifier, the low half of the number; then the number and the index.
        var packet: [UInt8] = [8, 0, 0, 0] + bytes(identifier) + bytes(UInt16(truncatingIfNeeded: sequence))
        packet += bytes(sequence) + bytes(UInt32(index))
        var sum: UInt32 = 0
        for place in stride(from: 0, to: packet.count, by: 2) {
            sum += UInt32(packet[place]) << 8 | UInt32(packet[place + 1])
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        packet[2] = UInt8(~sum >> 8 & 0xff)
        packet[3] = UInt8(~sum & 0xff)
        let raw = socket.raw
        // A request that cannot be sent is one that is not answered.
        _ = targets[index].address.withSockaddr { target, length in
            sendto(raw, packet, packet.count, 0, .init(__sockaddr__: target), length)
        }
    }

    private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    // MARK: Answers

    /// An Ethernet frame: 14 bytes, then IP, then the echo reply.
    private func take(_ frame: Datagram) {
        let bytes = frame.bytes
        guard bytes.count >= 14 + 20 + 20, bytes[14] >> 4 == 4, bytes[23] == UInt8(IPPROTO_ICMP) else { return }
        let reply = bytes.dropFirst(14 + Int(bytes[14] & 0x0f) * 4)
        let start = reply.startIndex
        guard reply.count >= 20, reply[start] == 0, number(reply[(start + 4)...].prefix(2)) == UInt64(identifier) else {
            return
        }
        let sequence = number(reply[(start + 8)...].prefix(8))
        let index = Int(number(reply[(start + 16)...].prefix(4)))
        guard index < targets.count, sequence > targets[index].lastSequence else { return }
        // The last byte of a machine's hardware address is its number and one.
        note(index, sequence, machine: Int(bytes[11]) - 1, at: frame.arrival)
    }

    private func note(_ index: Int, _ sequence: UInt64, machine: Int, at arrival: Instant) {
        let target = targets[index]
        let time = arrival.nanoseconds
        targets[index].lastAnswer = arrival
        targets[index].lastSequence = sequence
        targets[index].machine = machine
        targets[index].announcer = machine
        guard let last = target.lastAnswer else {
            lines += "first \(index) \(time) \(machine)\n"
            return
        }
        let lost = sequence - target.lastSequence - 1
        if lost > 0 || machine != target.machine {
            lines += "gap \(index) \(last.nanoseconds) \(time) \(target.machine) \(machine) \(lost)\n"
        } else if arrival - target.lastNoted >= ClientProgram.noteInterval {
            lines += "seen \(index) \(time) \(machine)\n"
        } else {
            return
        }
        targets[index].lastNoted = arrival
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
