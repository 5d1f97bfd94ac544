// Passwords that PAM judges (specs/mon.md 9). Its modules wait: for a server, or because a password was wrong. So a
// helper judges each.
import CLinux
import CPAM
import LinuxSystem

/// The helper that asks PAM once. Its argument is the service of PAM.
enum PAMLogin {
    /// Whom to judge, as the process reads it.
    struct Applicant: Equatable {
        var user: String
        var password: [UInt8]
        /// Numeric address; empty: this machine.
        var host: String

        /// Longest password that a module may be given, in bytes.
        static let passwordLengthMax = Int(PAM_MAX_RESP_SIZE) - 1

        /// Parts that end with a zero byte.
        var bytes: [UInt8] { Array(user.utf8) + [0] + password + [0] + Array(host.utf8) + [0] }

        init(user: String, password: [UInt8], host: String) {
            self.user = user
            self.password = password
            self.host = host
        }

        /// nil: these bytes are none.
        init?(_ bytes: [UInt8]) {
            let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
            guard parts.count == 4, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
            user = String(decoding: parts[0], as: UTF8.self)
            password = Array(parts[1])
            host = String(decoding: parts[2], as: UTF8.self)
        }
    }

    /// Judges the applicant of standard input. What it prints says why he is not accepted.
    static func main(_ arguments: [String]) -> LoginVerdict {
        do throws(SystemError) {
            guard arguments.count == 1 else { return .unable }
            let input = try MemoryFile.read(Descriptor(owning: 0), limit: 1 << 17)
            guard let applicant = Applicant(input) else { return .unable }
            return judge(applicant, service: arguments[0])
        } catch {
            print(error)
            return .unable
        }
    }

    private static func judge(_ applicant: Applicant, service: String) -> LoginVerdict {
        let conversation = Conversation(applicant)
        var callbacks = pam_conv(
            conv: { count, questions, answers, context in
                guard let questions, let answers, let context, count > 0 else { return PAM_CONV_ERR }
                let conversation = Unmanaged<Conversation>.fromOpaque(context).takeUnretainedValue()
                return conversation.answer(Int(count), questions, answers)
            }, appdata_ptr: Unmanaged.passUnretained(conversation).toOpaque())
        return withExtendedLifetime(conversation) {
            var handle: OpaquePointer?
            var result = pam_start(service, applicant.user, &callbacks, &handle)
            guard result == PAM_SUCCESS, let handle else {
                print("service \(service): \(text(result, handle))")
                return .unable
            }
            defer { pam_end(handle, result) }
            if !applicant.host.isEmpty { pam_set_item(handle, PAM_RHOST, applicant.host) }
            let noEmptyPassword = Int32(PAM_DISALLOW_NULL_AUTHTOK)
            result = pam_authenticate(handle, noEmptyPassword)
            // A right password of an account that is closed or has run out opens nothing.
            if result == PAM_SUCCESS { result = pam_acct_mgmt(handle, noEmptyPassword) }
            if result == PAM_SUCCESS { return .accepted }
            let note = isThere(service) ? "" : " (there is no /etc/pam.d/\(service): 'other' decides)"
            print(([text(result, handle) + note] + conversation.notes).joined(separator: "; "))
            return verdict(result)
        }
    }

    /// Refused: user and password do not fit, or the account is closed. Unable: no service, no module, no server.
    private static func verdict(_ result: Int32) -> LoginVerdict {
        switch result {
        case PAM_AUTH_ERR, PAM_USER_UNKNOWN, PAM_MAXTRIES, PAM_PERM_DENIED, PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD,
            PAM_CRED_EXPIRED, PAM_AUTHTOK_EXPIRED:
            .refused
        default: .unable
        }
    }

    private static func text(_ result: Int32, _ handle: OpaquePointer?) -> String {
        pam_strerror(handle, result).map { String(cString: $0) } ?? "error \(result)"
    }

    /// Whether PAM has rules of its own for a service; it looks for the last part of the name, in lower case.
    static func isThere(_ service: String) -> Bool {
        let name = (service.split(separator: "/").last ?? "").lowercased()
        return ["/etc/pam.d/", "/usr/lib/pam.d/"].contains { access($0 + name, F_OK) == 0 }
            || access("/etc/pam.conf", F_OK) == 0 && access("/etc/pam.d", F_OK) != 0
    }
}

/// What modules ask: who has only a name and a password to say answers each hidden question with the password.
private final class Conversation {
    private let applicant: PAMLogin.Applicant
    /// What modules told, for the log.
    private(set) var notes: [String] = []
    private static let notesMax = 8

    init(_ applicant: PAMLogin.Applicant) { self.applicant = applicant }

    /// The answers are PAM's to free, as `malloc` made them.
    func answer(
        _ count: Int, _ questions: UnsafeMutablePointer<UnsafePointer<pam_message>?>,
        _ answers: UnsafeMutablePointer<UnsafeMutablePointer<pam_response>?>
    ) -> Int32 {
        guard count <= Int(PAM_MAX_NUM_MSG),
            let memory = calloc(count, MemoryLayout<pam_response>.stride)?.assumingMemoryBound(to: pam_response.self)
        else { return PAM_CONV_ERR }
        for index in 0..<count {
            guard let question = questions[index]?.pointee else { continue }
            switch question.msg_style {
            case PAM_PROMPT_ECHO_OFF:
                memory[index].resp = strdup(applicant.password.map { CChar(bitPattern: $0) } + [0])
            case PAM_PROMPT_ECHO_ON: memory[index].resp = strdup(applicant.user)
            default:
                if let text = question.msg, notes.count < Conversation.notesMax {
                    notes.append(String(cString: text))
                }
            }
        }
        answers.pointee = memory
        return PAM_SUCCESS
    }
}
