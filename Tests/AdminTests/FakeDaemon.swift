// The daemon's side of the control socket, driven by the test: what it takes and answers, byte for byte.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Testing

/// A listening control socket.
final class FakeDaemon {
    private let listener: Descriptor

    init(_ folder: TemporaryFolder, mode: UInt32 = 0o666) throws {
        listener = try AdminSocket.listen(at: folder.paths.controlSocket, mode: mode)
    }

    /// The next connection; fails the test where none comes within 20 seconds.
    func accept() throws -> FakeConversation {
        while true {
            if let socket = try AdminSocket.accept(listener.raw) { return FakeConversation(socket) }
            try waitToRead(listener.raw)
        }
    }

    /// Takes a connection that asks for the status, and answers it.
    func serve(_ report: ClusterReport) throws {
        let conversation = try accept()
        #expect(try conversation.request() == .status)
        try conversation.answer(report)
        // Until the tool has closed it.
        #expect(try conversation.request() == nil)
    }
}

/// One connection of a tool.
final class FakeConversation {
    private let socket: Descriptor

    init(_ socket: consuming Descriptor) { self.socket = socket }

    /// The next request; nil: the tool has closed the connection.
    func request() throws -> AdminRequest? {
        let packet = try packet()
        return packet.isEmpty ? nil : try AdminRequest(try AdminMessage.decode(packet))
    }

    private func packet() throws -> [UInt8] {
        while true {
            do throws(SystemError) {
                return try AdminSocket.receive(socket.raw)
            } catch {
                if error.code != EAGAIN { throw error }
            }
            try waitToRead(socket.raw)
        }
    }

    func send(bytes: [UInt8]) throws { try AdminSocket.send(socket.raw, bytes) }

    func send(_ messages: [HAMessage]) throws {
        for message in messages { try send(bytes: try AdminMessage.encode(message)) }
    }

    func end(_ outcome: AdminResponse.Outcome, _ text: String = "") throws {
        try send([AdminResponse(outcome, text).message])
    }

    func answer(_ report: ClusterReport) throws {
        try send(report.messages())
        try end(.done)
    }
}

private func waitToRead(_ raw: Int32) throws {
    var list = [Readiness(raw, read: true)]
    try Readiness.wait(&list, timeout: .seconds(20))
    try #require(list[0].isReadable || list[0].isHungUp, "nothing came within 20 seconds")
}

/// Runs a tool against a daemon that expects one request on one connection, and answers as the test says.
func runTool(
    _ name: String, _ words: [String], expecting request: AdminRequest, environment: [String] = [],
    answer: (FakeConversation) throws -> Void
) throws -> ToolOutcome {
    let folder = try TemporaryFolder()
    let daemon = try FakeDaemon(folder)
    let tool = try RunningTool(name, words + ["--run-dir", folder.path], in: folder, environment: environment)
    let conversation = try daemon.accept()
    #expect(try conversation.request() == request)
    try answer(conversation)
    return try tool.end()
}
