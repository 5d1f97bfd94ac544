// `hb wire`: the messages of a cluster, decoded and verified, from an interface, a file of packets, or hexadecimal
// text.
import Admin
import CLinux
import ClusterConfig
import Digests
import LinuxSystem
import Messaging

extension Tool {
    static let wire = Tool(
        verb: "wire", program: nil, summary: "decode and verify messages of the cluster",
        usage: "[--keys FILE | --no-verify] [--json] [--port PORT] [--count N] (-i INTERFACE | --hex | FILE)",
        help: """
            Prints one line for each message: where it was found, whether its digest is right, and its fields.

              -i, --interface NAME  what passes an interface, until ^C; `any`: all. Needs root
                  --hex             lines of hexadecimal digits on standard input, one message each
              FILE                  a file of packets (pcap, as tcpdump -w writes it), `-`: standard input
              -k, --keys FILE       the keys (authkeys of --config-dir)
                  --no-verify       decode only
              -j, --json            one JSON object a line; hb(1) describes it
              -p, --port PORT       of the messages (694)
              -c, --count N         end after N messages

            With --hex, blanks may stand between bytes; what stands before the last tab of a line is printed as it is;
            empty lines and lines that begin with # are passed over.

            Exit status: 0 all messages were decoded and verified, 1 some were not, or the input is damaged,
            2 wrong command line or keys, 4 not permitted.

            """,
        options: [
            ProgramOption("interface", "i", value: .required), ProgramOption("hex"),
            ProgramOption("keys", "k", value: .required), ProgramOption("no-verify"), ProgramOption("json", "j"),
            ProgramOption("port", "p", value: .required), ProgramOption("count", "c", value: .required),
        ]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 1)
        let sources = [arguments.value("interface") != nil, arguments.has("hex"), !arguments.operands.isEmpty]
        guard sources.count(where: { $0 }) == 1 else {
            throw UsageError("one of -i INTERFACE, --hex and a FILE is needed")
        }
        guard !arguments.has("keys") || !arguments.has("no-verify") else {
            throw UsageError("--keys and --no-verify exclude each other")
        }
        let port = try arguments.number("port", 1...65_535) ?? 694
        let count = try arguments.number("count", 1...Int.max)
        let view = WireView(invocation: invocation, isJSON: arguments.has("json"), countMax: count ?? .max)
        if !arguments.has("no-verify") {
            let path = arguments.value("keys") ?? arguments.common.paths.configurationDirectory + "/authkeys"
            guard view.readKeys(path) else { return ExitStatus.usage }
        }
        if let interface = arguments.value("interface") { return view.listen(interface, UInt16(port)) }
        if arguments.has("hex") { return view.readLines() }
        return view.readPackets(arguments.operands[0], UInt16(port))
    }
}

extension ProgramArguments {
    /// The value of an option as a number; nil where it was not given.
    fileprivate func number(_ name: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError("--\(name) takes a number, not '\(text)'")
        }
        return number
    }
}

/// Reads one input and prints what is found.
private final class WireView {
    private let invocation: Invocation
    private let isJSON: Bool
    private let countMax: Int
    private var authenticator: Authenticator?
    private var count = 0
    private var status = ExitStatus.done

    init(invocation: Invocation, isJSON: Bool, countMax: Int) {
        self.invocation = invocation
        self.isJSON = isJSON
        self.countMax = countMax
    }

    private var isFinished: Bool { count >= countMax }

    /// Returns false, and says why, where the keys cannot be used.
    func readKeys(_ path: String) -> Bool {
        guard let text = FileSystem.text(of: path, limit: 1 << 20) else {
            invocation.complain("\(path) cannot be read (--keys FILE names another, --no-verify does without)")
            return false
        }
        let file = ConfigurationFile(path: path, bytes: Array(text.utf8))
        let (keys, diagnostics) = ConfigurationReader.readKeys(file)
        Terminal.complain(Terminal.printable(diagnostics.filter { $0.severity == .error }.rendered))
        guard let keys, !diagnostics.hasErrors else { return false }
        do throws(AuthenticatorError) {
            authenticator = try Authenticator(keys)
            return true
        } catch {
            invocation.complain("\(path): the keys cannot be used: \(error)")
            return false
        }
    }

    private func show(_ origin: WireOrigin, _ bytes: [UInt8], damage: String? = nil) {
        let found = WireInspection(bytes, authenticator: authenticator, damage: damage)
        if !found.isRight { status = ExitStatus.failed }
        count += 1
        let text = isJSON ? WireText.json(origin, found) : WireText.line(origin, found)
        // Nobody reads any more: as other filters do, end quietly.
        if !Terminal.print(text + "\n") { exit(status) }
    }

    private func fail(_ text: String) {
        invocation.complain(text)
        status = ExitStatus.failed
    }

    // MARK: Hexadecimal text

    func readLines() -> Int32 {
        // Two digits a byte, a blank behind each, and room for a label.
        let limit = WireLimit.messageSize * 3 + 4096
        let input = ByteInput(Descriptor(owning: dup(STDIN_FILENO)))
        var number = 0
        do {
            while !isFinished, let (line, isCut) = try input.line(limit: limit) {
                number += 1
                if isCut {
                    fail("line \(number): longer than a message can be")
                    continue
                }
                switch HexLine(line) {
                case .empty: break
                case .wrong(let text): fail("line \(number): \(text)")
                case .message(let label, let bytes):
                    show(WireOrigin(kind: "line", number: number, label: label), bytes)
                }
            }
        } catch {
            fail("\(error)")
        }
        return status
    }

    // MARK: Files

    func readPackets(_ path: String, _ port: UInt16) -> Int32 {
        do {
            let file = path == "-" ? Descriptor(owning: dup(STDIN_FILENO)) : try Descriptor.open(path, O_RDONLY)
            var capture = try PacketCapture(ByteInput(file))
            while !isFinished, let packet = try capture.next() {
                guard let found = InternetPacket(packet.bytes, etherType: packet.etherType, port: port) else {
                    continue
                }
                let origin = WireOrigin(
                    kind: "packet", number: packet.number, time: packet.time, source: found.source,
                    destination: found.destination)
                show(origin, Array(found.content), damage: found.damage)
            }
            if count == 0 { invocation.complain("\(path): no messages on port \(port)") }
        } catch let error as SystemError {
            fail("\(error)")
        } catch {
            fail("\(path): \(error)")
        }
        return status
    }

    // MARK: Interfaces

    func listen(_ interface: String, _ port: UInt16) -> Int32 {
        do throws(SystemError) {
            let listener = try PacketListener(interface: interface)
            let signals = try EndSignals()
            while !isFinished {
                var ready = [Readiness(listener.raw, read: true), Readiness(signals.raw, read: true)]
                try Readiness.wait(&ready)
                if ready[1].isReadable { return status }
                while !isFinished, let packet = try listener.receive() {
                    hear(packet, port)
                }
            }
            return status
        } catch {
            invocation.complain("\(error)")
            return error.code == EPERM || error.code == EACCES ? ExitStatus.notPermitted : ExitStatus.failed
        }
    }

    private func hear(_ packet: CookedPacket, _ port: UInt16) {
        guard let found = InternetPacket(packet.bytes[...], etherType: packet.etherType, port: port) else { return }
        let origin = WireOrigin(
            time: Clock.wallNanoseconds(), source: found.source, destination: found.destination)
        show(origin, Array(found.content), damage: found.damage)
    }
}

/// ^C and SIGTERM as something to wait for, so that the exit status still tells what was found.
private struct EndSignals: ~Copyable {
    private let descriptor: Descriptor

    init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
        sigprocmask(SIG_BLOCK, &set, nil)
        descriptor = Descriptor(owning: try retrying("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC)) })
    }

    var raw: Int32 { descriptor.raw }
}
