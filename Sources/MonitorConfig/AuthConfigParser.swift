// Reads auth.cf (specs/mon.md 9): who may give which command, who may send traps.
import ClusterConfig
import Monitoring

struct AuthConfigParser {
    static let commands = [
        "ack", "checkauth", "clear", "disable", "dump", "enable", "get", "getview", "list", "loadstate", "login",
        "protid", "quit", "reload", "reset", "savestate", "servertime", "set", "setview", "start", "stop", "term",
        "test", "version",
    ]

    var authorization = Authorization()
    var diagnostics: [Diagnostic] = []
    private var isTrapSection = false

    mutating func read(_ line: ConfigLine) {
        let words = line.words
        if words.count == 2, words[1].text == "section" {
            switch words[0].text {
            case "command": isTrapSection = false
            case "trap": isTrapSection = true
            default:
                let hint = Spelling.hint(for: words[0].text, among: ["command", "trap"])
                report(.error, line.excerpt(words[0].range), "unknown section, expected command or trap\(hint)")
            }
            return
        }
        if isTrapSection { readTrap(words, line) } else { readCommand(line) }
    }

    /// `COMMAND: USER, USER...`
    private mutating func readCommand(_ line: ConfigLine) {
        guard let colon = line.bytes.firstIndex(of: UInt8(ascii: ":")) else {
            return report(.error, line.excerpt(), "expected COMMAND: USER, USER...")
        }
        let name = String(decoding: line.bytes[..<colon].filter { !ConfigLine.isSpace($0) }, as: UTF8.self)
        let text = String(decoding: line.bytes[(colon + 1)...], as: UTF8.self)
        let users = text.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
        if !AuthConfigParser.commands.contains(name) {
            let hint = Spelling.hint(for: name, among: AuthConfigParser.commands)
            report(.warning, line.excerpt(0..<colon), "\(name): no command is called so\(hint)")
        }
        authorization.rules.append(Authorization.Rule(command: name, users: users))
    }

    /// `HOST USER HASH`
    private mutating func readTrap(_ words: [ConfigWord], _ line: ConfigLine) {
        guard words.count == 3 else {
            return report(.error, line.excerpt(), "expected HOST USER PASSWORD",
                help: "* stands for every host, and for every user without a password")
        }
        let hash = words[2].text
        if words[1].text != "*", !hash.hasPrefix("$"), hash.utf8.count != 13 {
            report(.warning, line.excerpt(words[0].range), "the password must be a hash of crypt(3)",
                help: "make one: openssl passwd -6")
        }
        authorization.trapSources.append(
            Authorization.TrapSource(host: words[0].text, user: words[1].text, hash: hash))
    }

    private mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt, message, help: help))
    }
}
