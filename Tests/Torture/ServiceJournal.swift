// What services note down when they are started and stopped, and what that says: who ran what at the same time.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// Two nodes that ran a service at the same time.
struct Overlap {
    var key: String
    /// The node that ran it first.
    var holder: String
    var intruder: String
    var begin: Instant
    /// The first one had begun to stop it.
    var isStopping: Bool
    /// nil: it has not ended.
    var end: Instant?
}

/// The journal of one service. Its lines have the order in which things happened; the times are exact to 10 ms.
struct ServiceJournal {
    let key: String
    private let path: String
    private let file: GrowingFile
    /// Where it runs, in the order of the starts.
    private var holders: [String] = []
    private var stopping: [String] = []
    private var open: [Overlap] = []
    /// Since `forget`.
    private(set) var overlaps: [Overlap] = []
    private(set) var doubleStarts: [String] = []
    private(set) var starts = 0

    init(key: String, folder: String) {
        self.key = key
        path = "\(folder)/\(key).journal"
        file = GrowingFile(path)
    }

    /// What the next calls of a script on a node do wrong: lines `OPERATION WAY`.
    static func orders(_ key: String, on node: Node) -> String { "\(node.folder)/orders-\(key)" }

    /// The resource script `service::KEY::SECONDS`. It runs a process, and takes its time to start it.
    static func script(folder: String) -> String {
        """
        #!/bin/sh
        # KEY SECONDS start|stop|status
        key=$1 seconds=$2 operation=$3
        state="\(folder)/$HA_CURHOST/volatile/$key"
        orders="\(folder)/$HA_CURHOST/orders-$key"
        note() { read -r up idle </proc/uptime; echo "$up $HA_CURHOST $1" >>"\(folder)/$key.journal"; }
        runs() { pid=; [ -s "$state" ] && read -r pid <"$state" && [ -d "/proc/$pid" ]; }
        way=
        if [ -s "$orders" ]; then
            read -r wrong way <"$orders"
            if [ "$wrong" = "$operation" ]; then rm -f "$orders"; else way=; fi
        fi
        if [ "$way" = fail ]; then echo "told to fail" >&2; exit 1; fi
        if [ "$way" = hang ]; then exec sleep 800000000; fi
        case $operation in
        start)
            if runs; then note again; exit 0; fi
            note starting
            setsid sleep "$seconds" </dev/null >/dev/null 2>&1 &
            echo $! >"$state"
            sleep 0.05
            note started
            if [ "$way" = late ]; then echo "told to fail late" >&2; exit 1; fi ;;
        stop)
            if runs; then
                note stopping
                kill "$pid"
                while [ -d "/proc/$pid" ]; do sleep 0.01; done
            fi
            rm -f "$state"
            note stopped ;;
        status) if runs; then echo running; else note idle; echo stopped; exit 3; fi ;;
        esac

        """
    }

    /// Notes what no script can: all that ran on a node is gone, at this moment.
    func notePowerCut(of node: String) throws {
        let centiseconds = Clock.now().nanoseconds / 10_000_000
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var line = "\(Double(centiseconds) / 100) \(node) power-cut\n"
        line.withUTF8 { _ = write(file.raw, $0.baseAddress, $0.count) }
    }

    /// Takes in what was noted since the last call.
    mutating func read() {
        for line in file.newLines() {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, let seconds = Double(words[0]) else { continue }
            take(words[2], node: words[1], at: Instant(nanoseconds: Int64(seconds * 1_000_000_000)))
        }
    }

    private mutating func take(_ word: String, node: String, at time: Instant) {
        switch word {
        case "starting": begin(node, at: time)
        case "started": if !holders.contains(node) { begin(node, at: time) }
        case "stopping": stopping.append(node)
        case "again": doubleStarts.append("\(key) was started on \(node) though it ran there, at \(time)")
        default: end(node, at: time)
        }
    }

    private mutating func begin(_ node: String, at time: Instant) {
        starts += 1
        if holders.contains(node) {
            doubleStarts.append("\(key) was started twice on \(node), at \(time)")
            return
        }
        for holder in holders {
            open.append(
                Overlap(
                    key: key, holder: holder, intruder: node, begin: time, isStopping: stopping.contains(holder)))
        }
        holders.append(node)
    }

    private mutating func end(_ node: String, at time: Instant) {
        holders.removeAll { $0 == node }
        stopping.removeAll { $0 == node }
        for index in open.indices.reversed() where open[index].holder == node || open[index].intruder == node {
            var overlap = open.remove(at: index)
            overlap.end = time
            overlaps.append(overlap)
        }
    }

    /// Those that have not ended, too.
    var allOverlaps: [Overlap] { overlaps + open }

    mutating func forget() {
        overlaps = []
        doubleStarts = []
    }
}
