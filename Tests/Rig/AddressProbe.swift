// The client that watches an address: an ICMP echo request every millisecond, and a line for each reply. The kernel of
// the address's owner answers, so this measures the address itself and nothing behind it.
import CLinux
import ClusterModel
import LinuxSystem

/// The program `probe ADDRESS FILE`.
enum AddressProbe {
    static let interval = Duration.milliseconds(1)

    /// Asks until standard input ends. Each reply becomes a line `SEQUENCE SENT RECEIVED` of the file, in nanoseconds
    /// of `Clock.now`.
    static func run(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 2, let address = IPAddress(arguments[0]) else {
            throw RigError("expected probe ADDRESS FILE")
        }
        // A probe that comes late itself would be less exact, but not wrong.
        _ = Realtime.enter(priority: 1)
        let socket = try echoSocket()
        let file = try Descriptor.open(arguments[1], O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let timer = try ticks(every: interval)
        var sent = SentTimes()
        RigProgram.announceReady()
        while true {
            var ready = [
                Readiness(0, read: true), Readiness(timer.raw, read: true), Readiness(socket.raw, read: true),
            ]
            try Readiness.wait(&ready)
            if ready[0].isReadable || ready[0].isHungUp { return 0 }
            if ready[2].isReadable { receive(socket, sent, file) }
            if ready[1].isReadable {
                var expirations: UInt64 = 0
                _ = read(timer.raw, &expirations, MemoryLayout<UInt64>.size)
                let sequence = sent.next(at: Clock.now())
                send(sequence, to: address, socket)
            }
        }
    }

    /// The times of the last requests, by number.
    private struct SentTimes {
        private static let capacity: UInt64 = 8192
        private var times = [Instant](repeating: .distantPast, count: Int(capacity))
        private(set) var count: UInt64 = 0

        mutating func next(at time: Instant) -> UInt64 {
            count += 1
            times[Int(count % SentTimes.capacity)] = time
            return count
        }

        func time(of sequence: UInt64) -> Instant? {
            guard sequence <= count, count - sequence < SentTimes.capacity else { return nil }
            return times[Int(sequence % SentTimes.capacity)]
        }
    }

    private static func echoSocket() throws -> Descriptor {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        return Descriptor(
            owning: try retrying("open an ICMP socket") { CLinux.socket(AF_INET, type, Int32(IPPROTO_ICMP)) })
    }

    static func ticks(every interval: Duration) throws -> Descriptor {
        let timer = Descriptor(owning: try retrying("timerfd") { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC)) })
        let step = timespec(tv_sec: 0, tv_nsec: Int(interval.wholeNanoseconds))
        var value = itimerspec(it_interval: step, it_value: step)
        let raw = timer.raw
        _ = try retrying("timerfd_settime") { timerfd_settime(raw, 0, &value, nil) }
        return timer
    }

    private static func send(_ sequence: UInt64, to address: IPAddress, _ socket: borrowing Descriptor) {
        // Type 8, code 0, checksum, identifier, then the low half of the number, and the whole number as payload.
        var packet: [UInt8] = [8, 0, 0, 0] + bytes(UInt16(truncatingIfNeeded: getpid()))
        packet += bytes(UInt16(truncatingIfNeeded: sequence)) + bytes(sequence)
        let sum = checksum(packet)
        packet[2] = UInt8(sum >> 8)
        packet[3] = UInt8(truncatingIfNeeded: sum)
        let raw = socket.raw
        // A request that cannot be sent is one that is not answered.
        _ = SocketAddress(address, port: 0).withSockaddr { target, length in
            sendto(raw, packet, packet.count, 0, .init(__sockaddr__: target), length)
        }
    }

    private static func receive(_ socket: borrowing Descriptor, _ sent: SentTimes, _ file: borrowing Descriptor) {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(socket.raw, &buffer, buffer.count, 0)
            let received = Clock.now()
            if count < 0 { return }
            let headerLength = Int(buffer[0] & 0x0f) * 4
            let message = buffer[..<count].dropFirst(headerLength)
            // Type 0 is the reply; the identifier tells ours from another probe's.
            guard message.count == 16, message.first == 0,
                Array(message.dropFirst(4).prefix(2)) == bytes(UInt16(truncatingIfNeeded: getpid()))
            else { continue }
            let sequence = message.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let time = sent.time(of: sequence) else { continue }
            var line = "\(sequence) \(time.nanoseconds) \(received.nanoseconds)\n"
            line.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) }
        }
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func checksum(_ packet: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: packet.count, by: 2) {
            sum += UInt32(packet[index]) << 8 | UInt32(packet[index + 1])
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(sum)
    }
}
