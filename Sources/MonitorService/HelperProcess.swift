// Who asks a server may wait as long as it likes. So such questions are asked by helpers: this program under another
// first word, a process for each question, with a time limit. What goes wrong there is its end, not the daemon's.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// What a helper is for. The raw value is the first word of its command line; the daemon's process id and the helper's
/// own arguments follow.
enum HelperProcess: String {
    case pamLogin = "--pam-login"
    case passwordHash = "--password-hash"
    case hostAddress = "--look-up"

    /// The exit code of a helper that could not begin.
    private static let unable: Int32 = 2

    /// Starts a helper with `input` to read. `completion` is called once from the event loop with how it ended and what
    /// it printed. After `timeout` it is killed.
    func start(
        _ arguments: [String], input: [UInt8] = [], timeout: Duration, loop: EventLoop,
        completion: @escaping ChildProgram.Completion
    ) throws(SystemError) {
        try ChildProgram(
            "/proc/self/exe", ["mon", rawValue, "\(getpid())"] + arguments,
            environment: Spawn.inherited(["PATH", "LANG", "TZ"]) + ["SWIFT_BACKTRACE=enable=no"], input: input,
            timeout: timeout, loop: loop, completion: completion)
    }

    /// Is the helper that a command line asks for, which ends with its daemon. Returns the exit code; nil: the command
    /// line is another one.
    static func main(_ words: [String]) -> Int32? {
        guard let helper = words.first.flatMap(HelperProcess.init) else { return nil }
        guard words.count >= 2, let parent = pid_t(words[1]) else { return unable }
        do throws(SystemError) {
            try ParentWatch.dieWithParent(parent)
        } catch {
            print(error)
            return unable
        }
        let arguments = Array(words.dropFirst(2))
        switch helper {
        case .pamLogin: return PAMLogin.main(arguments).rawValue
        case .passwordHash: return SystemPasswords.main().rawValue
        case .hostAddress: return TrapHosts.main(arguments)
        }
    }
}
