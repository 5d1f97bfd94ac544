// Asks PAM beside the event loop: one helper a login, so many at once, each with a time limit.
import ClusterModel
import LinuxSystem
import Reactor

final class PAMCheck {
    /// More logins than these at once are refused.
    private static let runningMax = 16
    /// A module that waits for a server that is gone is not waited for.
    static let timeLimit: Duration = .seconds(20)

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private var runningCount = 0

    init(loop: EventLoop, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.log = log
    }

    /// Whether PAM's rules for a service accept somebody; who is refused finds the reason in the log. `completion` is
    /// called once, at the latest after the time limit.
    func accepts(_ applicant: PAMLogin.Applicant, service: String, completion: @escaping (Bool) -> Void) {
        let name = "PAM (\(service)), user '\(applicant.user.prefix(64))'"
        guard runningCount < PAMCheck.runningMax else {
            log(LogRecord(.warning, "pam", "\(name): refused, \(runningCount) logins are being judged"))
            return completion(false)
        }
        let began = Clock.now()
        do throws(SystemError) {
            try HelperProcess.pamLogin.start(
                [service], input: applicant.bytes, timeout: PAMCheck.timeLimit, loop: loop
            ) { [self] status, output in
                runningCount -= 1
                let text = String(decoding: output, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
                let isOverdue = Clock.now() - began >= PAMCheck.timeLimit
                if let record = PAMCheck.record(status, name, isOverdue: isOverdue, text) { log(record) }
                completion(status == .exited(PAMLogin.Verdict.accepted.rawValue))
            }
            runningCount += 1
        } catch {
            log(LogRecord(.error, "pam", "\(name): \(error)"))
            completion(false)
        }
    }

    /// What there is to say of an end; nil: nothing.
    private static func record(
        _ status: ChildStatus, _ name: String, isOverdue: Bool, _ text: String
    ) -> LogRecord? {
        switch status {
        case .exited(PAMLogin.Verdict.accepted.rawValue): nil
        case .exited(PAMLogin.Verdict.refused.rawValue): LogRecord(.notice, "pam", "\(name): refused: \(text)")
        case .killed where isOverdue:
            LogRecord(.error, "pam", "\(name): no answer within \(timeLimit.wholeMilliseconds / 1000) s")
        case .killed(let signal): LogRecord(.error, "pam", "\(name): a module ended by signal \(signal)")
        case .exited: LogRecord(.error, "pam", "\(name): cannot be judged: \(text)")
        }
    }
}
