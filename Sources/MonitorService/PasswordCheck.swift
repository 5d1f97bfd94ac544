// Whether a password is that of a user (specs/mon.md 9): hashes of crypt(3), from the C library's database or a file.
// A hash costs time on purpose, so only so many are computed a second, whoever asks.
import CCrypt
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring

final class PasswordCheck {
    private var budget = TokenBucket(burst: 20, interval: .milliseconds(200))
    /// Passwords of traps that were right, so that each trap need not be hashed again.
    private var known: [(hash: String, password: [UInt8])] = []
    private static let knownMax = 64

    /// The methods in their order, the first that accepts decides. An empty password never opens a file's door.
    func accepts(
        user: String, password: [UInt8], isLocal: Bool, methods: [AuthenticationMethod], userfile: String
    ) -> Bool {
        guard !user.isEmpty else { return false }
        for method in methods {
            switch method {
            case .trustlocal: if isLocal { return true }
            case .passwd, .shadow:
                if let hash = PasswordCheck.systemHash(user), matches(password, hash) { return true }
            case .userfile:
                let text = FileSystem.text(of: userfile, limit: 1 << 20) ?? ""
                if let hash = UserFile.hash(of: user, in: text), matches(password, hash) { return true }
            case .pam: break
            }
        }
        return false
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
        guard !password.isEmpty, !password.contains(0), hash.utf8.count >= 13, hash.utf8.first != UInt8(ascii: "*"),
            budget.take(Clock.now())
        else { return false }
        let text = password.map { CChar(bitPattern: $0) } + [0]
        guard let computed = crypt(text, hash) else { return false }
        return Array(String(cString: computed).utf8)[...].isEqualInConstantTime(to: Array(hash.utf8)[...])
    }

    private static func systemHash(_ user: String) -> String? {
        if let entry = getspnam(user), let hash = entry.pointee.sp_pwdp { return String(cString: hash) }
        guard let entry = getpwnam(user), let hash = entry.pointee.pw_passwd else { return nil }
        return String(cString: hash)
    }
}
