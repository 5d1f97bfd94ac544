// Reads haresources: one resource group a line, `NODE RESOURCE...`, a backslash at the end continues the line
// (specs/heartbeat.md 5.1).
import ClusterModel

/// A group, and what checks over the whole file need to know of it.
struct ParsedGroup: Sendable {
    var group: ResourceGroup
    var preferred: Excerpt
    /// One for each of the group's resources.
    var resources: [Excerpt]
    /// The addresses that the group carries.
    var addresses: [Located<AddressLiteral>]
}

struct HAResourcesParser {
    let facts: SystemFacts
    var groups: [ParsedGroup] = []
    var diagnostics: [Diagnostic] = []
    /// Addresses, and the line that names each.
    private var addressLines: [AddressLiteral: Int] = [:]
    /// Names of groups, and the line of each.
    private var groupLines: [String: Int] = [:]

    /// Longest line after joining, in bytes.
    static let joinedLengthMax = 1 << 16
    /// Longest resource, in bytes; the printed line stays below that of a readable file.
    static let wordLengthMax = 4096

    init(facts: SystemFacts) { self.facts = facts }

    mutating func parse(_ source: SourceText) {
        var pending: LogicalLine?
        for (index, bytes) in source.lines.enumerated() {
            let number = index + 1
            let physical = LogicalLine(path: source.path, number: number, bytes: bytes)
            if let problem = LineCheck.problem(of: physical) {
                diagnostics.append(problem)
                // What continues here cannot be read as a whole.
                pending = nil
                continue
            }
            var line = physical
            if var begun = pending {
                warnOfSwallowedLine(begun, number: number)
                begun.join(number: number, bytes: bytes)
                line = begun
            }
            let continues = bytes.last == UInt8(ascii: "\\") && number < source.lines.count
            if continues, line.bytes.count <= HAResourcesParser.joinedLengthMax {
                pending = line
            } else {
                pending = nil
                read(line)
            }
        }
        checkKeysAgainstWords()
    }

    /// A comment reaches to the end of the joined line: a backslash behind it hides the next line.
    private mutating func warnOfSwallowedLine(_ line: LogicalLine, number: Int) {
        guard line.commentStart < line.bytes.count else { return }
        let end = line.bytes.count - 1
        report(
            .warning, line.excerpt(end..<end + 1),
            "the comment goes on in line \(number) because of the backslash at its end",
            help: "remove the backslash, or move the comment to a line of its own")
    }

    private mutating func read(_ line: LogicalLine) {
        let words = line.words(before: line.commentStart) { _ in false }
        guard let node = words.first else { return }
        if line.bytes.count > HAResourcesParser.joinedLengthMax {
            return report(.error, line.excerpt(node), "more than \(HAResourcesParser.joinedLengthMax) bytes in a group")
        }
        let broken = words.filter { !$0.isClean || $0.bytes.count > HAResourcesParser.wordLengthMax }
        for word in broken {
            let problem = word.isClean ? "too long" : "control characters or bytes that are not UTF-8"
            report(.error, line.excerpt(word), "\(word.isClean ? "a word" : word.text): \(problem)")
        }
        guard broken.isEmpty else { return }
        guard words.count > 1 else {
            return report(
                .error, line.excerpt(node), "\(node.text): no resources, expected NODE RESOURCE...")
        }
        var group = ParsedGroup(
            group: ResourceGroup(
                name: words[1].text, preferred: node.text.asciiLowercased, resources: [], line: line.number),
            preferred: line.excerpt(node), resources: [], addresses: [])
        var seen: Set<String> = []
        for word in words.dropFirst() {
            if seen.insert(word.text).inserted {
                add(word, line, to: &group)
            } else {
                report(.error, line.excerpt(word), "\(word.text): named twice in this group")
            }
        }
        if let first = groupLines[group.group.name] {
            return report(
                .error, line.excerpt(words[1]),
                "\(words[1].text): the group in line \(first) begins with this resource too",
                help: "a group is named after its first resource, begin this one with another")
        }
        groupLines[group.group.name] = line.number
        groups.append(group)
    }

    private mutating func add(_ word: Word, _ line: LogicalLine, to group: inout ParsedGroup) {
        let excerpt = line.excerpt(word)
        let reading = ResourceWord.read(word.text)
        let resource = reading.specification
        if word.text.hasSuffix("\\") {
            return report(
                .error, excerpt, "\(word.text): a backslash that does not continue the line",
                help: "a line must follow, and nothing behind the backslash itself, no blank either")
        }
        group.group.resources.append(resource)
        group.resources.append(excerpt)
        checkType(resource, excerpt)
        if ResourceWord.addresses.contains(resource.type) {
            readAddress(reading, word, line, in: &group)
        } else if resource.type == "Filesystem" {
            checkFilesystem(reading, word, line)
        } else if resource.type == "systemd", resource.arguments.count != 1 || resource.arguments[0].isEmpty {
            report(.error, excerpt, "\(word.text): expected systemd::UNIT")
        }
    }

    private mutating func checkType(_ resource: ResourceSpecification, _ excerpt: Excerpt) {
        let type = resource.type
        if type.isEmpty || type.contains("/") || type == "." || type == ".." {
            return report(
                .error, excerpt, "\(excerpt.text): expected an address, the name of a script, or a unit",
                help: "scripts are looked for in \(Spelling.list(facts.scriptDirectories, joinedBy: "and"))")
        }
        if type == "OCF" || type.hasPrefix("ocf:") { return checkAgent(resource, excerpt) }
        guard let scripts = facts.scripts, !ResourceWord.native.contains(type), !scripts.contains(type) else { return }
        if resource.arguments.isEmpty, facts.hasUnit?("\(type).service") == true { return }
        if ClassicScripts.wrapped.contains(where: { $0.name == type }) {
            return report(
                facts.missingAgents, excerpt, "\(type): the OCF agent that this script runs is not installed",
                help: "install the package resource-agents")
        }
        let hint = Spelling.hint(for: type, among: ResourceWord.native + scripts)
        let bare = resource.text.split(separator: "/", omittingEmptySubsequences: false).first ?? ""
        let places = Spelling.list(facts.scriptDirectories, joinedBy: "and")
        report(
            facts.missingAgents, excerpt, "\(type): no such resource script\(hint)",
            help: AddressLiteral(bare) != nil
                ? "to name an IPv6 address, write IPv6addr::\(resource.text)" : "scripts are looked for in \(places)")
    }

    /// `ocf:PROVIDER:NAME`, `ocf:NAME`, `OCF::NAME`: of the provider heartbeat where none is named.
    private mutating func checkAgent(_ resource: ResourceSpecification, _ excerpt: Excerpt) {
        let isClassic = resource.type == "OCF"
        let word = isClassic ? resource.arguments.first ?? "" : String(resource.type.dropFirst("ocf:".count))
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && !$0.contains("/") && !$0.hasPrefix(".") }) else {
            return report(
                .error, excerpt, "\(resource.text): expected \(isClassic ? "OCF::NAME" : "ocf:PROVIDER:NAME")"
                    + "[::PARAMETER=VALUE]...")
        }
        do throws(PromotedRole.Problem) {
            _ = try PromotedRole.read(resource.arguments)
        } catch {
            report(
                .error, excerpt, "\(error.word): \(error.reason)",
                help: "role=promoted has the agent promoted where the group is held")
        }
        guard let agents = facts.ocfAgents else { return }
        let names = agents.map { String($0.drop { $0 != ":" }.dropFirst()) }
        let known = parts.count == 2 ? agents : names
        if known.contains(word) { return }
        report(
            facts.missingAgents, excerpt, "\(word): no such OCF agent\(Spelling.hint(for: word, among: known))",
            help: agents.isEmpty
                ? "no OCF agents are here: install the package resource-agents" : "hb agents lists those of this node")
    }

    private mutating func readAddress(
        _ reading: ResourceWord.Reading, _ word: Word, _ line: LogicalLine, in group: inout ParsedGroup
    ) {
        let resource = reading.specification
        guard let argument = resource.arguments.first, !argument.isEmpty else {
            return report(.error, line.excerpt(word), "\(word.text): expected \(resource.type)::ADDRESS")
        }
        let start = reading.argumentStarts[0]
        do throws(ServiceAddress.Problem) {
            let address = try ServiceAddress(parsing: argument).address
            let digits = argument.prefix { $0 != "/" }.utf8.count
            let excerpt = line.excerpt(word.range(start..<start + digits))
            if address.isIPv4 ? resource.type == "IPv6addr" : resource.type == "IPaddr" {
                let other = address.isIPv4 ? "IPaddr2" : "IPv6addr"
                return report(
                    .error, excerpt, "\(excerpt.text): \(resource.type) takes IPv\(address.isIPv4 ? 6 : 4) addresses",
                    help: "write \(other)::\(argument)")
            }
            if let first = addressLines[address] {
                return report(
                    .error, excerpt, "\(excerpt.text): this address is named before, in line \(first)",
                    help: "an address belongs to one group")
            }
            addressLines[address] = excerpt.location.line
            group.addresses.append(Located(value: address, excerpt: excerpt))
        } catch {
            let range = start + error.range.lowerBound..<start + error.range.upperBound
            report(.error, line.excerpt(word.range(range)), error.message)
        }
    }

    private mutating func checkFilesystem(_ reading: ResourceWord.Reading, _ word: Word, _ line: LogicalLine) {
        let arguments = reading.specification.arguments
        guard (2...4).contains(arguments.count), !arguments[0].isEmpty else {
            return report(
                .error, line.excerpt(word),
                "\(word.text): expected Filesystem::DEVICE::DIRECTORY[::TYPE[::OPTIONS]]")
        }
        guard !arguments[1].hasPrefix("/") else { return }
        let start = reading.argumentStarts[1]
        let directory = arguments[1].isEmpty ? "an empty directory" : arguments[1]
        report(
            .error, line.excerpt(word.range(start..<start + arguments[1].utf8.count)),
            "\(directory): expected an absolute path, one that begins with /")
    }

    /// 3.0.6 finds a group by its key anywhere in the file, and stumbles over a key that is a word of another group.
    private mutating func checkKeysAgainstWords() {
        for group in groups {
            for (resource, excerpt) in zip(group.group.resources, group.resources).dropFirst() {
                guard let line = groupLines[resource.text], line != group.group.line else { continue }
                report(
                    .warning, excerpt, "\(resource.text): the group in line \(line) has this name",
                    help: "heartbeat 3.0.6 confuses the two, which matters while both versions run")
            }
        }
    }

    private mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt, message, help: help))
    }
}
