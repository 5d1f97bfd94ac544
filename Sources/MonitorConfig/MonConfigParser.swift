// Reads mon.cf: records, and the lines between them (specs/mon.md 3). It never stops at a mistake.
import ClusterConfig
import Monitoring

struct MonConfigParser {
    /// What the line before belongs to.
    enum Record {
        case none, hostgroup, alias, view
        /// `hasService`: its first service has come.
        case watch(group: String, hasService: Bool)
        /// A record whose first line is wrong: what follows is passed over.
        case broken
    }

    private static let recordWords = ["hostgroup", "alias", "view", "watch"]

    var configuration = MonitorConfiguration()
    var diagnostics: [Diagnostic] = []
    /// Where groups, watches and services begin, for later findings.
    var groupPlaces: [Excerpt] = []
    var watchPlaces: [Excerpt] = []
    var servicePlaces: [Excerpt] = []
    /// Where dependencies stand, and which service they are of.
    var dependencyPlaces: [(service: Int, expression: DependencyExpression, excerpt: Excerpt)] = []
    var record = Record.none

    mutating func parse(_ lines: [ConfigLine]) {
        for line in lines { read(line) }
    }

    private mutating func read(_ line: ConfigLine) {
        if line.isBlank {
            record = .none
            return
        }
        guard let first = line.words.first else { return }
        if MonConfigParser.recordWords.contains(first.text), begins(first.text, line) { return begin(first, line) }
        switch record {
        case .watch(let group, let hasService): return readInWatch(line, first, group: group, hasService: hasService)
        case .none, .hostgroup, .alias, .view, .broken: break
        }
        if let equals = MonConfigParser.setting(line) { return readGlobal(line, equals) }
        switch record {
        case .hostgroup: addHosts(line.words, line)
        case .view: addMembers(line.words, line)
        case .alias: configuration.aliases[configuration.aliases.count - 1].lines.append(line.text)
        case .broken: break
        case .none, .watch:
            let hint = Spelling.hint(for: first.text, among: MonConfigParser.recordWords)
            report(.error, line.excerpt(first.range), "unknown syntax [\(line.text)]\(hint)",
                help: "a line here is NAME = VALUE or begins a record: hostgroup, alias, view or watch")
        }
    }

    /// Whether a line with the word of a record begins one: free text of aliases may begin so, too. In mon a group or
    /// view swallows such lines as members until a blank one.
    private mutating func begins(_ word: String, _ line: ConfigLine) -> Bool {
        switch record {
        case .none, .watch, .broken: return true
        case .alias: return word == "hostgroup"
        case .hostgroup, .view:
            if word != "hostgroup" {
                report(.warning, line.excerpt(), "\(word): no blank line before it",
                    help: "mon takes this line for members of the record above: end that with a blank line")
            }
            return true
        }
    }

    private mutating func begin(_ word: ConfigWord, _ line: ConfigLine) {
        let words = Array(line.words.dropFirst())
        record = .broken
        guard let tag = words.first else {
            return report(.error, line.excerpt(), "\(word.text): no name")
        }
        guard tag.text.utf8.allSatisfy(isTagByte) else {
            return report(.error, line.excerpt(tag.range),
                "\(word.text): a name is made of letters, digits, _, . and -")
        }
        switch word.text {
        case "hostgroup":
            if let place = configuration.groups.firstIndex(where: { $0.name == tag.text }) {
                let before = groupPlaces[place].location.line
                return report(.error, line.excerpt(tag.range), "hostgroup \(tag.text): defined in line \(before)")
            }
            configuration.groups.append(HostGroup(name: tag.text, hosts: []))
            groupPlaces.append(line.excerpt(tag.range))
            record = .hostgroup
            addHosts(Array(words.dropFirst()), line)
        case "view":
            configuration.views.removeAll { $0.name == tag.text }
            configuration.views.append(MonitorView(name: tag.text, members: []))
            record = .view
            addMembers(Array(words.dropFirst()), line)
        case "alias":
            configuration.aliases.removeAll { $0.name == tag.text }
            configuration.aliases.append(MonitorAlias(name: tag.text, lines: []))
            record = .alias
            let text = line.rest(from: tag.range.upperBound).text
            if !text.isEmpty { configuration.aliases[configuration.aliases.count - 1].lines.append(text) }
        default:
            if let place = configuration.watches.firstIndex(of: tag.text) {
                let before = watchPlaces[place].location.line
                return report(.error, line.excerpt(tag.range), "watch \(tag.text): defined in line \(before)")
            }
            if let more = words.dropFirst().first {
                report(.error, line.excerpt(more.range), "watch: takes one name")
            }
            configuration.watches.append(tag.text)
            watchPlaces.append(line.excerpt(tag.range))
            record = .watch(group: tag.text, hasService: false)
        }
    }

    private mutating func addHosts(_ words: [ConfigWord], _ line: ConfigLine) {
        let group = configuration.groups.count - 1
        for word in words {
            let isDisabled = word.text.hasPrefix("*")
            let name = String(isDisabled ? word.text.dropFirst() : word.text[...])
            guard !name.isEmpty else {
                report(.error, line.excerpt(word.range), "no host behind *")
                continue
            }
            if configuration.groups[group].hosts.contains(where: { $0.name == name }) {
                report(.warning, line.excerpt(word.range), "\(name): named before in this group")
                continue
            }
            configuration.groups[group].hosts.append(HostGroup.Host(name: name, isDisabled: isDisabled))
        }
    }

    private mutating func addMembers(_ words: [ConfigWord], _ line: ConfigLine) {
        configuration.views[configuration.views.count - 1].members += words.map(\.text)
    }

    /// Where `=` stands in a line `NAME = VALUE`.
    private static func setting(_ line: ConfigLine) -> Int? {
        guard let equals = line.bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return nil }
        var name = line.bytes[..<equals]
        while let last = name.last, ConfigLine.isSpace(last) { name.removeLast() }
        return name.allSatisfy { isTagByte($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") } ? equals : nil
    }

    mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt, message, help: help))
    }
}
