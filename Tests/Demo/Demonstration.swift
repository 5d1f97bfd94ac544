// Sets the stage: the cluster, the client, the signals that end the show; then plays the chapters and tells how it
// went.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// Somebody pressed Ctrl-C, or the terminal is gone.
struct Interrupted: Error {
    let signal: Int32
}

final class Demonstration {
    static let address = NetworkPlan.service()
    static let keepalive = Duration.milliseconds(100)
    static let deadtime = Duration.milliseconds(500)
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    let screen: Screen
    let cluster: Cluster
    let disk: SharedDisk
    let observer: Observer
    var verdicts = Verdicts()
    /// What is unplugged, for the panel.
    var faults: [String] = []

    /// The first resource names the group.
    static var group: String { "\(address)/24/eth0" }

    /// Runs the demonstration; the exit code. `--keep` leaves the cluster up with a shell.
    static func main(_ arguments: [String]) -> Int32 {
        guard arguments.isEmpty || arguments == ["--keep"] else {
            print("usage: hb_demo [--keep]")
            return 2
        }
        guard geteuid() == 0 else {
            print("hb_demo: must be started by root: it makes network namespaces")
            return 4
        }
        block(signals)
        let screen = Screen()
        do {
            let demonstration = try Demonstration(screen: screen)
            return demonstration.play(keep: !arguments.isEmpty)
        } catch let interruption as Interrupted {
            screen.close()
            return 128 + interruption.signal
        } catch {
            screen.close()
            print("hb_demo: \(error)")
            return 1
        }
    }

    /// Blocked signals are taken between two looks, so that cleaning up is never interrupted.
    private static func block(_ signals: [Int32]) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    /// Sleeps for about a millisecond, or throws the signal that came.
    static func pause() throws {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        var time = timespec(tv_sec: 0, tv_nsec: 1_000_000)
        let signal = sigtimedwait(&set, nil, &time)
        if signal > 0 { throw Interrupted(signal: signal) }
    }

    private init(screen: Screen) throws {
        self.screen = screen
        // Set when everything that it looks at is there.
        var look: () -> Void = {}
        let waiting = Waiting {
            look()
            screen.refresh()
            try Demonstration.pause()
        }
        guard let own = FileSystem.target(ofLink: "/proc/self/exe"), let slash = own.lastIndex(of: "/") else {
            throw RigError("/proc is not mounted")
        }
        var plan = Cluster.Plan(prefix: "heartbeat-demo", binaries: String(own[..<slash]))
        plan.hasSerialLines = true
        let cluster = try Cluster(plan, waiting: waiting)
        self.cluster = cluster
        disk = try SharedDisk(
            cluster, file: "index.html", text: "This page is on the disk that the nodes share.\n")
        observer = Observer(cluster, address: Demonstration.address, mountPoint: disk.mountPoint)
        try cluster.write(Demonstration.files(disk, program: own, folder: cluster.folder))
        let observer = observer
        look = { observer.look() }
        screen.panel = { [unowned self] in observer.panel(faults) }
    }

    private static func files(_ disk: SharedDisk, program: String, folder: String) -> ClusterFiles {
        var files = ClusterFiles()
        files.keepalive = "\(keepalive.wholeMilliseconds)ms"
        files.deadtime = "\(deadtime.wholeMilliseconds)ms"
        files.initdead = "10s"
        files.pingsRouter = true
        files.groups = ["alpha \(group) \(disk.resource) web::\(disk.mountPoint)"]
        files.scripts = [("web", ResourceScript.web(program: program, folder: folder))]
        return files
    }

    private func play(keep: Bool) -> Int32 {
        var code: Int32 = 1
        do {
            try playChapters()
            screen.close()
            screen.show([""] + verdicts.lines)
            code = verdicts.areMet ? 0 : 1
            if keep {
                try Playground(cluster).open()
            } else {
                try end()
            }
            screen.show(["", code == 0 ? "Everything was as it must be." : "NOT everything was as it must be."])
        } catch let interruption as Interrupted {
            screen.close()
            screen.show(["", "Interrupted."])
            code = 128 + interruption.signal
        } catch {
            screen.close()
            showLogs()
            screen.show(verdicts.lines + ["", "FAILED: \(error)"])
            code = 1
        }
        cluster.finish()
        return code
    }

    /// The end of each node's log, for whoever has to find out what went wrong.
    private func showLogs() {
        for node in cluster.nodes {
            let lines = node.log.split(separator: "\n").suffix(25)
            screen.show(["", "The log of \(node.name) ends with:"] + lines.map { "    \($0)" })
        }
        screen.show([""])
    }
}
