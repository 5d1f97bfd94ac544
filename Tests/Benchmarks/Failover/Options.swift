// What the command line asks for.
import ClusterModel

/// A keepalive and a deadtime.
struct Pace: Equatable, Sendable {
    var keepalive: Duration
    var deadtime: Duration

    init(_ keepalive: Int64, _ deadtime: Int64) {
        self.keepalive = .milliseconds(keepalive)
        self.deadtime = .milliseconds(deadtime)
    }

    /// Reads `3/14`, milliseconds.
    init?(_ text: Substring) {
        let words = text.split(separator: "/").compactMap { Int64($0) }
        guard words.count == 2, words[0] > 0, words[1] > words[0] else { return nil }
        self.init(words[0], words[1])
    }
}

/// The options of hb_bench.
struct Options {
    /// The figures that were named; empty: all.
    var figures: [String] = []
    var runs = 20
    var isQuick = false
    var lists = false
    var isMarkdown = false
    var seed: UInt64
    /// nil: below the project's .build.
    var output: String?
    /// Candidates for the fastest setting of this project, fastest first. Each deadtime ends between two keepalives: at
    /// a multiple the last message that could save its sender would be on the way.
    var fast = [Pace(3, 14), Pace(4, 18), Pace(5, 22), Pace(10, 45), Pace(20, 90)]
    /// Parts of the names of the systems that are measured; empty: all.
    var systems: [String] = []
    /// How long a cluster is watched under load.
    var load = Duration.seconds(60)
    var addresses = 500
    /// How many addresses the systems get that take seconds for each ten of them.
    var scriptedAddresses = 50
    var nodeCounts = [2, 4, 8, 16, 32]

    static let usage = """
        usage: hb_bench [OPTION]... [FIGURE]...
        Measures this project beside keepalived, heartbeat 3.0.6 and corosync with pacemaker. Figures: hb_bench --list.
          --runs N            runs of each figure and system (20)
          --quick             two runs, short loads, few addresses and nodes: whether everything works
          --systems A,B       only systems whose names have one of these words: this,keepalived,3.0.6,pacemaker
          --fast K/D[,K/D]    candidates for the fastest keepalive/deadtime in ms; the first that survives load is taken
          --load SECONDS      how long clusters are watched under load (60)
          --addresses N       addresses of the figure many (500)
          --seed N            begins the order of the systems
          --output DIR        where results.jsonl, results.md and outage.svg go (.build/bench)
          --markdown          print the table for a page

        """

    /// Reads the arguments; nil where they cannot be understood.
    init?(_ arguments: [String], seed: UInt64) {
        self.seed = seed
        var words = arguments[...]
        while let word = words.popFirst() {
            switch word {
            case "--list": lists = true
            case "--markdown": isMarkdown = true
            case "--quick": beQuick()
            case "--runs":
                guard let number = Options.number(words.popFirst()) else { return nil }
                runs = number
            case "--addresses":
                guard let number = Options.number(words.popFirst()), number <= 20_000 else { return nil }
                addresses = number
                scriptedAddresses = min(scriptedAddresses, number)
            case "--load":
                guard let number = Options.number(words.popFirst()) else { return nil }
                load = .seconds(number)
            case "--seed":
                guard let number = words.popFirst().flatMap({ UInt64($0) }) else { return nil }
                self.seed = number
            case "--output":
                guard let folder = words.popFirst() else { return nil }
                output = folder
            case "--systems":
                guard let list = words.popFirst() else { return nil }
                systems = list.split(separator: ",").map(String.init)
            case "--fast":
                guard let list = words.popFirst()?.split(separator: ",") else { return nil }
                fast = list.compactMap { Pace($0) }
                guard !fast.isEmpty, fast.count == list.count else { return nil }
            case _ where word.hasPrefix("-"): return nil
            default: figures.append(word)
            }
        }
    }

    private static func number(_ text: String?) -> Int? { text.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }

    private mutating func beQuick() {
        isQuick = true
        runs = 2
        load = .seconds(5)
        addresses = 100
        scriptedAddresses = 10
        nodeCounts = [2, 4]
    }
}
