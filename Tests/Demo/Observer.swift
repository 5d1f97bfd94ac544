// Looks at the kernels of all nodes and at the client's probes, many times a second, and remembers what must never be.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

final class Observer {
    private let cluster: Cluster
    private let address: String
    private let mountPoint: String
    /// The client's probes; nil before the client has begun.
    var addressProbe: Probe?
    var webProbe: Probe?

    /// Times at which two kernels had the address at once.
    private(set) var contestedAddress = 0
    /// Times at which two nodes had the filesystem mounted at once.
    private(set) var contestedMount = 0
    private(set) var looks = 0
    private var holders: [Node] = []
    private var mounters: [Node] = []

    init(_ cluster: Cluster, address: String, mountPoint: String) {
        self.cluster = cluster
        self.address = address
        self.mountPoint = mountPoint
    }

    /// One look.
    func look() {
        looks += 1
        holders = cluster.holders(of: address)
        // The looks at two nodes are not at one instant: only if the first still holds it, both did.
        if holders.count > 1 && holders.dropLast().contains(where: { $0.holds(address) }) { contestedAddress += 1 }
        mounters = cluster.nodes.filter { $0.hasMounted(mountPoint) }
        if mounters.count > 1 && mounters.dropLast().contains(where: { $0.hasMounted(mountPoint) }) {
            contestedMount += 1
        }
    }

    /// The node that holds the address and the filesystem and answers for the web service, as of the last look.
    var owner: Node? {
        guard let holder = holders.first, holders.count == 1, mounters.map(\.name) == [holder.name],
            webProbe?.seen.last?.node == holder.name, isAnswered
        else { return nil }
        return holder
    }

    /// Whether the last requests of both probes were answered.
    private var isAnswered: Bool {
        guard let address = addressProbe?.seen.last, let web = webProbe?.seen.last else { return false }
        return Clock.now() - address.received < .milliseconds(50) && Clock.now() - web.received < .milliseconds(200)
    }

    // MARK: The panel

    func panel(_ facts: [String]) -> [String] {
        var lines = [String(repeating: "─", count: 78)]
        for node in cluster.nodes {
            let power = node.isOn ? "on" : "\u{1b}[31moff\u{1b}[0m"
            var holds: [String] = []
            if holders.contains(where: { $0 === node }) { holds.append("\u{1b}[32m● address\u{1b}[0m") }
            if mounters.contains(where: { $0 === node }) { holds.append("\u{1b}[32m● filesystem\u{1b}[0m") }
            if node.isOn, webProbe?.seen.last?.node == node.name { holds.append("\u{1b}[32m● web\u{1b}[0m") }
            lines.append(" \(Screen.pad(node.name, 8))\(power)   \(holds.joined(separator: "  "))")
        }
        lines.append(" client  \(clientState)")
        return lines + facts.map { " " + $0 } + [String(repeating: "─", count: 78)]
    }

    private var clientState: String {
        guard let last = addressProbe?.seen.last else { return "waits for \(address)" }
        let silence = Clock.now() - last.received
        if silence < .milliseconds(20) {
            return "\(address) answers within \(Screen.milliseconds(last.received - last.sent))"
        }
        return "\u{1b}[31m\(address) is silent for \(Screen.milliseconds(silence))\u{1b}[0m"
    }
}
