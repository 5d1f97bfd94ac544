// Whether a password is that of a user (specs/mon.md 9): hashes of crypt(3), from the C library's databases or a file,
// and PAM. A hash costs time on purpose, so only so many are computed a second, whoever asks.
import CCrypt
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring

/// Who wants to be whom.
struct LoginAttempt {
    var user: String
    var password: [UInt8]
    var isLocal: Bool
    /// Numeric address of the client; empty: a process of this machine.
    var host: String

    /// Whether any database could hold such a user with such a password.
    var isPossible: Bool { !password.isEmpty && !password.contains(0) && !user.utf8.contains(0) }
}

final class PasswordCheck {
    private let helpers: LoginHelpers
    private var budget = TokenBucket(burst: 20, interval: .milliseconds(200))
    /// Passwords of traps that were right, so that each trap need not be hashed again.
    private var known: [(hash: String, password: [UInt8])] = []
    private static let knownMax = 64

    init(_ helpers: LoginHelpers) { self.helpers = helpers }

    /// The methods in their order, the first that accepts decides. An empty password opens nothing but what needs none.
    /// `completion` is called once: before this returns, unless a helper has to be asked.
    func accepts(
        _ attempt: LoginAttempt, methods: ArraySlice<AuthenticationMethod>, userfile: String, pamservice: String,
        completion: @escaping (Bool) -> Void
    ) {
        guard let method = methods.first, !attempt.user.isEmpty else { return completion(false) }
        let goOn = { [self] (isAccepted: Bool) in
            if isAccepted { return completion(true) }
            accepts(
                attempt, methods: methods.dropFirst(), userfile: userfile, pamservice: pamservice,
                completion: completion)
        }
        switch method {
        case .trustlocal: goOn(attempt.isLocal)
        case .passwd, .shadow:
            guard attempt.isPossible, attempt.user.utf8.count <= SystemPasswords.userLengthMax,
                budget.take(Clock.now())
            else { return goOn(false) }
            helpers.hash(of: attempt.user) { goOn($0.map { PasswordCheck.fits(attempt.password, $0) } ?? false) }
        case .userfile:
            let text = FileSystem.text(of: userfile, limit: 1 << 20) ?? ""
            goOn(UserFile.hash(of: attempt.user, in: text).map { matches(attempt.password, $0) } ?? false)
        case .pam:
            guard attempt.isPossible, attempt.password.count <= PAMLogin.Applicant.passwordLengthMax,
                budget.take(Clock.now())
            else { return goOn(false) }
            helpers.accepts(
                PAMLogin.Applicant(user: attempt.user, password: attempt.password, host: attempt.host),
                service: pamservice, completion: goOn)
        }
    }

    /// Whether a trap's password has one of these hashes.
    func accepts(trap password: [UInt8], hashes: [String]) -> Bool {
        if known.contains(where: { hashes.contains($0.hash) && $0.password == password }) { return true }
        guard let hash = hashes.first(where: { matches(password, $0) }) else { return false }
        if known.count >= PasswordCheck.knownMax { known.removeFirst() }
        known.append((hash, password))
        return true
    }

    /// Hashes are no longer those of the file.
    func forget() { known = [] }

    private func matches(_ password: [UInt8], _ hash: String) -> Bool {
        guard !password.isEmpty, !password.contains(0), PasswordCheck.isHash(hash), budget.take(Clock.now())
        else { return false }
        return PasswordCheck.fits(password, hash)
    }

    private static func isHash(_ text: String) -> Bool {
        text.utf8.count >= 13 && text.utf8.first != UInt8(ascii: "*")
    }

    private static func fits(_ password: [UInt8], _ hash: String) -> Bool {
        let text = password.map { CChar(bitPattern: $0) } + [0]
        guard isHash(hash), let computed = crypt(text, hash) else { return false }
        return Array(String(cString: computed).utf8)[...].isEqualInConstantTime(to: Array(hash.utf8)[...])
    }
}
