// What the client has noted: times without an answer, and who answered after them.
import ClusterModel
import LinuxSystem
import Rig

/// A time without an answer, or a change of the machine that answers.
struct Gap {
    /// Of the address.
    var index: Int
    /// The last answer before, the first one after.
    var start: Instant
    var end: Instant
    /// Numbers of the machines that answered before and after.
    var from: Int
    var to: Int
    /// Requests in between that were not answered.
    var lost: Int

    var milliseconds: Double { Double((end - start).wholeNanoseconds) / 1e6 }
}

/// A running client.
final class ClientRecord {
    private let process: HeldProcess
    private let file: GrowingFile
    private(set) var gaps: [Gap] = []
    /// For each address: when it was first answered for, and by whom and when it was last seen to be.
    private(set) var first: [Instant?]
    private(set) var lastSeen: [(time: Instant, machine: Int)?]

    /// Starts a client of the cluster that asks each address once in the interval.
    init(_ cluster: Cluster, program: String, addresses: [String], interval: Duration) throws {
        let path = "\(cluster.folder)/client-\(Clock.now().nanoseconds)"
        try Folder.write("", to: path)
        let words = cluster.clientWords + [program, "client", path, "\(interval.wholeNanoseconds / 1000)"] + addresses
        process = try HeldProcess.start("/usr/bin/env", words, waiting: cluster.waiting).process
        file = GrowingFile(path)
        first = addresses.map { _ in nil }
        lastSeen = addresses.map { _ in nil }
    }

    func finish() { process.kill() }

    /// Takes in what was noted since the last call.
    func read() {
        for line in file.newLines() {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int64($0) }
            guard numbers.count == words.count - 1, let index = numbers.first.map({ Int($0) }), first.indices ~= index
            else { continue }
            switch (words.first, numbers.count) {
            case ("first", 3):
                first[index] = Instant(nanoseconds: numbers[1])
                lastSeen[index] = (Instant(nanoseconds: numbers[1]), Int(numbers[2]))
            case ("seen", 3): lastSeen[index] = (Instant(nanoseconds: numbers[1]), Int(numbers[2]))
            case ("gap", 6):
                let end = Instant(nanoseconds: numbers[2])
                gaps.append(
                    Gap(
                        index: index, start: Instant(nanoseconds: numbers[1]), end: end, from: Int(numbers[3]),
                        to: Int(numbers[4]), lost: Int(numbers[5])))
                // The client itself forgets nothing.
                if first[index] == nil { first[index] = end }
                lastSeen[index] = (end, Int(numbers[4]))
            default: continue
            }
        }
    }

    /// Forgets that anything was ever answered, for a start from nothing.
    func forget() {
        read()
        gaps = []
        first = first.map { _ in nil }
        lastSeen = lastSeen.map { _ in nil }
    }

    /// The first gap of an address that ended after an instant with an answer of a machine.
    func gap(of index: Int = 0, after begin: Instant, to machine: Int) -> Gap? {
        gaps.first { $0.index == index && $0.end > begin && $0.to == machine && $0.from != machine }
    }

    /// The longest time without an answer that ended after an instant, in milliseconds; 0 where every request was
    /// answered.
    func worstGap(after begin: Instant) -> Double {
        gaps.filter { $0.end > begin && $0.lost > 0 }.map(\.milliseconds).max() ?? 0
    }

    /// How often another machine answered than before, after an instant.
    func changes(after begin: Instant) -> Int { gaps.count { $0.end > begin && $0.from != $0.to } }
}
