// http.monitor and https.monitor: one request to each host, its status, its text and its certificate.
import ClusterModel
import LinuxSystem
import WebTransfers

/// What a web server is asked, and what must come back.
struct HTTPQuestion {
    var scheme: String
    var port: UInt16
    var path = "/"
    var method: String?
    var agent: String?
    var headers: [String] = []
    /// The site that is asked for, where that is not the host; also the certificate's name.
    var site: String?
    var statuses: [ClosedRange<Int>] = [200...399]
    var pattern: Pattern?
    /// Must not occur.
    var refused: Pattern?
    var redirectsMax = 0
    var verifies = true
    /// Fewer days left to the certificate are a failure.
    var daysMin: Int?
    var bodyMax: Int
}

/// One request to one host.
final class HTTPCheck: RunningCheck {
    private let question: HTTPQuestion
    private let host: String
    private let tools: CheckTools
    private let deadline: Instant
    private var addresses: [SocketAddress]
    private var transfer: WebTransfer?
    private var done: ((Finding) -> Void)?

    init(
        _ question: HTTPQuestion, host: String, _ addresses: [SocketAddress], tools: CheckTools, deadline: Instant,
        _ done: @escaping (Finding) -> Void
    ) {
        self.question = question
        self.host = host
        self.addresses = addresses
        self.tools = tools
        self.deadline = deadline
        self.done = done
        ask()
    }

    var stage: String { transfer?.stage ?? "done" }

    func cancel() {
        done = nil
        transfer?.cancel()
        transfer = nil
    }

    /// Of the next address; each is asked where the one before it takes no connection.
    private func ask() {
        guard done != nil, !addresses.isEmpty else { return }
        let address = addresses.removeFirst()
        do throws(SystemError) {
            transfer = try tools.web().start(request(to: address)) { [weak self] result in
                self?.answered(result, address)
            }
        } catch {
            finish(Finding(failure: "\(error)"))
        }
    }

    private func request(to address: SocketAddress) -> WebRequest {
        // A zone is this machine's own affair.
        let name = question.site ?? (address.address.isIPv6 && IPAddress(bare(host)) != nil
            ? "[\(address.address)]" : host)
        var request = WebRequest(
            url: "\(question.scheme)://\(name):\(question.port)\(question.path)",
            timeout: max(.milliseconds(1), deadline - Clock.now()))
        request.method = question.method
        request.agent = question.agent
        request.headers = question.headers
        request.connectTo = address
        request.redirectsMax = question.redirectsMax
        request.verifies = question.verifies
        request.wantsCertificate = question.daysMin != nil
        request.bodyMax = question.bodyMax
        return request
    }

    private func bare(_ host: String) -> String { String(host.prefix { $0 != "%" }) }

    private func answered(_ result: Result<WebAnswer, WebError>, _ address: SocketAddress) {
        transfer = nil
        switch result {
        case .failure(let error):
            if error.isUnconnected, !addresses.isEmpty { return ask() }
            finish(Finding(failure: "\(address): \(error)"))
        case .success(let answer): finish(judge(answer))
        }
    }

    private func judge(_ answer: WebAnswer) -> Finding {
        let time = answer.duration.spoken
        guard question.statuses.contains(where: { $0.contains(answer.status) }) else {
            return Finding(failure: "status \(answer.status) after \(time)", details: HTTPCheck.excerpt(answer.body))
        }
        let extent = answer.isTruncated ? " in the first \(question.bodyMax) bytes" : ""
        if let pattern = question.pattern, !pattern.matches(answer.body) {
            return Finding(
                failure: "'\(pattern.text)' is not found\(extent)", details: HTTPCheck.excerpt(answer.body))
        }
        if let refused = question.refused, refused.matches(answer.body) {
            return Finding(failure: "'\(refused.text)' is found", details: HTTPCheck.excerpt(answer.body))
        }
        if let daysMin = question.daysMin {
            guard let end = answer.certificateEnd else { return Finding(failure: "the server shows no certificate") }
            let seconds = end - Clock.wallNanoseconds() / 1_000_000_000
            let days = seconds < 0 ? -1 - Int(-seconds / 86_400) : Int(seconds / 86_400)
            if let problem = Certificate.problem(daysLeft: days, daysMin: daysMin) {
                return Finding(failure: problem)
            }
        }
        return Finding(note: "status \(answer.status), \(answer.body.count) bytes, \(time)")
    }

    /// The beginning of what a server says of its trouble.
    private static func excerpt(_ body: [UInt8]) -> [String] {
        String(decoding: body.prefix(2000), as: UTF8.self).split(whereSeparator: \.isNewline).prefix(10).map {
            "    \($0)"
        }
    }

    private func finish(_ finding: Finding) {
        let done = done
        self.done = nil
        done?(finding)
    }
}
