// `moncmd`: says commands to a mon and prints its answers, with the command line that mon's own has.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

extension Tool {
    static let moncmd = Tool(
        verb: "moncmd", program: "moncmd", summary: "say commands to a mon, as moncmd always did",
        usage: "[-a] [-l USER] [-s HOST] [-p PORT] [-f FILE] [--strict] [COMMAND...]",
        help: """
            Says a command to a mon, or those of a file or of standard input, one a line, and prints what it answers:
            the data, then a line that begins with a number, 2xx for good, 5xx for refused.

              -s HOST            where mon runs (MONHOST, else localhost)
              -p PORT            its port (2583)
              -a                 log in first: the name is that of -l or one's own; the password is asked for, or both
                                 come as lines USER=NAME and PASS=PASSWORD at the beginning of standard input
              -l USER            the name to log in with
              -f FILE            say the commands of a file; -: of standard input
                  --strict       exit with 1 where mon refuses a command
                  --timeout SECONDS  how long an answer may take (30)

            Exit status: 0 answered, also where mon refuses; 1 the login was refused, or with --strict a command,
            2 wrong command line, 3 no mon there, 5 no answer in time, 6 the connection was lost.

            """,
        options: [
            ProgramOption("auth", "a"), ProgramOption("login", "l", value: .required),
            ProgramOption("server", "s", value: .required), ProgramOption("port", "p", value: .required),
            ProgramOption("file", "f", value: .required), ProgramOption("strict"),
            ProgramOption("timeout", value: .required),
        ], stopsAtOperand: true
    ) { invocation, arguments throws(UsageError) in
        var server = MonServer.standard
        if let host = arguments.value("server") { server.host = host }
        if let text = arguments.value("port") {
            guard let port = UInt16(text), port > 0 else { throw UsageError("-p takes a port, not '\(text)'") }
            server.port = port
        }
        let session = MoncmdSession(
            invocation: invocation, server: server, timeout: try arguments.seconds("timeout") ?? .seconds(30),
            isStrict: arguments.has("strict"))
        var input = InputLines(arguments.value("file") ?? "-")
        do throws(MonError) {
            let login = arguments.has("auth") ? try session.login(arguments.value("login"), &input) : nil
            let words = arguments.operands
            if !words.isEmpty, !arguments.has("file") { return try session.run([words.joined(separator: " ")], login) }
            return try session.run(try input.rest(), login)
        } catch {
            invocation.complain(error.reason)
            return error.status
        }
    }
}

/// Who logs in.
private struct MonLogin {
    var user: String
    var password: String
}

/// Lines of a file or of standard input.
private struct InputLines {
    private let name: String
    private var lines: [String] = []
    private var isRead = false

    init(_ name: String) { self.name = name }

    /// Takes the next line if it begins so.
    mutating func next(beginning word: String) throws(MonError) -> String? {
        try read()
        guard let line = lines.first, line.hasPrefix(word) else { return nil }
        lines.removeFirst()
        return String(line.dropFirst(word.count))
    }

    mutating func rest() throws(MonError) -> [String] {
        try read()
        return lines
    }

    private mutating func read() throws(MonError) {
        if isRead { return }
        isRead = true
        if name == "-" {
            while let line = readLine() { lines.append(line) }
            return
        }
        guard FileSystem.kind(of: name) != nil, let text = FileSystem.text(of: name, limit: 16 << 20) else {
            throw MonError(reason: "cannot read \(name)", status: ExitStatus.failed)
        }
        lines = text.split(separator: "\n").map(String.init)
    }
}

private struct MoncmdSession {
    let invocation: Invocation
    let server: MonServer
    let timeout: Duration
    let isStrict: Bool

    /// From standard input where no person is there, else the password from the terminal.
    func login(_ user: String?, _ input: inout InputLines) throws(MonError) -> MonLogin {
        let name = user ?? RequestOrigin.currentUser
        if Terminal.isTerminal(STDIN_FILENO) {
            let word = getpass("Password for \(name): ").map { String(cString: $0) } ?? ""
            return MonLogin(user: name, password: word)
        }
        let given = try input.next(beginning: "USER=")
        guard let password = try input.next(beginning: "PASS=") else {
            throw MonError(
                reason: "expected USER= and PASS= lines at the beginning of the input", status: ExitStatus.usage)
        }
        return MonLogin(user: given ?? name, password: password)
    }

    func run(_ commands: [String], _ login: MonLogin?) throws(MonError) -> Int32 {
        var connection = try MonConnection(server, timeout: timeout)
        if let login {
            let answer = try connection.ask("login \(login.user) \(login.password)")
            guard answer.isGood else {
                invocation.complain(Terminal.printable(answer.final))
                return ExitStatus.failed
            }
        }
        var status = ExitStatus.done
        for command in commands where !command.allSatisfy(\.isWhitespace) {
            let answer = try connection.ask(command)
            // As it came, for programs; only a terminal is protected.
            let text = (answer.lines + [answer.final]).map { $0 + "\n" }.joined()
            let isPerson = Terminal.isTerminal(STDOUT_FILENO)
            guard Terminal.print(isPerson ? Terminal.printable(text) : text) else { return ExitStatus.failed }
            if !answer.isGood, isStrict { status = ExitStatus.failed }
            if command.lowercased() == "quit" { return status }
        }
        // Not waited for with any worry: what was asked is answered.
        _ = try? connection.ask("quit")
        return status
    }
}
