// The hashes of passwords that the C library finds (specs/mon.md 9), in files or, where nsswitch.conf says so, at a
// server. So a helper asks.
import CCrypt
import CLinux
import LinuxSystem

/// The helper that asks for one hash. It has no arguments.
enum SystemPasswords {
    /// Longest name of a user, in bytes.
    static let userLengthMax = 1024

    /// Prints the hash of the user who is named on standard input, or why there is none. The corresponding C functions
    /// are `getspnam` and `getpwnam`.
    static func main() -> LoginVerdict {
        do throws(SystemError) {
            let user = String(
                decoding: try MemoryFile.read(Descriptor(owning: 0), limit: userLengthMax), as: UTF8.self)
            guard let hash = hash(of: user) else {
                print("there is no such user")
                return .refused
            }
            print(hash, terminator: "")
            return .accepted
        } catch {
            print(error)
            return .unable
        }
    }

    private static func hash(of user: String) -> String? {
        if let entry = getspnam(user), let hash = entry.pointee.sp_pwdp { return String(cString: hash) }
        guard let entry = getpwnam(user), let hash = entry.pointee.pw_passwd else { return nil }
        return String(cString: hash)
    }
}
