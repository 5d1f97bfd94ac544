// What the resource manager adds to a script that it runs, and what it costs to watch a hundred resources.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

enum ResourceBenchmark {
    private static let resourceCount = 100

    // MARK: A script

    /// The start of a group of one script, and of the script by hand, in random order. The manager asks for the
    /// script's status first, which is a part of what it adds.
    static func measureScript(runs: Int, binaries: String) throws -> [Figure] {
        let network = try BenchNetwork()
        let script = """
            #!/bin/sh
            case $1 in
            start) exit 0 ;;
            stop) exit 0 ;;
            status) echo stopped; exit 3 ;;
            esac

            """
        let manager = try BenchManager(
            network, binaries: binaries, groups: ["alpha service"], scripts: [("service", script)])
        var added = Figure("start of a script: what is added to running it by hand", unit: "ms", goal: 5)
        var byHand = Figure("start of the script by hand", unit: "ms")
        for _ in 0..<runs * 2 {
            var times: [Bool: Double] = [:]
            for isManaged in [true, false].shuffled() {
                let begin = Clock.now()
                if isManaged {
                    try manager.start("service")
                    try manager.finish()
                } else {
                    let pid = try Spawn(program: manager.script("service"), arguments: ["service", "start"]).start()
                    _ = try Children.wait(pid)
                }
                times[isManaged] = Double((Clock.now() - begin).wholeNanoseconds) / 1e6
                if isManaged {
                    try manager.stop("service")
                    try manager.finish()
                }
            }
            guard let managed = times[true], let bare = times[false] else { continue }
            added.values.append(managed - bare)
            byHand.values.append(bare)
        }
        return [added, byHand]
    }

    // MARK: Monitors

    /// Processor time of the resource manager while it looks at a hundred filesystems, each once a second.
    static func measureMonitors(runs: Int, binaries: String) throws -> [Figure] {
        let network = try BenchNetwork()
        let folder = try Folder.makeUnique(prefix: "hbxbench-mounts")
        defer { removeMounts(folder) }
        let words = (0..<resourceCount).map { "Filesystem::none::\(folder)/\($0)::tmpfs" }
        for index in 0..<resourceCount { try Folder.make("\(folder)/\(index)") }
        var figure = Figure("100 filesystems monitored every second", unit: "% of a core", goal: 1)
        let manager = try BenchManager(
            network, binaries: binaries, directives: ["monitor * interval 1s"],
            groups: [BenchManager.line(words)])
        try manager.start(words[0])
        try manager.finish()
        // The first looks may start a program each; what they find is then confirmed by the kernel's list.
        Clock.wait(.seconds(3))
        for _ in 0..<max(3, runs / 4) {
            let before = processorTime(manager.pid)
            let begin = Clock.now()
            Clock.wait(.seconds(2))
            let spent = processorTime(manager.pid) - before
            figure.values.append(Double(spent) / Double((Clock.now() - begin).wholeNanoseconds) * 100)
        }
        try manager.stop(words[0])
        try manager.finish()
        return [figure]
    }

    private static func removeMounts(_ folder: String) {
        for index in 0..<resourceCount { umount2("\(folder)/\(index)", Int32(MNT_DETACH)) }
        Folder.remove(folder)
    }

    /// Nanoseconds on a processor of a process and of the children that it has reaped.
    private static func processorTime(_ pid: pid_t) -> Int64 {
        let text = FileSystem.text(of: "/proc/\(pid)/stat", limit: 4096) ?? ""
        // Behind the name in parentheses: cutime and cstime are the 14th and 15th words from the state on.
        let words = text.split(separator: ")").last?.split(separator: " ") ?? []
        let children = words.count > 14 ? (Int64(words[13]) ?? 0) + (Int64(words[14]) ?? 0) : 0
        let own = FileSystem.text(of: "/proc/\(pid)/schedstat", limit: 256)?.split(separator: " ").first
        return (own.flatMap { Int64($0) } ?? 0) + children * 1_000_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    }
}
