// Talks to a server by a script: what must come, what is sent then, where TLS begins. tcp, smtp, ftp, pop3, imap and
// nntp are such scripts.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// One step of a script.
enum ConversationStep {
    /// A reply of lines, the last of which has one of these beginnings; lines with `between` may come before.
    case reply([String], between: [String], of: String)
    /// Anything that matches.
    case match(Pattern)
    case send(String)
    case secure
}

/// How a server is talked to.
struct ConversationScript {
    var steps: [ConversationStep]
    var verifies = true
    /// The name that the server's certificate must have; nil: the host's.
    var certificateName: String?
    /// Fewer days left to the certificate are a failure.
    var daysMin: Int?
}

/// One conversation with one host.
final class Conversation: RunningCheck {
    /// Bytes of a server that are listened to.
    private static let receivedMax = 64 * 1024

    private let script: ConversationScript
    private let host: String
    private let tools: CheckTools
    private let started = Clock.now()
    private var addresses: [SocketAddress]
    private var stream: ByteStream?
    private var step = 0
    private var received: [UInt8] = []
    private var receivedCount = 0
    private var done: ((Finding) -> Void)?
    private(set) var stage = "connecting"

    init(
        _ script: ConversationScript, host: String, _ addresses: [SocketAddress], tools: CheckTools,
        _ done: @escaping (Finding) -> Void
    ) {
        self.script = script
        self.host = host
        self.addresses = addresses
        self.tools = tools
        self.done = done
        connect("no address")
    }

    func cancel() {
        done = nil
        stream?.close()
        stream = nil
    }

    /// The next address, until there is none.
    private func connect(_ failure: String) {
        guard done != nil else { return }
        guard !addresses.isEmpty else { return finish(failure) }
        let target = addresses.removeFirst()
        stage = "connecting to \(target)"
        do throws(SystemError) {
            stream = try ByteStream(to: target, loop: tools.loop) { [weak self] event in self?.take(event, target) }
        } catch {
            connect("\(target): \(SystemError.text(error.code))")
        }
    }

    private func take(_ event: ByteStream.Event, _ target: SocketAddress) {
        guard done != nil else { return }
        switch event {
        case .connected, .secured: advance()
        case .received(let bytes):
            receivedCount += bytes.count
            received += bytes
            consider()
        case .closed: finish("the server closed the connection, \(stage)")
        case .failed(let reason):
            if stage.hasPrefix("connecting") { return connect("\(target): \(reason)") }
            finish("\(reason), \(stage)")
        }
    }

    /// Goes on with the script up to where the server must say something.
    private func advance() {
        while done != nil {
            guard step < script.steps.count else { return finish(nil) }
            switch script.steps[step] {
            case .send(let text):
                stream?.send(Array(text.utf8))
                step += 1
            case .secure where stream?.session == nil:
                // What came before it is not protected, and would be taken for the server's word under TLS.
                guard received.isEmpty else { return finish("bytes before TLS that nobody asked for") }
                stage = "TLS handshake"
                stream?.secure(host: script.certificateName ?? host, verifies: script.verifies, tools.tls)
                return
            case .secure:
                if let reason = certificateProblem() { return finish(reason) }
                step += 1
            case .reply(_, _, let name):
                stage = "waiting for \(name)"
                guard heardReply() else { return }
            case .match(let pattern):
                stage = "waiting for '\(pattern.text)'"
                guard pattern.matches(received) else { return }
                received = []
                step += 1
            }
        }
    }

    private func consider() {
        advance()
        guard done != nil, receivedCount > Conversation.receivedMax else { return }
        finish("more than \(Conversation.receivedMax) bytes, \(stage)")
    }

    /// Takes whole lines; true when the reply's last one was among them.
    private func heardReply() -> Bool {
        guard case .reply(let good, let between, let name) = script.steps[step] else { return false }
        while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
            var line = String(decoding: received[..<end], as: UTF8.self)
            received.removeSubrange(...end)
            if line.hasSuffix("\r") { line.removeLast() }
            if good.contains(where: line.hasPrefix) {
                step += 1
                return true
            }
            if between.contains(where: line.hasPrefix) { continue }
            finish("\(name): '\(line.prefix(200))'")
            return false
        }
        return false
    }

    private func certificateProblem() -> String? {
        guard let daysMin = script.daysMin else { return nil }
        guard let days = stream?.session?.daysLeft else { return "the server shows no certificate" }
        return Certificate.problem(daysLeft: days, daysMin: daysMin)
    }

    private func finish(_ failure: String?) {
        let done = done
        self.done = nil
        stream?.close()
        stream = nil
        done?(Finding(failure: failure, note: (Clock.now() - started).spoken))
    }
}

/// Words on the end of certificates.
enum Certificate {
    /// nil where there are days enough.
    static func problem(daysLeft days: Int, daysMin: Int) -> String? {
        if days < 0 { return "the certificate has expired \(-days) \(days == -1 ? "day" : "days") ago" }
        return days < daysMin ? "the certificate expires in \(days) \(days == 1 ? "day" : "days")" : nil
    }
}
