// The media of ha.cf (specs/heartbeat.md 6.1, 6.4). udpport and baud count for the media lines that follow them.
import ClusterModel

/// The ports of the media.
enum UDPPort {
    /// Assigned to heartbeat as `ha-cluster`.
    static let standard: UInt16 = 694

    /// A port by number or by the one service name that is known here.
    static func parse(_ text: String) -> UInt16? {
        if text == "ha-cluster" { return standard }
        guard let number = HAConfigParser.integer(text), number > 0 else { return nil }
        return UInt16(exactly: number)
    }

    static let expectation = "a port from 1 to 65535, or ha-cluster"
}

/// The speeds of serial lines that both 3.0.6 and Linux know.
enum BaudRate {
    static let all = [9600, 19200, 38400, 57600, 115200, 230400, 460800]
}

extension HAConfigParser {
    /// Most media that one node may have, as in 3.0.6 (specs/heartbeat.md 1.5).
    static let mediaMax = 64

    mutating func applyMedium(_ statement: Statement) {
        switch statement.directive {
        case .udpport: setPort(statement)
        case .baud: setBaud(statement)
        case .bcast, .udp: addBroadcast(statement)
        case .mcast, .mcast6: addMulticast(statement)
        case .ucast, .ucast6: addUnicast(statement)
        case .serial: addSerial(statement)
        case .pingGroup: addPingGroup(statement)
        default: addPing(statement)
        }
    }

    private mutating func add(_ medium: Medium, _ excerpt: Excerpt) {
        if let first = settings.media.first(where: { HAConfigParser.collide($0.value, medium) }) {
            let place = first.excerpt.location.line
            report(.error, excerpt, "\(excerpt.text): this medium is named before, in line \(place)")
        } else if settings.media.count == HAConfigParser.mediaMax {
            report(.error, excerpt, "\(excerpt.text): more than \(HAConfigParser.mediaMax) media")
        } else {
            settings.media.append(Located(value: medium, excerpt: excerpt))
        }
    }

    /// Whether two media would read the same messages or be the same ping node.
    private static func collide(_ a: Medium, _ b: Medium) -> Bool {
        switch (a, b) {
        case (.serial(let first, _), .serial(let second, _)): first == second
        case (.broadcast(let first, _), .broadcast(let second, _)): first == second
        default: a == b || (a.isPing && a.pingNodeName == b.pingNodeName)
        }
    }

    private mutating func setPort(_ statement: Statement) {
        let usesPort = settings.media.contains {
            switch $0.value {
            case .broadcast, .unicast, .unicast6: true
            default: false
            }
        }
        if usesPort, firstUse[.udpport] == nil {
            report(
                .warning, statement.excerpt, "udpport: the media above use port \(port), this counts for those below",
                help: "write udpport before bcast, ucast and ucast6")
        }
        firstUse[.udpport] = statement.line.number
        guard let word = value(statement, expected: UDPPort.expectation) else { return }
        guard let number = UDPPort.parse(word.text) else {
            return report(.error, statement.line.excerpt(word), "\(word.text): expected \(UDPPort.expectation)")
        }
        port = number
    }

    private mutating func setBaud(_ statement: Statement) {
        if let first = firstUse[.baud] {
            return report(.error, statement.excerpt, "baud: given before in line \(first), expected once")
        }
        firstUse[.baud] = statement.line.number
        if settings.media.contains(where: \.value.isSerial) {
            report(
                .warning, statement.excerpt, "baud: the serial lines above run at \(baud), this counts for those below",
                help: "write baud before serial")
        }
        let rates = BaudRate.all.map(String.init)
        guard let word = value(statement, expected: Spelling.list(rates)) else { return }
        guard let rate = HAConfigParser.integer(word.text), BaudRate.all.contains(rate) else {
            let hint = Spelling.hint(for: word.text, among: rates)
            return report(
                .error, statement.line.excerpt(word), "\(word.text): expected \(Spelling.list(rates))\(hint)")
        }
        baud = rate
    }

    private mutating func addBroadcast(_ statement: Statement) {
        if statement.directive == .udp {
            report(.warning, statement.excerpt, "udp: the older name of bcast", help: "write bcast")
        }
        for word in values(statement, expected: "names of network interfaces") {
            guard let interface = interface(word, statement) else { continue }
            add(.broadcast(interface: interface, port: port), statement.line.excerpt(word))
        }
    }

    private mutating func addUnicast(_ statement: Statement) {
        let ipv6 = statement.directive == .ucast6
        guard let words = exactly(["INTERFACE", "ADDRESS"], statement) else { return }
        let interface = interface(words[0], statement)
        let address = host(words[1], ipv6: ipv6, statement)
        guard let interface, let address else { return }
        let medium: Medium =
            ipv6
            ? .unicast6(interface: interface, address: address, port: port)
            : .unicast(interface: interface, address: address, port: port)
        add(medium, statement.line.excerpt(words[1]))
    }

    private mutating func addMulticast(_ statement: Statement) {
        let ipv6 = statement.directive == .mcast6
        let names = ["INTERFACE", "GROUP", "PORT", ipv6 ? "HOPS" : "TTL", "LOOP"]
        guard let words = exactly(names, statement) else { return }
        let interface = interface(words[0], statement)
        let group = words[1].text
        let literal = AddressLiteral(group)
        let isGroup = literal.map { $0.isMulticast && $0.isIPv4 != ipv6 } ?? false
        if !isGroup {
            let expected =
                ipv6
                ? "an IPv6 multicast address, ff02::694 for example"
                : "a multicast address, 224.0.0.0 to 239.255.255.255"
            report(.error, statement.line.excerpt(words[1]), "\(group): expected \(expected)")
        }
        let port = UDPPort.parse(words[2].text)
        if port == nil {
            report(.error, statement.line.excerpt(words[2]), "\(words[2].text): expected \(UDPPort.expectation)")
        }
        let hopsMax = ipv6 ? 255 : 4
        let hops = number(words[3], in: 0...hopsMax, expected: "\(names[3]) from 0 to \(hopsMax)", statement)
        let loop = number(words[4], in: 0...1, expected: "LOOP 0 or 1", statement)
        guard let interface, isGroup, let port, let hops, let loop else { return }
        let medium: Medium =
            ipv6
            ? .multicast6(interface: interface, group: group, port: port, hops: UInt8(hops), loop: loop == 1)
            : .multicast(interface: interface, group: group, port: port, ttl: UInt8(hops), loop: loop == 1)
        add(medium, statement.line.excerpt(words[0]))
    }

    private mutating func addSerial(_ statement: Statement) {
        for word in values(statement, expected: "paths of serial devices") {
            guard let tty = path(word, statement) else { continue }
            switch facts.kindOfPath?(tty.value) {
            case .missing:
                report(
                    .warning, tty.excerpt, "\(tty.value): there is no such device now",
                    help: "the medium works as soon as the device is there")
            case .executable, .other:
                report(.error, tty.excerpt, "\(tty.value): expected a serial line, this is no character device")
                continue
            case .characterDevice, nil: break
            }
            add(.serial(tty: tty.value, baud: baud), tty.excerpt)
        }
    }

    private mutating func addPing(_ statement: Statement) {
        let ipv6 = statement.directive == .ping6
        for word in values(statement, expected: "addresses or names of hosts") {
            guard let address = host(word, ipv6: ipv6, statement)?.asciiLowercased else { continue }
            add(ipv6 ? .ping6(address: address) : .ping(address: address), statement.line.excerpt(word))
        }
    }

    private mutating func addPingGroup(_ statement: Statement) {
        guard let name = statement.values.first, statement.values.count > 1 else {
            return report(.error, statement.excerpt, "ping_group: expected ping_group NAME HOST...")
        }
        var addresses: [String] = []
        for word in statement.values.dropFirst() {
            guard let address = host(word, ipv6: false, statement) else { continue }
            if addresses.contains(address) {
                report(.warning, statement.line.excerpt(word), "\(address): named twice in this group")
            }
            addresses.append(address)
        }
        guard addresses.count == statement.values.count - 1 else { return }
        add(.pingGroup(name: name.text.asciiLowercased, addresses: addresses), statement.line.excerpt(name))
    }

    /// Exactly one word for each name; what is missing or too much is reported.
    private mutating func exactly(_ names: [String], _ statement: Statement) -> [Word]? {
        let form = ([statement.name.text] + names).joined(separator: " ")
        if statement.values.count < names.count {
            let missing = names.dropFirst(statement.values.count).joined(separator: " ")
            report(.error, statement.excerpt, "\(statement.name.text): no \(missing), expected \(form)")
            return nil
        }
        if statement.values.count > names.count {
            let extra = statement.values[names.count]
            report(
                .error, statement.line.excerpt(extra), "\(extra.text): one word too many, expected \(form)",
                help: names.contains("ADDRESS") ? "write a line for each address" : nil)
            return nil
        }
        return statement.values
    }

    private mutating func interface(_ word: Word, _ statement: Statement) -> String? {
        let name = word.text
        let excerpt = statement.line.excerpt(word)
        guard name.utf8.count <= 15, !name.contains("/"), name != ".", name != ".." else {
            report(.error, excerpt, "\(name): expected the name of a network interface, 15 letters at most")
            return nil
        }
        if let interfaces = facts.interfaces, !interfaces.contains(name) {
            let hint = Spelling.hint(for: name, among: interfaces)
            report(
                .warning, excerpt, "\(name): there is no such interface now\(hint)",
                help: "the medium works as soon as the interface is there")
        }
        return name
    }

    private mutating func host(_ word: Word, ipv6: Bool, _ statement: Statement) -> String? {
        if let problem = HostName.problem(in: word.text, ipv6: ipv6) {
            report(.error, statement.line.excerpt(word), problem)
            return nil
        }
        return word.text
    }
}
