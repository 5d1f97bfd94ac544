// A client's connection, as far as answers depend on it (specs/mon.md 9, 10).
import ClusterModel

/// What is known of a client.
struct Client: Equatable, Sendable {
    var number: ClientNumber
    /// As whom it has logged in, or as whom the kernel vouches for it.
    var user: String?
    /// It may do everything.
    var isTrusted = false
    var isLocal = false
    var view: String?
    /// What it waits for.
    var pending: Pending?

    /// A command whose answer needs the shell.
    enum Pending: Equatable, Sendable {
        case login
        case reset
        case testConfiguration
        case reload
        case save
        case load
        case downtimes
    }
}

/// An answer: lines, the last of which begins with three digits.
struct Reply {
    private(set) var bytes: [UInt8] = []

    init() {}

    init(_ last: String) { line(last) }

    mutating func line(_ text: String) { line(Array(text.utf8)) }

    /// One line it stays, whatever is in it.
    mutating func line(_ text: [UInt8]) {
        bytes += text.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension Monitor {
    /// More connections are closed at once by the shell.
    package static let clientsMax = 1024
    /// Longest line of a client; what sends a longer one is closed by the shell.
    package static let lineLengthMax = 64 * 1024

    mutating func connected(_ number: ClientNumber, _ peer: ClientPeer) {
        var client = Client(number: number)
        switch peer {
        case .address(_, let isLocal): client.isLocal = isLocal
        case .process(let user, let isTrusted):
            client.isLocal = true
            client.isTrusted = isTrusted
            client.user = isTrusted ? user : nil
        }
        clients.append(client)
    }

    /// What the shell found out for a client.
    mutating func answered(_ number: ClientNumber, _ answer: Answer, _ effects: inout [MonitorEffect]) {
        guard let place = clients.firstIndex(where: { $0.number == number }), let pending = clients[place].pending
        else { return }
        clients[place].pending = nil
        if case .login(let user, true) = answer { clients[place].user = user }
        effects.append(.reply(number, reply(pending, answer).bytes))
    }

    private func reply(_ pending: Client.Pending, _ answer: Answer) -> Reply {
        let problem = if case .done(let problem) = answer { problem } else { String?.none }
        switch (pending, answer) {
        case (.login, .login(_, accepted: true)): return Reply("220 login accepted")
        case (.login, _): return Reply("530 login unsuccessful")
        case (.reset, _):
            let name = "\(serverPID)@\(hostName)"
            return Reply(
                problem == nil ? "220 reset PID \(name)" : "520 reset PID \(name) failed, error in config file")
        case (.testConfiguration, _):
            guard let problem else { return Reply("220 test config completed OK, no errors found") }
            var reply = Reply()
            for line in problem.split(separator: "\n") where !isFinal(line) { reply.line(String(line)) }
            reply.line("")
            reply.line("520 test config completed, errors found in config file")
            return reply
        case (.reload, _): return Reply(problem.map { "520 reload error, \($0)" } ?? "220 reload completed")
        case (.save, _): return Reply(problem.map { "520 savestate error, \($0)" } ?? "220 savestate completed")
        case (.load, _): return Reply(problem.map { "520 loadstate error, \($0)" } ?? "220 loadstate completed")
        case (.downtimes, .downtimes(let lines?)):
            var reply = Reply()
            for line in lines where !line.hasPrefix("#") && !isFinal(line[...]) { reply.line(line) }
            reply.line("220 list dtlog completed")
            return reply
        case (.downtimes, _): return Reply("520 list dtlog error, cannot open dtlog")
        }
    }

    /// Whether clients would take a line for the last one.
    private func isFinal(_ line: Substring) -> Bool {
        let bytes = Array(line.utf8.prefix(4))
        return bytes.count == 4 && bytes[..<3].allSatisfy { (48...57).contains($0) } && bytes[3] == 0x20
    }
}
