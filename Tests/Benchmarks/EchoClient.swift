// Asks many addresses in turn with ICMP echo requests and knows who has answered.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// The client of a takeover that is measured.
final class EchoClient {
    /// When the addresses answered for the first time since `forget`; nil: not yet.
    private(set) var answers: [Instant?]
    private(set) var missing: Int

    private let addresses: [IPAddress]
    private let socket: Descriptor
    private let timer: Descriptor
    /// Addresses asked with each tick of the timer.
    private let perTick: Int
    private var next = 0

    /// Asks every address once in `round`, in the namespace of the caller.
    init(_ addresses: [IPAddress], round: Duration) throws {
        self.addresses = addresses
        answers = addresses.map { _ in nil }
        missing = addresses.count
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        socket = Descriptor(
            owning: try retrying("open an ICMP socket") { CLinux.socket(AF_INET, type, Int32(IPPROTO_ICMP)) })
        var size: Int32 = 4 << 20
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<Int32>.size))
        // No more than a thousand ticks a second for many addresses; one alone is asked as often as it is to be.
        perTick = max(1, Int(Double(addresses.count) * 1e6 / Double(round.wholeNanoseconds)))
        let tick = round * perTick / addresses.count
        timer = Descriptor(owning: try retrying("timerfd") { timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC)) })
        let step = timespec(tv_sec: 0, tv_nsec: Int(tick.wholeNanoseconds))
        var value = itimerspec(it_interval: step, it_value: step)
        let raw = timer.raw
        _ = try retrying("timerfd_settime") { timerfd_settime(raw, 0, &value, nil) }
    }

    /// Everything that was answered counts no more.
    func forget() {
        // What is under way was sent to the owner before.
        receive()
        answers = addresses.map { _ in nil }
        missing = addresses.count
    }

    /// Asks until all have answered, and for no longer than `limit`; throws then.
    func run(within limit: Duration) throws {
        let deadline = Clock.now() + limit
        while missing > 0 {
            var ready = [Readiness(timer.raw, read: true), Readiness(socket.raw, read: true)]
            try Readiness.wait(&ready, timeout: .seconds(1))
            if ready[1].isReadable { receive() }
            if ready[0].isReadable { ask() }
            if Clock.now() > deadline { throw RigError("\(missing) of \(addresses.count) addresses do not answer") }
        }
    }

    private func ask() {
        var expirations: UInt64 = 0
        _ = read(timer.raw, &expirations, MemoryLayout<UInt64>.size)
        for _ in 0..<perTick {
            send(next)
            next = (next + 1) % addresses.count
        }
    }

    private func send(_ index: Int) {
        // Type 8, code 0, checksum, identifier, number of the address.
        var packet: [UInt8] = [8, 0, 0, 0] + bytes(UInt16(truncatingIfNeeded: getpid())) + bytes(UInt16(index))
        var sum = UInt32(packet[0]) << 8
        for position in stride(from: 4, to: 8, by: 2) {
            sum += UInt32(packet[position]) << 8 | UInt32(packet[position + 1])
        }
        let folded = ~UInt16(truncatingIfNeeded: sum + (sum >> 16))
        packet[2] = UInt8(folded >> 8)
        packet[3] = UInt8(truncatingIfNeeded: folded)
        let raw = socket.raw
        // A request that cannot be sent is one that is not answered.
        _ = SocketAddress(addresses[index], port: 0).withSockaddr { target, length in
            sendto(raw, packet, packet.count, 0, .init(__sockaddr__: target), length)
        }
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(socket.raw, &buffer, buffer.count, 0)
            if count < 0 { return }
            let now = Clock.now()
            let header = Int(buffer[0] & 0x0f) * 4
            // Type 0 is the reply; the identifier tells ours from another client's.
            guard count >= header + 8, buffer[header] == 0,
                Array(buffer[header + 4..<header + 6]) == bytes(UInt16(truncatingIfNeeded: getpid()))
            else { continue }
            let index = Int(buffer[header + 6]) << 8 | Int(buffer[header + 7])
            guard answers.indices.contains(index), answers[index] == nil else { continue }
            answers[index] = now
            missing -= 1
        }
    }

    private func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
}
