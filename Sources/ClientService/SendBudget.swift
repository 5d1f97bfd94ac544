// How much a client may say to the cluster: what it sends goes out before heartbeats that come later.
import ClusterModel

enum SendBudget {
    /// Messages at once.
    static let burst = 50
    /// Between two messages in the long run.
    static let interval = Duration.milliseconds(20)
    /// How long a client waits that has to.
    static let pause = Duration.milliseconds(50)

    /// What a client has when it comes.
    static var full: TokenBucket { TokenBucket(burst: burst, interval: interval) }
}
