// A tool's connection to the daemon of this node.
import CLinux
import ClusterModel
import LinuxSystem
import Messaging

/// Why a tool got no answer.
package enum AdminError: Error, Equatable, CustomStringConvertible {
    /// Nobody listens at the socket.
    case notRunning(socket: String)
    /// This user may not connect.
    case notPermitted(socket: String)
    /// The daemon has not answered within the time.
    case timedOut
    /// The daemon closed the connection before the end of its answer.
    case connectionLost
    /// The daemon's answer is not what it must be.
    case malformed(String)
    /// The daemon does not answer this request, in its own words.
    case unanswered(String)
    case system(SystemError)

    /// One line for the operator.
    package var description: String {
        switch self {
        case .notRunning(let socket): "heartbeat is not running here (no \(socket))"
        case .notPermitted(let socket): "permission denied: you may not use \(socket)"
        case .timedOut: "heartbeat does not answer"
        case .connectionLost: "heartbeat closed the connection before it had answered"
        case .malformed(let reason): "heartbeat's answer cannot be read: \(reason)"
        case .unanswered(let text): "heartbeat does not answer: \(text)"
        case .system(let error): error.description
        }
    }
}

/// One connection. Requests are answered in their order.
package struct AdminClient: ~Copyable {
    /// Records of one answer that are kept: more than the largest cluster needs.
    package static let recordsMax = 65_536

    private let socket: Descriptor

    /// Connects to the daemon that uses these paths. nil: waits without limit.
    package init(_ paths: Paths, deadline: Instant?) throws(AdminError) {
        do throws(SystemError) {
            let patience = deadline.map { max(.milliseconds(1), $0 - Clock.now()) }
            socket = try AdminSocket.connect(to: paths.controlSocket, patience: patience)
        } catch {
            throw switch error.code {
            case ENOENT, ECONNREFUSED, ENOTDIR: .notRunning(socket: paths.controlSocket)
            case EACCES, EPERM: .notPermitted(socket: paths.controlSocket)
            case EAGAIN: .timedOut
            default: .system(error)
            }
        }
    }

    /// Hands a request to the daemon. `origin`: who asks and why, where that is to be told.
    package borrowing func send(_ request: AdminRequest, origin: RequestOrigin? = nil) throws(AdminError) {
        let packet: [UInt8]
        do throws(WireError) {
            var message = request.message
            origin?.add(to: &message)
            packet = try AdminMessage.encode(message)
        } catch {
            throw .malformed(error.description)
        }
        do throws(SystemError) {
            try AdminSocket.send(socket.raw, packet)
        } catch {
            throw switch error.code {
            case EAGAIN: .timedOut
            case EPIPE, ECONNRESET: .connectionLost
            default: .system(error)
            }
        }
    }

    /// The next message of an answer; waits until the deadline, nil: without limit.
    package borrowing func receive(deadline: Instant?) throws(AdminError) -> AdminAnswer {
        let packet: [UInt8]
        do throws(SystemError) {
            packet = try nextPacket(deadline)
        } catch {
            throw switch error.code {
            case ETIMEDOUT: .timedOut
            case EMSGSIZE: .malformed("a packet is longer than \(AdminMessage.sizeMax) bytes")
            case ECONNRESET: .connectionLost
            default: .system(error)
            }
        }
        guard !packet.isEmpty else { throw .connectionLost }
        let message: HAMessage
        do throws(WireError) {
            message = try AdminMessage.decode(packet)
        } catch {
            throw .malformed(error.description)
        }
        do throws(AdminMessageError) {
            return try AdminAnswer(message)
        } catch {
            throw .malformed(error.description)
        }
    }

    private borrowing func nextPacket(_ deadline: Instant?) throws(SystemError) -> [UInt8] {
        let raw = socket.raw
        while true {
            do throws(SystemError) {
                return try AdminSocket.receive(raw)
            } catch {
                if error.code != EAGAIN { throw error }
            }
            let patience = deadline.map { $0 - Clock.now() }
            if let patience, patience <= .zero { throw SystemError(code: ETIMEDOUT, operation: "receive") }
            var list = [Readiness(raw, read: true)]
            try Readiness.wait(&list, timeout: patience)
        }
    }

    /// Reads one answer to its end.
    package borrowing func answer(
        deadline: Instant?
    ) throws(AdminError) -> (records: [HAMessage], response: AdminResponse) {
        var records: [HAMessage] = []
        while true {
            switch try receive(deadline: deadline) {
            case .record(let record):
                guard records.count < AdminClient.recordsMax else {
                    throw .malformed("more than \(AdminClient.recordsMax) records")
                }
                records.append(record)
            case .end(let response): return (records, response)
            }
        }
    }

    /// Connects, asks, and reads the answer.
    package static func ask(
        _ request: AdminRequest, _ paths: Paths, deadline: Instant?
    ) throws(AdminError) -> (records: [HAMessage], response: AdminResponse) {
        let client = try AdminClient(paths, deadline: deadline)
        try client.send(request)
        return try client.answer(deadline: deadline)
    }

    /// Asks for the state of the cluster.
    package static func report(_ paths: Paths, deadline: Instant?) throws(AdminError) -> ClusterReport {
        try read(.status, paths, deadline, ClusterReport.init)
    }

    /// Asks for what the daemon has recorded of arrivals.
    package static func punctuality(_ paths: Paths, deadline: Instant?) throws(AdminError) -> PunctualityReport {
        try read(.punctuality, paths, deadline, PunctualityReport.init)
    }

    /// Asks for what the daemon has recorded of the last failovers, `count` at most.
    package static func failovers(
        _ count: Int, _ paths: Paths, deadline: Instant?
    ) throws(AdminError) -> FailoverReport {
        try read(.failovers(count: count), paths, deadline, FailoverReport.init)
    }

    /// Asks, and makes a report of the records.
    private static func read<Report>(
        _ request: AdminRequest, _ paths: Paths, _ deadline: Instant?,
        _ report: ([HAMessage]) throws(AdminMessageError) -> Report
    ) throws(AdminError) -> Report {
        let (records, response) = try ask(request, paths, deadline: deadline)
        try expectDone(response, paths)
        do throws(AdminMessageError) {
            return try report(records)
        } catch {
            throw .malformed(error.description)
        }
    }

    /// Asks for a directive of ha.cf; nil where the file does not name it.
    package static func parameter(
        _ name: String, _ paths: Paths, deadline: Instant?
    ) throws(AdminError) -> String? {
        let (records, response) = try ask(.parameter(name: name), paths, deadline: deadline)
        try expectDone(response, paths)
        guard let record = records.first else { return nil }
        do throws(AdminMessageError) {
            return try ParameterRecord(record).value
        } catch {
            throw .malformed(error.description)
        }
    }

    private static func expectDone(_ response: AdminResponse, _ paths: Paths) throws(AdminError) {
        switch response.outcome {
        case .done: return
        case .denied: throw .notPermitted(socket: paths.controlSocket)
        case .refused, .failed, .error: throw .unanswered(response.text)
        }
    }
}
