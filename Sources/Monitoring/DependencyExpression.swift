// What a service depends on: a Boolean expression over other services, `web:http && !(gw:ping or SELF:dns)`
// (specs/mon.md 8). The operators are Perl's, with Perl's precedence, and nothing else of Perl.

/// Another service, as a dependency names it.
package struct ServiceName: Equatable, Hashable, Sendable, CustomStringConvertible {
    package var group: String
    package var service: String

    package init(group: String, service: String) {
        self.group = group
        self.service = service
    }

    /// `group:service`.
    package var description: String { "\(group):\(service)" }
}

/// A dependency, read.
package struct DependencyExpression: Equatable, Sendable {
    indirect enum Node: Equatable, Sendable {
        case service(ServiceName)
        case constant(Bool)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    /// What the file says, SELF replaced.
    package let text: String
    /// The services named, in their order, each once.
    package let services: [ServiceName]
    let root: Node

    /// What is wrong with an expression, and from which byte on it is.
    package struct Malformed: Error, Equatable, Sendable {
        package var offset: Int
        package var message: String
    }

    /// Reads an expression; `SELF` stands for `group`.
    package init(_ text: String, group: String) throws(Malformed) {
        var parser = DependencyParser(text, group: group)
        root = try parser.expression()
        services = parser.services
        self.text = parser.replaced
    }

    /// The value, where `value` gives that of a service; nil where that is nil for a service that matters.
    package func evaluate(_ value: (ServiceName) -> Bool?) -> Bool? { DependencyExpression.evaluate(root, value) }

    private static func evaluate(_ node: Node, _ value: (ServiceName) -> Bool?) -> Bool? {
        switch node {
        case .service(let name): return value(name)
        case .constant(let constant): return constant
        case .not(let inner): return evaluate(inner, value).map { !$0 }
        case .and(let a, let b):
            guard let first = evaluate(a, value) else { return nil }
            return first ? evaluate(b, value) : false
        case .or(let a, let b):
            guard let first = evaluate(a, value) else { return nil }
            return first ? true : evaluate(b, value)
        }
    }
}

/// or < and < not < || < && < !, as in Perl.
private struct DependencyParser {
    private typealias Malformed = DependencyExpression.Malformed
    private typealias Node = DependencyExpression.Node

    private enum Token: Equatable {
        case word(String)
        case symbol(String)
    }

    /// Deeper parentheses are no dependency that somebody wrote.
    private static let depthMax = 64

    private let bytes: [UInt8]
    private let group: String
    private var at = 0
    private var depth = 0
    private(set) var services: [ServiceName] = []
    /// The text with SELF replaced.
    private(set) var replaced = ""
    private var copied = 0

    init(_ text: String, group: String) {
        bytes = Array(text.utf8)
        self.group = group
    }

    mutating func expression() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        let node = try lowOr()
        skipSpace()
        guard at == bytes.count else { throw Malformed(offset: at, message: "expected an operator") }
        replaced += String(decoding: bytes[copied...], as: UTF8.self)
        return node
    }

    private mutating func lowOr() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        var node = try lowAnd()
        while take(word: "or") { node = .or(node, try lowAnd()) }
        return node
    }

    private mutating func lowAnd() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        var node = try lowNot()
        while take(word: "and") { node = .and(node, try lowNot()) }
        return node
    }

    private mutating func lowNot() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        guard take(word: "not") else { return try or() }
        try deeper()
        defer { depth -= 1 }
        return .not(try lowNot())
    }

    private mutating func or() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        var node = try and()
        while take(symbol: "||") { node = .or(node, try and()) }
        return node
    }

    private mutating func and() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        var node = try primary()
        while take(symbol: "&&") { node = .and(node, try primary()) }
        return node
    }

    private mutating func primary() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        try deeper()
        defer { depth -= 1 }
        if take(symbol: "!") { return .not(try primary()) }
        if take(symbol: "(") {
            let node = try lowOr()
            guard take(symbol: ")") else { throw Malformed(offset: at, message: "expected )") }
            return node
        }
        return try name()
    }

    private mutating func name() throws(DependencyExpression.Malformed) -> DependencyExpression.Node {
        skipSpace()
        let start = at
        let first = word()
        guard !first.isEmpty else { throw Malformed(offset: start, message: "expected GROUP:SERVICE") }
        guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
            if first == "0" || first == "1" { return .constant(first == "1") }
            throw Malformed(offset: start, message: "\(first) is no service, expected GROUP:SERVICE")
        }
        at += 1
        let second = word()
        guard !second.isEmpty else { throw Malformed(offset: at, message: "expected the service behind \(first):") }
        if first == "SELF" {
            replaced += String(decoding: bytes[copied..<start], as: UTF8.self) + group
            copied = start + 4
        }
        let name = ServiceName(group: first == "SELF" ? group : first, service: second)
        if !services.contains(name) { services.append(name) }
        return .service(name)
    }

    private mutating func deeper() throws(DependencyExpression.Malformed) {
        depth += 1
        if depth > DependencyParser.depthMax { throw Malformed(offset: at, message: "nested too deeply") }
    }

    private mutating func take(symbol: String) -> Bool {
        skipSpace()
        guard bytes[at...].starts(with: symbol.utf8) else { return false }
        at += symbol.utf8.count
        return true
    }

    private mutating func take(word wanted: String) -> Bool {
        skipSpace()
        let start = at
        // `or:x` is a service of a group that is called so.
        if word() == wanted, at == bytes.count || bytes[at] != UInt8(ascii: ":") { return true }
        at = start
        return false
    }

    private mutating func word() -> String {
        let start = at
        while at < bytes.count, isTagByte(bytes[at]) { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == UInt8(ascii: " ") || (9...13).contains(bytes[at]) { at += 1 }
    }
}

/// Letters, digits, `_`, `.` and `-`: what names of groups, services, aliases and views are made of.
package func isTagByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
    default: false
    }
}
