// The command line of hb_torture.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// What is to be done, and with which cluster.
struct Options {
    static let usage = """
        usage: hb_torture [--iterations N] [--seed S] [--first I] [--nodes 2..4] [--quorum majority|ping|ignore]
                          [--keepalive MS] [--deadtime MS] [--round N] [--keep-going]
          --iterations N   how often faults are made and the cluster is audited; 20
          --seed S         what faults are drawn from; by the clock where none is given
          --first I        the iteration to begin with; 1
          --nodes N        two, three or four; without it clusters of two and three take turns
          --quorum WORD    as in ha.cf; without it ping for two nodes, majority for more
          --round N        iterations with one cluster; 250, and at most half of all
          --keep-going     make a new cluster after an audit that failed, and go on

        """

    var iterations = 20
    var seed: UInt64
    var first = 1
    var nodes: Int?
    var quorum: String?
    var keepalive = Duration.milliseconds(100)
    var deadtime = Duration.seconds(1)
    var round: Int?
    var keepsGoing = false

    init(_ arguments: [String]) throws {
        seed = UInt64(bitPattern: Clock.wallNanoseconds() / 1_000_000) % 1_000_000
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if word == "--keep-going" {
                keepsGoing = true
                continue
            }
            guard let value = rest.popFirst() else { throw RigError("\(word): no value") }
            func number(_ range: ClosedRange<Int>) throws -> Int {
                guard let number = Int(value), range.contains(number) else {
                    throw RigError("\(word): \(value): expected \(range.lowerBound) to \(range.upperBound)")
                }
                return number
            }
            switch word {
            case "--iterations": iterations = try number(1...1_000_000)
            case "--seed": seed = UInt64(try number(0...Int.max))
            case "--first": first = try number(1...1_000_000)
            case "--nodes": nodes = try number(2...4)
            case "--quorum" where ["majority", "ping", "ignore"].contains(value): quorum = value
            case "--keepalive": keepalive = .milliseconds(try number(20...10_000))
            case "--deadtime": deadtime = .milliseconds(try number(100...60_000))
            case "--round": round = try number(1...1_000_000)
            default: throw RigError("\(word) \(value): unknown")
            }
        }
    }

    /// Iterations with one cluster: both shapes have their turn, and each lives long enough to grow.
    var roundLength: Int { round ?? min(250, nodes == nil ? (iterations + 1) / 2 : iterations) }
}
