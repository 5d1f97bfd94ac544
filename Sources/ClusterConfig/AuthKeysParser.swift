// Reads authkeys: `auth N` and lines `N METHOD [KEY]` (specs/heartbeat.md 6.2). No diagnostic shows a key, nor a word
// that may be one.
import ClusterModel

struct AuthKeysParser {
    private(set) var diagnostics: [Diagnostic] = []
    private var keys: [(key: AuthKey, excerpt: Excerpt)] = []
    private var signing: Located<Int>?

    /// Numbers that a key may have, as in 3.0.6.
    static let numbers = 0...15
    /// The key of the shipped example, known to everybody.
    static let exampleSecret = "change-me-everyone-knows-this-example"
    /// Shorter keys are reported, in bytes.
    static let secretLengthAdvised = 8

    /// The keys, if they can be used at all.
    mutating func parse(_ source: SourceText, facts: SystemFacts) -> AuthKeys? {
        checkFile(source.path, facts)
        for (index, bytes) in source.lines.enumerated() {
            let line = LogicalLine(path: source.path, number: index + 1, bytes: bytes)
            if let problem = LineCheck.problem(of: hiding(line, from: 0)) {
                diagnostics.append(problem)
            } else {
                read(line)
            }
        }
        guard let signing else {
            report(
                .error, Excerpt(file: source.path), "no line says which key signs, expected auth NUMBER",
                help: keys.isEmpty ? nil : "add the line: auth \(keys[0].key.number)")
            return nil
        }
        let numbers = keys.map { String($0.key.number) }
        guard keys.contains(where: { $0.key.number == signing.value }) else {
            let listed = Spelling.list(numbers, joinedBy: "and")
            let known = numbers.isEmpty ? "there are no keys" : "the keys are \(listed)"
            report(.error, signing.excerpt, "\(signing.value): there is no key with this number, \(known)")
            return nil
        }
        return AuthKeys(signing: signing.value, keys: keys.map(\.key).sorted { $0.number < $1.number })
    }

    /// Whoever reads the file can speak as the cluster, whoever writes it too.
    private mutating func checkFile(_ path: String, _ facts: SystemFacts) {
        let file = Excerpt(file: path)
        if let mode = facts.keysMode, mode & 0o066 != 0 {
            let bits = String(mode & 0o7777, radix: 8)
            report(.error, file, "the mode is \(bits), others can read or write the keys", help: "chmod 600 \(path)")
        }
        if let owner = facts.keysOwner, owner != 0, owner != facts.userID {
            report(.error, file, "the owner is user \(owner), expected root", help: "chown root \(path)")
        }
    }

    private mutating func read(_ line: LogicalLine) {
        let words = line.words(before: line.bytes.count) { _ in false }
        guard let first = words.first, first.bytes.first != UInt8(ascii: "#") else { return }
        if first.text == "auth" { return readSigning(words, line) }
        if first.bytes.allSatisfy(isDigit) { return readKey(words, line) }
        if Spelling.nearest(to: first.text, among: ["auth"]) != nil {
            let excerpt = hiding(line, from: 1).excerpt(first)
            return report(.error, excerpt, "\(first.text): unknown word, did you mean auth?")
        }
        report(
            .error, hiding(line, from: 0).excerpt(first), "unknown line, expected auth NUMBER or NUMBER METHOD KEY",
            help: "a line looks like this: 1 sha256 KEY")
    }

    private mutating func readSigning(_ words: [Word], _ line: LogicalLine) {
        let shown = hiding(line, from: 2)
        guard words.count > 1 else {
            return report(.error, shown.excerpt(words[0]), "auth: no number, expected that of the key that signs")
        }
        guard words[1].bytes.allSatisfy(isDigit), let number = number(words[1], line) else {
            if !words[1].bytes.allSatisfy(isDigit) {
                report(
                    .error, hiding(line, from: 1).excerpt(words[1]), "auth: expected the number of the key that signs")
            }
            return
        }
        if let before = signing {
            report(
                .warning, shown.excerpt(words[0]),
                "auth: given before in line \(before.excerpt.location.line), the last one counts")
        }
        signing = Located(value: number, excerpt: shown.excerpt(words[1]))
    }

    private mutating func number(_ word: Word, _ line: LogicalLine) -> Int? {
        if let number = Int(word.text), AuthKeysParser.numbers.contains(number) { return number }
        report(.error, hiding(line, from: 1).excerpt(word), "expected the number of a key, 0 to 15")
        return nil
    }

    private mutating func readKey(_ words: [Word], _ line: LogicalLine) {
        guard let number = number(words[0], line) else { return }
        let methods = DigestMethod.allCases.reversed().map(\.rawValue)
        guard words.count > 1 else {
            return report(
                .error, line.excerpt(words[0]), "no method, expected \(words[0].text) METHOD KEY",
                help: "the methods are \(Spelling.list(Array(methods), joinedBy: "and"))")
        }
        guard let method = DigestMethod(rawValue: words[1].text) else {
            let near = Spelling.nearest(to: words[1].text, among: Array(methods))
            // A word that resembles no method may be a key without one.
            let excerpt = hiding(line, from: near == nil ? 1 : 2).excerpt(words[1])
            let hint = near.map { ", did you mean \($0)?" } ?? ""
            return report(
                .error, excerpt, "\(excerpt.text): expected the method \(Spelling.list(Array(methods)))\(hint)")
        }
        let shown = hiding(line, from: 2)
        let secret = words.count > 2 ? Array(words[2].bytes) : []
        checkSecret(secret, method, words, shown)
        if let before = keys.first(where: { $0.key.number == number }) {
            let place = before.excerpt.location.line
            return report(
                .error, shown.excerpt(words[0]), "\(number): there is a key with this number, in line \(place)")
        }
        let key = AuthKey(number: number, method: method, secret: method == .crc ? [] : secret)
        keys.append((key, shown.excerpt(words[0])))
    }

    private mutating func checkSecret(
        _ secret: [UInt8], _ method: DigestMethod, _ words: [Word], _ shown: LogicalLine
    ) {
        let excerpt = shown.excerpt(words[1])
        let isComment = secret.first == UInt8(ascii: "#")
        switch method {
        case .crc:
            report(
                .warning, excerpt, "crc: finds damaged messages, but anybody can send messages as this cluster",
                help: "where others reach the network, write sha256 KEY (sha1 KEY while nodes run heartbeat 3.0.6)")
            if !secret.isEmpty, !isComment { report(.error, shown.excerpt(words[2]), "crc: takes no key") }
            return
        case .md5:
            report(
                .warning, excerpt, "md5: weak",
                help: "write sha256, or sha1 while nodes run heartbeat 3.0.6")
        case .sha1, .sha256: break
        }
        guard !secret.isEmpty else {
            return report(.error, excerpt, "\(method.rawValue): no key, expected one word behind the method")
        }
        if secret.count < AuthKeysParser.secretLengthAdvised {
            report(
                .warning, shown.excerpt(words[2]), "the key is \(secret.count) bytes long and can be guessed",
                help: "make one: openssl rand -hex 32")
        }
        if secret == Array(AuthKeysParser.exampleSecret.utf8) {
            report(
                .warning, shown.excerpt(words[2]), "this is the key of the shipped example, everybody knows it",
                help: "make one: openssl rand -hex 32")
        }
        if words.count > 3, words[3].bytes.first != UInt8(ascii: "#") {
            report(
                .warning, shown.excerpt(words[3]), "a key is one word, what follows is not part of it",
                help: "join the words, by hyphens for example")
        }
    }

    /// The line with all words from an index on masked.
    private func hiding(_ line: LogicalLine, from index: Int) -> LogicalLine {
        var shown = line
        shown.masked = Array(line.words(before: line.bytes.count) { _ in false }.dropFirst(index))
        return shown
    }

    private mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt, message, help: help))
    }
}
