// What a login has to ask that may wait for a server, asked beside the event loop: one helper each, so many at once,
// each with a time limit.
import ClusterModel
import LinuxSystem
import Reactor

/// How such a helper ends.
enum LoginVerdict: Int32 {
    /// What it prints is the answer.
    case accepted = 0
    /// Who was asked knows no such user, or does not let him in. What it prints says why.
    case refused = 1
    /// Who was asked cannot tell. What it prints says why.
    case unable = 2
}

final class LoginHelpers {
    /// More than these at once are refused.
    private static let runningMax = 16
    /// Whoever is asked and waits for a server that is gone is not waited for.
    private static let timeLimit: Duration = .seconds(20)

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private var runningCount = 0

    init(loop: EventLoop, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.log = log
    }

    /// Whether PAM's rules for a service accept somebody. `completion` is called once, at the latest after the time
    /// limit; who is refused finds the reason in the log.
    func accepts(_ applicant: PAMLogin.Applicant, service: String, completion: @escaping (Bool) -> Void) {
        let name = "PAM (\(service)), user '\(applicant.user.prefix(64))'"
        ask(.pamLogin, [service], applicant.bytes, name) { completion($0 != nil) }
    }

    /// The hash of a user's password in the C library's databases; nil: there is none. `completion` as above.
    func hash(of user: String, completion: @escaping (String?) -> Void) {
        ask(.passwordHash, [], Array(user.utf8), "the password of user '\(user.prefix(64))'", completion)
    }

    /// `completion` is called with what the helper prints; nil where it does not accept, and then the log says why.
    private func ask(
        _ helper: HelperProcess, _ arguments: [String], _ input: [UInt8], _ name: String,
        _ completion: @escaping (String?) -> Void
    ) {
        guard runningCount < LoginHelpers.runningMax else {
            log(LogRecord(.warning, "login-helper", "\(name): refused, \(runningCount) logins are being judged"))
            return completion(nil)
        }
        let began = Clock.now()
        do throws(SystemError) {
            try helper.start(arguments, input: input, timeout: LoginHelpers.timeLimit, loop: loop) {
                [self] status, output in
                runningCount -= 1
                let text = String(decoding: output, as: UTF8.self).split(separator: "\n").joined(separator: "; ")
                let isOverdue = Clock.now() - began >= LoginHelpers.timeLimit
                guard let record = LoginHelpers.record(status, name, isOverdue: isOverdue, text) else {
                    return completion(text)
                }
                log(record)
                completion(nil)
            }
            runningCount += 1
        } catch {
            log(LogRecord(.error, "login-helper", "\(name): \(error)"))
            completion(nil)
        }
    }

    /// What there is to say of a helper that does not accept; nil: it does.
    private static func record(
        _ status: ChildStatus, _ name: String, isOverdue: Bool, _ text: String
    ) -> LogRecord? {
        switch status {
        case .exited(LoginVerdict.accepted.rawValue): nil
        case .exited(LoginVerdict.refused.rawValue): LogRecord(.notice, "login-helper", "\(name): refused: \(text)")
        case .killed where isOverdue:
            LogRecord(.error, "login-helper", "\(name): no answer within \(timeLimit.wholeMilliseconds / 1000) s")
        case .killed(let signal): LogRecord(.error, "login-helper", "\(name): a module ended by signal \(signal)")
        case .exited: LogRecord(.error, "login-helper", "\(name): cannot be judged: \(text)")
        }
    }
}
