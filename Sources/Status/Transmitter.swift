// From the core's messages to bytes on every medium: control fields, signature, the form that each medium carries, and
// the memory of what may be asked for again (specs/heartbeat.md 1.1, 3.3, 4.7).
import CLinux
import ClusterCore
import ClusterModel
import Digests
import LinuxSystem
import Messaging

final class Transmitter {
    private struct Sent {
        var sequence: UInt64 = 0
        var datagram: [UInt8] = []
        var line: [UInt8] = []
        /// The one that signed it.
        var authenticator: Authenticator?
    }

    var authenticator: Authenticator
    private let configuration: Configuration
    private let identity: WireIdentity
    private let hasDatagrams: Bool
    private let hasLines: Bool
    private let load = LoadAverage()
    private var history = [Sent](repeating: Sent(), count: 512)

    init(configuration: Configuration, identity: WireIdentity, authenticator: Authenticator) {
        self.configuration = configuration
        self.identity = identity
        self.authenticator = authenticator
        hasLines = configuration.media.contains { $0.isSerial }
        hasDatagrams = configuration.media.contains { !$0.isSerial && !$0.isPing }
    }

    /// Sends a message on every open medium. Returns what went wrong, for the log.
    func transmit(_ outgoing: Outgoing, on media: MediumChannels?) -> String? {
        let seconds = UInt64(max(1, Clock.wallNanoseconds() / 1_000_000_000))
        let message = outgoing.completed(as: identity, timestamp: seconds, load: load.text(Clock.now()))
        do throws(WireError) {
            let sent = try signed(message, outgoing.sequence ?? 0)
            if let sequence = outgoing.sequence { history[Int(sequence % UInt64(history.count))] = sent }
            send(sent, on: media)
            if outgoing.sequence != nil && message.text("t") == "status" { try ping(seconds, on: media) }
            return nil
        } catch {
            return "a message cannot be sent: \(error)"
        }
    }

    /// Sends a stored message again: byte for byte, unless keys have changed since. Who asks may have lost it to just
    /// that, and would refuse it for ever.
    func retransmit(_ sequence: UInt64, on media: MediumChannels?) {
        let place = Int(sequence % UInt64(history.count))
        guard history[place].sequence == sequence, let former = history[place].authenticator else { return }
        if former !== authenticator {
            let bytes = hasDatagrams ? history[place].datagram : history[place].line
            guard let message = try? Envelope.open(bytes, authenticator: former),
                let sent = try? signed(message, sequence)
            else { return }
            history[place] = sent
        }
        send(history[place], on: media)
    }

    private func signed(_ message: HAMessage, _ sequence: UInt64) throws(WireError) -> Sent {
        var sent = Sent(sequence: sequence, authenticator: authenticator)
        if hasDatagrams {
            sent.datagram = try Envelope.encode(
                message, for: .datagram(classicInnerAuth: configuration.classicFormat), authenticator: authenticator)
        }
        if hasLines { sent.line = try Envelope.encode(message, for: .serial, authenticator: authenticator) }
        return sent
    }

    /// Passes a message on along serial lines.
    func forward(_ message: HAMessage, except: MediumID, on media: MediumChannels?) {
        guard let line = try? Envelope.encode(message, for: .serial, authenticator: authenticator) else { return }
        for index in configuration.media.indices where index != except.index && configuration.media[index].isSerial {
            media?.send(line, on: MediumID(index))
        }
    }

    private func send(_ sent: Sent, on media: MediumChannels?) {
        for index in configuration.media.indices where !configuration.media[index].isPing {
            media?.send(configuration.media[index].isSerial ? sent.line : sent.datagram, on: MediumID(index))
        }
    }

    /// What a ping node gives back: a message from itself (specs/heartbeat.md 4.7).
    private func ping(_ seconds: UInt64, on media: MediumChannels?) throws(WireError) {
        for (index, medium) in configuration.media.enumerated() {
            guard let name = medium.pingNodeName else { continue }
            var message = HAMessage()
            message.append("t", "NS_st")
            message.append("st", "ping")
            message.append("info", medium.directive)
            message.append("src", name)
            message.append("ts", String(seconds, radix: 16))
            let bytes = try Envelope.encode(
                message, for: .datagram(classicInnerAuth: configuration.classicFormat), authenticator: authenticator)
            media?.send(bytes, on: MediumID(index))
        }
    }
}
