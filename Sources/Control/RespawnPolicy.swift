// When a client of a `respawn` or `failfast` line is started again, and when its end is that of the machine
// (specs/heartbeat.md section 7).
import ClusterModel
import LinuxSystem

/// The recent lives of one client. Pure.
struct RespawnPolicy {
    /// A client that lives for a shorter time than this has ended too soon.
    static let shortLife = Duration.seconds(30)
    /// So many lives in a row may be too short.
    static let shortLivesMax = 10
    /// The exit code by which a client says that it is not wanted here.
    static let noRestartCode: Int32 = 100

    /// What follows the end of a client.
    enum Decision: Equatable {
        case restart
        /// It said so itself.
        case stay
        /// It ends again and again.
        case giveUp
        /// Without it this machine is not to go on.
        case reboot
    }

    /// Whether the line is `failfast`: any end but one with code 0 or `noRestartCode` is abnormal.
    private let rebootsOnFailure: Bool
    private var shortLives = 0

    init(rebootsOnFailure: Bool = false) { self.rebootsOnFailure = rebootsOnFailure }

    /// Notes an end after a life of some length.
    mutating func ended(_ how: ChildStatus, after life: Duration) -> Decision {
        if how == .exited(RespawnPolicy.noRestartCode) { return .stay }
        if rebootsOnFailure && how != .exited(0) { return .reboot }
        shortLives = life < RespawnPolicy.shortLife ? shortLives + 1 : 0
        return shortLives > RespawnPolicy.shortLivesMax ? .giveUp : .restart
    }
}
