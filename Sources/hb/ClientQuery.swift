// Asks the client service whether a client has signed on, as a client itself (specs/heartbeat.md section 7): the only
// fact of cl_status that the control socket does not tell.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Messaging

struct ClientQuery {
    /// What there is to say of a client.
    enum Answer: Equatable {
        case status(String)
        /// This user may not sign on, in the words of the service.
        case refused(String)
        /// Another node has not answered in time.
        case silence
    }

    /// Longest answer that is taken, in bytes.
    private static let sizeMax = 65_536

    /// What has come in, and was not looked at yet.
    private struct Incoming {
        var framing = ClientFraming(sizeMax: sizeMax)
        var texts: [[UInt8]] = []
    }

    /// Asks for the client of a node. Where nobody listens no client is signed on. Waits at most until `deadline`.
    static func ask(node: String, client: String, _ paths: Paths, deadline: Instant) throws(SystemError) -> Answer {
        let socket: Descriptor
        do throws(SystemError) {
            let patience = max(.milliseconds(1), deadline - Clock.now())
            socket = try AdminSocket.connect(to: paths.registerSocket, patience: patience, stream: true)
        } catch {
            if error.code == ENOENT || error.code == ECONNREFUSED { return .status("offline") }
            throw error
        }
        let raw = socket.raw
        let signOn = [("uid", String(getuid())), ("gid", String(getgid()))]
        try send(raw, "signon", signOn)
        var incoming = Incoming()
        guard let signedOn = try receive(raw, &incoming, deadline) else { return .silence }
        guard signedOn.text(Wire.FieldName.result) == "OK" else {
            return .refused(signedOn.text(Wire.FieldName.info) ?? "refused")
        }
        try send(raw, "clientstatus", [(Wire.FieldName.node, node), (Wire.FieldName.clientName, client)])
        while let message = try receive(raw, &incoming, deadline) {
            if let status = message.text(Wire.FieldName.clientStatus) { return .status(status) }
        }
        return .silence
    }

    private static func send(_ raw: Int32, _ type: String, _ fields: [(String, String)]) throws(SystemError) {
        let pid = String(getpid())
        var text = ">>>\nt=hbapi-req\nreqtype=\(type)\npid=\(pid)\nfrom_id=\(pid)\n"
        for (name, value) in fields { text += "\(name)=\(value)\n" }
        try AdminSocket.send(raw, ClientFraming.frame(Array((text + "<<<\n").utf8)))
    }

    /// The next message; nil where none comes in time, or the connection ends.
    private static func receive(
        _ raw: Int32, _ incoming: inout Incoming, _ deadline: Instant
    ) throws(SystemError) -> HAMessage? {
        while incoming.texts.isEmpty {
            let patience = deadline - Clock.now()
            guard patience > .zero else { return nil }
            var ready = [Readiness(raw, read: true)]
            try Readiness.wait(&ready, timeout: patience)
            guard ready[0].isReadable || ready[0].isHungUp else { continue }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = try retrying("receive") { recv(raw, &buffer, buffer.count, 0) }
            guard count > 0, let texts = try? incoming.framing.accept(buffer[..<count]) else { return nil }
            incoming.texts = texts
        }
        return ClientFraming.message(incoming.texts.removeFirst())
    }
}
