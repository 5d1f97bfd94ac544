// The filter that keeps a busy segment away from the process: what it passes, checked against a second reading of the
// same rule, and what it costs the kernel.
import CLinux
import ClusterModel
import Testing

@testable import LinuxSystem

@Suite("The filter for claims of watched addresses")
struct ClaimFilterTests {
    /// Runs a program as the kernel does; the number of instructions that it took is added to `steps`.
    private func passes(_ program: [ClaimFilter.Instruction], _ frame: [UInt8], steps: inout Int) -> Bool {
        func load(_ offset: UInt32, _ count: Int) -> UInt32? {
            let start = Int(offset)
            guard start + count <= frame.count else { return nil }
            return frame[start..<start + count].reduce(0) { $0 << 8 | UInt32($1) }
        }
        var position = 0
        var value: UInt32 = 0
        while program.indices.contains(position) {
            let now = program[position]
            position += 1
            steps += 1
            switch now.code {
            case 0x20, 0x28, 0x30:
                let size = now.code == 0x20 ? 4 : now.code == 0x28 ? 2 : 1
                guard let loaded = load(now.operand, size) else { return false }
                value = loaded
            case 0x05: position += Int(now.operand)
            case 0x15: position += Int(value == now.operand ? now.onTrue : now.onFalse)
            case 0x25: position += Int(value > now.operand ? now.onTrue : now.onFalse)
            case 0x35: position += Int(value >= now.operand ? now.onTrue : now.onFalse)
            case 0x06: return now.operand != 0
            default:
                Issue.record("code \(now.code)")
                return false
            }
        }
        Issue.record("ran out of the program")
        return false
    }

    private func address(_ number: UInt32) -> IPAddress? {
        IPAddress(bytes: (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) })
    }

    private func frame(_ number: UInt32, _ hardware: MACAddress) throws -> [UInt8] {
        let packet = ARPPacket.announcement(of: try #require(self.address(number)), at: hardware)[0]
        return packet.frame(source: hardware)
    }

    @Test("Of random sets exactly the addresses of the set pass, from others alone, in a few steps", arguments: 0..<20)
    func random(seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let own = try #require(MACAddress("02:00:00:00:00:01"))
        let other = try #require(MACAddress("02:00:00:00:01:01"))
        let base = UInt32.random(in: 0...(.max - 5000), using: &random)
        let numbers = Set((0..<Int.random(in: 1...300, using: &random)).map { _ in
            base + UInt32.random(in: 0..<400, using: &random)
        })
        let program = ClaimFilter.program(.arp, addresses: numbers.compactMap(address), own: [own])
        let isExact = ClaimFilter.intervals(Array(numbers), max: .max).count <= ClaimFilter.intervalsMax
        #expect(program.count < 4096, "what the kernel takes")
        for number in base - min(base, 5)..<base + 405 {
            var steps = 0
            let foreign = try frame(number, other)
            let passed = passes(program, foreign, steps: &steps)
            if numbers.contains(number) { #expect(passed) } else if isExact { #expect(!passed) }
            #expect(steps < 50)
            var unused = 0
            let mine = try frame(number, own)
            #expect(!passes(program, mine, steps: &unused), "its own")
        }
        var steps = 0
        #expect(!passes(program, [UInt8](repeating: 0xff, count: 20), steps: &steps), "a short frame")
    }

    @Test("More intervals than fit lose their narrowest gaps, and nothing else")
    func intervals() {
        #expect(ClaimFilter.intervals([5, 4, 6, 9], max: 8) == [4...6, 9...9])
        #expect(ClaimFilter.intervals([1, 3, 10, 12, 100], max: 3) == [1...3, 10...12, 100...100])
        #expect(ClaimFilter.intervals([1, 3, 10, 12, 100], max: 1) == [1...100])
        #expect(ClaimFilter.intervals([0, .max], max: 8) == [0...0, .max ... .max])
        #expect(ClaimFilter.intervals([], max: 8) == [])
    }

    @Test("Advertisements of others for a watched address pass; solicitations and other addresses do not")
    func advertisements() throws {
        let watched = try #require(IPAddress("fd00:7::100"))
        let other = try #require(MACAddress("02:00:00:00:01:01"))
        let program = ClaimFilter.program(.advertisement, addresses: [watched], own: [])
        var steps = 0
        let wanted = try #require(NeighborAdvertisement.frame(of: watched, at: other))
        #expect(passes(program, wanted, steps: &steps))
        let probe = try #require(NeighborAdvertisement.probe(for: watched, from: other))
        #expect(!passes(program, probe, steps: &steps))
        let neighbour = try #require(IPAddress("fd00:7::101"))
        let unrelated = try #require(NeighborAdvertisement.frame(of: neighbour, at: other))
        #expect(!passes(program, unrelated, steps: &steps))
        let packet = try frame(7, other)
        #expect(!passes(program, packet, steps: &steps))
        #expect(AddressClaim(frame: probe) == nil)
        #expect(AddressClaim(frame: wanted) == AddressClaim(address: watched, hardware: other))
        #expect(MACAddress("00:00:5e:00:01:07")?.virtualRouter == 7 && other.virtualRouter == nil)
    }

    @Test("A solicitation for duplicate address detection is the kernel's own, to the byte")
    func solicitation() throws {
        let hardware = try #require(MACAddress("02:00:00:00:00:01"))
        let address = try #require(IPAddress("fd00:7::100"))
        let frame = try #require(NeighborAdvertisement.probe(for: address, from: hardware))
        let network = try TestNetwork()
        let socket = try network.inside(network.far) {
            let index = try #require(try NetlinkSession().interfaces().first { $0.name == "eth0" }).index
            return try PacketSocket(receiving: 3, interface: index)
        }
        try shell("ip -n \(network.near) addr add fd00:7::100/64 dev eth0")
        var kernels: [UInt8]?
        let deadline = Clock.now() + .seconds(20)
        while kernels == nil, Clock.now() < deadline {
            while let heard = try socket.receive() {
                guard heard.count >= 78, heard[54] == 135 else { continue }
                if heard[62..<78] == frame[62..<78] { kernels = heard }
            }
            usleep(10_000)
        }
        let heard = try #require(kernels)
        // The kernel adds a nonce (RFC 7527), which changes length and checksum, and a flow label.
        #expect(Array(heard[..<14]) == Array(frame[..<14]))
        #expect(Array(heard[20..<56]) == Array(frame[20..<56]))
    }
}
