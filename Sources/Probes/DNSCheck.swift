// dns.monitor: one question to one name server, the host itself.
import CCares
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// What is asked, and what must come back.
struct DNSQuestion {
    var name: String
    var type: DNSType
    /// One of the answers must match it.
    var expected: Pattern?
    var usesTCP: Bool
    /// Only a server that has the zone itself will do.
    var needsAuthority: Bool
}

/// One question to one server.
final class DNSCheck: RunningCheck {
    private static let tryTimeout: Duration = .seconds(1)

    private let question: DNSQuestion
    private let started = Clock.now()
    private var channel: NameChannel?
    private var done: ((Finding) -> Void)?
    let stage: String

    init(
        _ question: DNSQuestion, _ server: SocketAddress, tools: CheckTools, deadline: Instant,
        _ done: @escaping (Finding) -> Void
    ) {
        self.question = question
        self.done = done
        stage = "waiting for the answer of \(server)"
        ask(server, tools.loop, max(.milliseconds(1), deadline - started))
    }

    func cancel() {
        done = nil
        channel?.close()
        channel = nil
    }

    private func ask(_ server: SocketAddress, _ loop: EventLoop, _ left: Duration) {
        // Datagrams get lost: c-ares doubles the wait with each try.
        let wait = question.usesTCP ? left : min(DNSCheck.tryTimeout, left)
        do throws(SystemError) {
            let host = server.address.isIPv6 ? "[\(server.address)]" : "\(server.address)"
            let channel = try NameChannel(
                loop: loop,
                NameChannel.Settings(
                    server: "\(host):\(server.port)", usesTCP: question.usesTCP, timeout: wait,
                    tries: question.usesTCP ? 1 : 6))
            self.channel = channel
            channel.query(question.name, type: question.type.rawValue) { [weak self] status, bytes in
                self?.answered(status, bytes)
            }
        } catch {
            finish(Finding(failure: "\(error)"))
        }
    }

    private func answered(_ status: Int32, _ bytes: [UInt8]) {
        if bytes.isEmpty { return finish(Finding(failure: NameChannel.text(status))) }
        guard let message = DNSMessage(bytes, type: question.type) else {
            return finish(Finding(failure: "an answer that cannot be read"))
        }
        finish(judge(message))
    }

    private func judge(_ message: DNSMessage) -> Finding {
        let asked = "\(question.name) \(question.type.word)"
        let details = message.answers.map { "    \(asked) \($0)" }
        switch message.code {
        case 0: break
        case 2: return Finding(failure: "\(asked): the server has failed (SERVFAIL)")
        case 3: return Finding(failure: "\(asked): there is no such name (NXDOMAIN)")
        case 5: return Finding(failure: "\(asked): refused (REFUSED)")
        default: return Finding(failure: "\(asked): error \(message.code)")
        }
        if message.answers.isEmpty { return Finding(failure: "\(asked): no such record") }
        if question.needsAuthority, !message.isAuthoritative {
            return Finding(failure: "\(asked): the server is no authority for it", details: details)
        }
        if let expected = question.expected, !message.answers.contains(where: { expected.matches(Array($0.utf8)) }) {
            return Finding(failure: "\(asked): no answer matches '\(expected.text)'", details: details)
        }
        return Finding(note: (Clock.now() - started).spoken, details: details)
    }

    private func finish(_ finding: Finding) {
        let done = done
        self.done = nil
        // The channel is at work when an answer comes: it is closed when it has returned.
        done?(finding)
    }
}
