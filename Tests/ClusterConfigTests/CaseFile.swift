// Test cases as files: `Cases/NAME.in` holds the three configuration files and facts about the machine in sections
// headed `==> NAME`; what has no section is without mistakes. `==> NAME escaped` decodes \r, \n, \0 and \xHH.
import ClusterConfig
import Glibc

/// Reads and lists files of the source tree.
enum SourceTree {
    static let tests = directory(of: #filePath)
    static let root = directory(of: directory(of: tests))
    static let cases = tests + "/Cases"

    static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "wb") else { return }
        fputs(text, file)
        fclose(file)
    }

    /// Names in a directory that end in a suffix, without it, sorted.
    static func names(in path: String, suffix: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(suffix) { names.append(String(name.dropLast(suffix.count))) }
        }
        return names.sorted()
    }

    private static func directory(of path: String) -> String {
        path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }
}

/// What one case is about.
struct CaseFile {
    var files: ConfigurationFiles
    var facts = SystemFacts(localNode: "alpha")

    static let goodHAConfig = "node alpha beta gamma\nbcast eth0 eth1\n"
    static let goodResources = "alpha 10.0.0.1\n"
    static let goodKeys = "auth 1\n1 sha256 0123456789abcdef\n"

    init(
        haConfig: String = CaseFile.goodHAConfig, resources: String = CaseFile.goodResources,
        keys: String = CaseFile.goodKeys
    ) {
        files = ConfigurationFiles(
            haConfig: ConfigurationFile(path: "ha.cf", bytes: Array(haConfig.utf8)),
            resources: ConfigurationFile(path: "haresources", bytes: Array(resources.utf8)),
            keys: ConfigurationFile(path: "authkeys", bytes: Array(keys.utf8)))
    }

    init(parsing text: String) {
        self.init()
        var sections: [(head: [String], body: String)] = []
        let end = text.hasSuffix("\n") ? 1 : 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(end) {
            if line.hasPrefix("==> ") {
                sections.append((line.dropFirst(4).split(separator: " ").map(String.init), ""))
            } else if !sections.isEmpty {
                sections[sections.count - 1].body += line + "\n"
            }
        }
        for (head, body) in sections {
            // An escaped section writes its last line end itself, or has none.
            let bytes = head.last == "escaped" ? CaseFile.unescape(String(body.dropLast())) : Array(body.utf8)
            switch head[0] {
            case "ha.cf": files.haConfig.bytes = bytes
            case "haresources": files.resources.bytes = bytes
            case "authkeys": files.keys.bytes = bytes
            default: for line in body.split(separator: "\n") { apply(line.split(separator: " ").map(String.init)) }
            }
        }
    }

    private mutating func apply(_ fact: [String]) {
        let values = Array(fact.dropFirst())
        switch fact[0] {
        case "local": facts.localNode = values[0]
        case "mode": facts.keysMode = UInt32(values[0], radix: 8)
        case "owner": facts.keysOwner = UInt32(values[0])
        case "user": facts.userID = UInt32(values[0]) ?? 0
        case "scripts": facts.scripts = values
        case "agents": facts.ocfAgents = values
        case "units": facts.hasUnit = { values.contains($0) }
        case "check": facts.missingAgents = .error
        case "interfaces": facts.interfaces = values
        case "paths":
            facts.kindOfPath = { path in
                switch values.first(where: { $0.hasPrefix(path + "=") })?.dropFirst(path.count + 1) {
                case "executable": .executable
                case "device": .characterDevice
                case "other": .other
                default: .missing
                }
            }
        case "missing":
            if values.contains("ha.cf") { files.haConfig.bytes = nil }
            if values.contains("haresources") { files.resources.bytes = nil }
            if values.contains("authkeys") { files.keys.bytes = nil }
        case "large": files.resources.bytes = [UInt8](repeating: 10, count: 1_048_577)
        default: break
        }
    }

    /// Decodes \r, \n, \0, \xHH and \\; a line feed in the section stands for itself.
    private static func unescape(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "0"): bytes.append(0)
            case UInt8(ascii: "x"):
                bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest = rest.dropFirst(2)
            default: bytes.append(escape)
            }
        }
        return bytes
    }

    /// The diagnostics as a person sees them, and the exit status that they give.
    var outcome: String {
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        let usable = configuration == nil ? "no configuration" : "a configuration"
        return diagnostics.rendered + "exit \(diagnostics.exitStatus), \(usable)\n"
    }
}
