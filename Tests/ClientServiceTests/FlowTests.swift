// Flow control on its way to the clients: what the status process does with their messages while it is closed.
import CLinux
import CSystemd
import ClusterModel
import LinuxSystem
import Messaging
import Privsep
import Reactor
import Testing

@testable import Status

@Suite("Flow control between the status process and the client service")
struct FlowTests {
    /// A status process's end of the channel, and what it lets through.
    private final class Desk {
        let loop: EventLoop
        let service: Channel
        var isOpen = true
        /// How many messages go out until flow control closes; nil: it does not.
        var room: Int?
        var sent: [String] = []
        var link: ClientServiceLink?

        init() throws {
            loop = try EventLoop()
            let pair = try SocketPair()
            service = Channel(pair.first)
            try connect(Channel(pair.second))
        }

        func connect(_ channel: Channel) throws {
            link = try ClientServiceLink(
                channel, loop: loop, waiting: link?.waiting ?? [], view: { nil },
                maySend: { [unowned self] in isOpen },
                received: { [unowned self] message in
                    sent.append(message.text("info") ?? "")
                    if let left = room {
                        room = left - 1
                        if left == 1 { isOpen = false }
                    }
                    // As each event does.
                    link?.noteChange()
                })
        }

        /// Has a client say something; false where there is no room in the channel.
        func say(_ info: String) throws -> Bool {
            var message = HAMessage()
            message.append("t", "greeting")
            message.append("info", info)
            var writer = ByteWriter()
            try NetstringCodec.encode(message, into: &writer)
            return try service.send(ClientsToStatus.send(writer.bytes)) == .sent
        }

        func turn(_ count: Int = 50) { for _ in 0..<count { sd_event_run(loop.event, 1000) } }

        /// What the service was told since the last call.
        func told() throws -> [StatusToClients] {
            var frames: [StatusToClients] = []
            _ = try service.drain { (frame: StatusToClients, _) in frames.append(frame) }
            return frames
        }
    }

    @Test("R17: while flow control is closed messages wait, the service is told, and they go out in order afterwards")
    func closed() throws {
        let desk = try Desk()
        #expect(try desk.say("1"))
        desk.turn()
        #expect(desk.sent == ["1"])
        #expect(try desk.told() == [])

        desk.isOpen = false
        desk.link?.noteChange()
        #expect(try desk.told() == [.flow(isOpen: false)])
        for info in 2...40 { #expect(try desk.say("\(info)")) }
        desk.turn()
        #expect(desk.sent == ["1"])

        // Closes again after ten.
        desk.isOpen = true
        desk.room = 10
        desk.link?.noteChange()
        #expect(desk.sent == (1...11).map(String.init))
        #expect(try desk.told() == [], "those that wait go first")
        desk.isOpen = true
        desk.room = nil
        desk.link?.noteChange()
        #expect(desk.sent == (1...40).map(String.init))
        #expect(try desk.told() == [.flow(isOpen: true)])
    }

    @Test("R17: a service that goes on sending finds the channel full; what it could send is not lost")
    func pressure() throws {
        let desk = try Desk()
        desk.isOpen = false
        var said = 0
        for _ in 0..<2000 {
            if try desk.say("\(said)") { said += 1 }
            desk.turn(1)
        }
        #expect(said < 2000)
        #expect(desk.sent == [])
        desk.isOpen = true
        desk.link?.noteChange()
        desk.turn(said)
        #expect(desk.sent == (0..<said).map(String.init))
    }

    @Test("R17: what waits outlives the client service that took it")
    func restarted() throws {
        let desk = try Desk()
        desk.isOpen = false
        for info in 0..<3 { #expect(try desk.say("\(info)")) }
        desk.turn()
        let pair = try SocketPair()
        let service = Channel(pair.first)
        try desk.connect(Channel(pair.second))
        desk.isOpen = true
        desk.link?.noteChange()
        #expect(desk.sent == ["0", "1", "2"])
        withExtendedLifetime(service) {}
    }
}
