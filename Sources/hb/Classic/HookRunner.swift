// The hooks of heartbeat 3.0.6: `rc.d/TYPE` is run by `harc TYPE` with what happened in the environment, for a message
// of any type that has one (specs/heartbeat.md 5.6). The stock hooks for the dialogue about resources are never called:
// the daemon holds that by itself.
import Admin
import Agents
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import Messaging
import ResourceAgents

/// `harc TYPE [ARGUMENT...]`: one hook, in place of this process.
enum HookCommand {
    static func run(_ words: [String], _ paths: Paths) -> Int32 {
        guard let type = words.first?.lowercased(), isType(type) else {
            ClassicLog.complain("usage: harc TYPE [ARGUMENT...]")
            return 1
        }
        guard let script = script(type, paths) else {
            ClassicLog.write("ERROR: harc: \(paths.configurationDirectory)/rc.d/\(type): not executable")
            return 1
        }
        ClassicLog.write("info: Running \(script) \(([type] + words.dropFirst()).joined(separator: " "))")
        let vector: [UnsafeMutablePointer<CChar>?] = ([script, type] + words.dropFirst()).map { strdup($0) } + [nil]
        execv(script, vector)
        ClassicLog.write("ERROR: harc: \(script): cannot execute")
        return 1
    }

    /// The hook of a type in lower case; nil where there is none that can be executed.
    static func script(_ type: String, _ paths: Paths) -> String? {
        let path = "\(paths.configurationDirectory)/rc.d/\(type)"
        return isType(type) && FileSystem.kind(of: path) == .regular && access(path, X_OK) == 0 ? path : nil
    }

    private static func isType(_ type: String) -> Bool {
        !type.isEmpty && !type.contains("/") && !type.hasPrefix(".")
    }
}

/// `hb_hooks`, a client that the daemon runs where `rc.d` has hooks: one hook after the other, in the order of what
/// they are told of.
struct HookRunner {
    private let paths: Paths
    /// The last status of each node for which the hook was run.
    private var known: [String: String] = [:]
    private var ownStatus = NodeStatus.initial.rawValue

    /// Between two attempts to hear the daemon.
    private static let pause: Duration = .seconds(1)
    /// A hook that takes longer is killed, with all that it started.
    private static let limit: Duration = .seconds(300)

    init(_ paths: Paths) { self.paths = paths }

    /// Runs until the daemon ends this process.
    mutating func run() -> Never {
        while true {
            do throws(SystemError) {
                var listener = try HookListener(paths)
                try listener.signOn()
                // What has changed while nobody listened, then whatever comes.
                if takeReport() {
                    while let message = try listener.next() { take(message) }
                }
            } catch {
                // The daemon starts, ends, or is busy; it is asked again.
            }
            Clock.wait(HookRunner.pause)
        }
    }

    /// False where the daemon does not answer.
    private mutating func takeReport() -> Bool {
        do throws(AdminError) {
            let report = try AdminClient.report(paths, deadline: Clock.now() + .seconds(5))
            ownStatus = report.status.rawValue
            for node in report.nodes {
                // What was never heard has no status that could have changed.
                if node.status != .initial { takeStatus(node.name, node.status.rawValue, []) }
            }
            return true
        } catch {
            return false
        }
    }

    private mutating func take(_ message: HAMessage) {
        guard let type = message.text(Wire.FieldName.type)?.lowercased() else { return }
        // Of messages in messages and lists the environment has no form.
        let fields = message.fields.compactMap { field -> Setting? in
            guard case .string(let bytes) = field.value else { return nil }
            return Setting(name: field.name, value: String(decoding: bytes, as: UTF8.self))
        }
        if type == Wire.MessageType.status, let node = message.text(Wire.FieldName.source),
            let status = message.text(Wire.FieldName.status)
        {
            takeStatus(node, status, fields)
        } else {
            runHook(type, fields)
        }
    }

    private mutating func takeStatus(_ node: String, _ status: String, _ fields: [Setting]) {
        if known[node] == status { return }
        known[node] = status
        let told = [
            Setting(name: "t", value: "status"), Setting(name: "src", value: node), Setting(name: "st", value: status),
        ]
        runHook("status", told + fields.filter { field in !told.contains { $0.name == field.name } })
    }

    private func runHook(_ type: String, _ fields: [Setting]) {
        guard let script = HookCommand.script(type, paths) else { return }
        let (files, facts) = ConfigurationFolder(paths.configurationDirectory).read()
        guard let configuration = ConfigurationReader.read(files: files, facts: facts).configuration else { return }
        let told = fields.filter { HookRunner.isName($0.name) && !$0.value.utf8.contains(0) }
        let environment = ScriptEnvironment.entries(
            configuration, configurationDirectory: paths.configurationDirectory)
            + told.map { "HA_\($0.name)=\($0.value)" }
            + ["HA_OSTATUS=\(ownStatus)", "HA_NOARCHBIN=\(HookRunner.commands)"]
        let harc = "\(paths.configurationDirectory)/harc"
        let program = access(harc, X_OK) == 0 ? [harc, type] : [script, type]
        do throws(AgentError) {
            let result = try ToolRun.run(program, environment: environment, limit: HookRunner.limit)
            if !result.succeeded { ClassicLog.write("WARN: \(script): \(result.status): \(result.errors.prefix(400))") }
        } catch {
            ClassicLog.write("WARN: \(error.reason)")
        }
    }

    /// What comes from other nodes must not become a setting of another kind.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
        }
    }

    private static let commands = "/usr/share/heartbeat"
}

/// What the daemon tells its clients (specs/heartbeat.md section 7): changes of status, and messages of types that it
/// does not know itself.
private struct HookListener: ~Copyable {
    private static let name = "hb_hooks"
    private static let sizeMax = 1 << 20

    private let socket: Descriptor
    private var framing = ClientFraming(sizeMax: HookListener.sizeMax)
    private var texts: [[UInt8]] = []

    /// Throws where nobody listens.
    init(_ paths: Paths) throws(SystemError) {
        socket = try AdminSocket.connect(to: paths.registerSocket, patience: .seconds(5), stream: true)
    }

    /// To be called before anything else; throws where this user may not.
    mutating func signOn() throws(SystemError) {
        let text = ">>>\nt=hbapi-req\nreqtype=signon\npid=\(getpid())\nfrom_id=\(HookListener.name)\nuid=\(getuid())\n"
            + "gid=\(getgid())\n<<<\n"
        try AdminSocket.send(socket.raw, ClientFraming.frame(Array(text.utf8)))
        guard try next()?.text(Wire.FieldName.result) == "OK" else {
            throw SystemError(code: EACCES, operation: "sign on as \(HookListener.name)")
        }
    }

    /// Waits for the next message; nil where the connection has ended.
    mutating func next() throws(SystemError) -> HAMessage? {
        while true {
            while !texts.isEmpty {
                if let message = ClientFraming.message(texts.removeFirst()) { return message }
            }
            var buffer = [UInt8](repeating: 0, count: 16_384)
            let raw = socket.raw
            let count = try retrying("receive") { recv(raw, &buffer, buffer.count, 0) }
            guard count > 0, let texts = try? framing.accept(buffer[..<count]) else { return nil }
            self.texts = texts
        }
    }
}
