// The story: what happens to the cluster, one thing after the other.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

extension Demonstration {
    /// What one look or one move may take here beyond what the configuration says: this machine plays all roles.
    private static let allowance = Duration.milliseconds(100)
    /// Longest time without an answer that a planned move may cost.
    private static let plannedMax = Duration.milliseconds(50)
    /// Longest time that the web service may take to follow its address.
    private static let serviceMax = Duration.seconds(1)

    private var alpha: Node { cluster["alpha"] }
    private var beta: Node { cluster["beta"] }

    func playChapters() throws {
        introduce()
        for chapter in [start, cutPower, failBack, standBy, takeOver, cutOneLink, cutAllLinks] {
            try chapter()
            try cluster.waiting.pass(screen.beat)
        }
        verdicts.add(
            "address on two nodes at once", "\(observer.contestedAddress) of \(observer.looks) looks", mustBe: "never",
            observer.contestedAddress == 0)
        verdicts.add(
            "filesystem on two nodes at once", "\(observer.contestedMount) of \(observer.looks) looks", mustBe: "never",
            observer.contestedMount == 0)
    }

    private func introduce() {
        let (keepalive, deadtime) = (Demonstration.keepalive, Demonstration.deadtime)
        screen.show([
            "Two nodes, alpha and beta, each with its own network, processes and mounts, are joined by a bridge and by",
            "a serial null-modem cable. One group of resources, at home on alpha: "
                + "the address \(Demonstration.address),",
            "a filesystem on a disk that both reach, and a web server on it. A client asks the address every",
            "millisecond and fetches the page every 20 ms. keepalive \(Screen.milliseconds(keepalive)),"
                + " deadtime \(Screen.milliseconds(deadtime)); a router is the ping node.",
        ])
    }

    /// Waits until a node has everything and the client is served by it.
    private func awaitService(of node: Node) throws {
        try cluster.waiting.until("the client served by \(node.name) alone", within: .seconds(15)) {
            observer.owner === node
        }
        try cluster.awaitOwner(node.name, of: Demonstration.group)
    }

    /// The longest silence of the address and of the web service since an instant.
    private func silences(since start: Instant) -> (address: Duration, web: Duration) {
        let address = observer.addressProbe?.seen.longestOutage(after: start) ?? .zero
        let web = observer.webProbe?.seen.longestOutage(after: start) ?? .zero
        return (address, web)
    }

    private func judge(_ what: String, since start: Instant, _ limit: Duration) {
        let silence = silences(since: start)
        verdicts.add("\(what): address silent", silence.address, atMost: limit)
        verdicts.add("\(what): web page missing", silence.web, atMost: limit + Demonstration.serviceMax)
        screen.tell(
            "The address was silent for \(Screen.milliseconds(silence.address)),"
                + " the page was missing for \(Screen.milliseconds(silence.web)).")
    }

    // MARK: Chapters

    private func start() throws {
        screen.title("Start")
        let begin = Clock.now()
        observer.addressProbe = try cluster.probe(Demonstration.address)
        observer.webProbe = try cluster.probeWeb(Demonstration.address)
        try cluster.start()
        screen.tell("Both nodes are switched on and start heartbeat.")
        try awaitService(of: alpha)
        let time = Clock.now() - begin
        screen.tell("They have found each other; alpha has started its group.")
        verdicts.add("start of both nodes to first page", time, atMost: .seconds(5))
    }

    private func cutPower() throws {
        screen.title("Power cut of the owner")
        let begin = Clock.now()
        try alpha.cutPower()
        screen.tell("alpha has lost its power. It could not say goodbye.")
        try awaitService(of: beta)
        screen.tell("beta missed alpha's heartbeats for its deadtime, and has taken everything over.")
        judge("power cut", since: begin, Demonstration.deadtime + Demonstration.allowance)
    }

    private func failBack() throws {
        screen.title("Return and failback")
        let begin = Clock.now()
        try alpha.powerOn()
        try alpha.startDaemon()
        screen.tell("alpha is switched on again.")
        try awaitService(of: alpha)
        screen.tell("auto_failback is on: beta has released the group, alpha has started it.")
        judge("failback", since: begin, Demonstration.plannedMax)
    }

    private func standBy() throws {
        screen.title("hb_standby")
        try move("hb_standby", on: alpha, to: beta)
    }

    private func takeOver() throws {
        screen.title("hb_takeover")
        try move("hb_takeover", on: alpha, to: alpha)
    }

    private func move(_ command: String, on node: Node, to target: Node) throws {
        let begin = Clock.now()
        screen.tell("\(node.name)# \(command) all")
        let outcome = try node.run(command, ["all"])
        for line in outcome.output.split(separator: "\n") { screen.tell("    \(line)") }
        verdicts.add("\(command): exit code", "\(outcome.status)", mustBe: "exit code 0", outcome.succeeded)
        try awaitService(of: target)
        judge(command, since: begin, Demonstration.plannedMax)
    }

    private func cutOneLink() throws {
        screen.title("One link cut")
        let begin = Clock.now()
        cluster.cables[0].unplug()
        faults = ["the serial cable is unplugged"]
        screen.tell("The serial cable is unplugged for three deadtimes.")
        try cluster.waiting.pass(Demonstration.deadtime * 3)
        cluster.cables[0].plugIn()
        try beta.cutLink(0)
        faults = ["beta's network cable is unplugged"]
        screen.tell("The serial cable is back. Now beta's network cable is unplugged for three deadtimes.")
        try cluster.waiting.pass(Demonstration.deadtime * 3)
        try beta.restoreLink(0)
        faults = []
        let silence = silences(since: begin).address
        let stayed = observer.owner === alpha
        screen.tell("Both are back. \(stayed ? "Nothing has moved." : "The group has moved!")")
        verdicts.add("one link cut: owner", observer.owner?.name ?? "nobody", mustBe: "alpha, as before", stayed)
        verdicts.add("one link cut: address silent", silence, atMost: .milliseconds(10))
        try cluster.awaitAllLinks()
    }

    private func cutAllLinks() throws {
        screen.title("All links cut")
        let daemons = cluster.nodes.map { $0.control?.pid }
        var begin = Clock.now()
        cluster.cables[0].unplug()
        try alpha.cutLink(0)
        faults = ["alpha is cut off: no network, no serial line"]
        screen.tell("alpha, the owner, loses its network and its serial line. Each node could think the other dead.")
        try awaitReleaseByAlpha()
        screen.tell("alpha does not reach the router any more: it has no quorum, and has given everything up.")
        try cluster.waiting.until("the client served by beta", within: .seconds(15)) { observer.owner === beta }
        screen.tell("beta still reaches the router: it has taken over, after alpha had to have let go.")
        judge("all links cut", since: begin, Demonstration.deadtime + Demonstration.allowance)
        begin = Clock.now()
        cluster.cables[0].plugIn()
        try alpha.restoreLink(0)
        faults = []
        screen.tell("The cables are back. The nodes find each other again.")
        try awaitService(of: alpha)
        let same = cluster.nodes.map { $0.control?.pid } == daemons
        screen.tell("One owner, at home on alpha again; no daemon was restarted.")
        verdicts.add("healed: daemons restarted", same ? "none" : "some", mustBe: "none", same)
        judge("healed, failback", since: begin, Demonstration.plannedMax)
    }

    private func awaitReleaseByAlpha() throws {
        try cluster.waiting.until("the address given up by alpha", within: .seconds(5)) {
            !alpha.holds(Demonstration.address)
        }
    }

    /// Shuts both nodes down, as an administrator would.
    func end() throws {
        observer.addressProbe = nil
        observer.webProbe = nil
        for node in cluster.nodes.reversed() {
            let status = try node.stopDaemon()
            guard status == .exited(0) else { throw RigError("heartbeat on \(node.name) ended with \(status)") }
        }
        guard cluster.holders(of: Demonstration.address).isEmpty, !alpha.hasMounted(disk.mountPoint) else {
            throw RigError("resources are left behind after the daemons have shut down")
        }
    }
}
