// Which intervals a cluster can keep, from what it has recorded: the shortest deadtime that declares a live node dead
// no more often than is wanted.
import ClusterModel
import Timeliness

/// What is wanted.
package struct TimingWish: Equatable, Sendable {
    /// One false takeover in this time, for the whole cluster as this node hears it.
    package var onceIn: Duration
    /// nil: chosen.
    package var keepalive: Duration?
    /// No keepalive below this is chosen.
    package var keepaliveMin: Duration

    /// A wish.
    package init(onceIn: Duration, keepalive: Duration?, keepaliveMin: Duration) {
        self.onceIn = onceIn
        self.keepalive = keepalive
        self.keepaliveMin = keepaliveMin
    }
}

/// What follows from a report.
package struct TimingAdvice: Equatable, Sendable {
    /// Whether there is enough to go by.
    package enum Basis: Equatable, Sendable {
        /// What is missing, a line each.
        case insufficient([String])
        /// Enough to advise, too little to be sure: what is thin, a line each.
        case thin([String])
        case sound
    }

    package var basis: Basis
    package var keepalive: Duration
    package var warntime: Duration
    package var deadtime: Duration
    /// Keepalives in a row that may be lost.
    package var lossesTolerated: Int
    /// The lateness, of the others or of this node's own timers, that the deadtime leaves room for.
    package var latenessTolerated: Duration
    /// False takeovers in a year by the present intervals, as far as lateness and loss tell.
    package var presentRate: Double

    private static let keepalives: [Duration] = [3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].map { .milliseconds($0) }
    private static let year: Duration = .seconds(365.25 * 86_400)
    private static let lossesMax = 20

    /// Advice from a report; `basis` says what it is worth.
    package init(_ report: PunctualityReport, _ wish: TimingWish) {
        let evidence = Evidence(report)
        basis = TimingAdvice.basis(report, evidence)
        let choices: [Duration]
        if let fixed = wish.keepalive {
            choices = [fixed]
        } else {
            choices = TimingAdvice.keepalives.filter { $0 >= wish.keepaliveMin }
        }
        let plans = choices.map { evidence.plan(keepalive: $0, wish) }
        let least = plans.map(\.deadtime).min() ?? report.timing.deadtime
        // A shorter keepalive that gains less than a quarter is not worth its messages.
        let plan = plans.last { $0.deadtime <= least * 1.25 } ?? evidence.plan(keepalive: report.timing.keepalive, wish)
        keepalive = plan.keepalive
        deadtime = plan.deadtime
        warntime = max(plan.keepalive + .milliseconds(1), TimingAdvice.rounded(plan.deadtime * 0.5))
        lossesTolerated = plan.losses
        latenessTolerated = plan.lateness
        presentRate = evidence.rate(report.timing) * (TimingAdvice.year / .seconds(1))
    }

    private static func basis(_ report: PunctualityReport, _ evidence: Evidence) -> Basis {
        var missing: [String] = []
        var thin: [String] = []
        if report.nodes.isEmpty { missing.append("no other node is configured") }
        if report.recorded < .seconds(120) { missing.append("less than two minutes were recorded") }
        for node in report.nodes {
            let heard = node.any.arrivals.received
            if heard < 500 {
                missing.append("\(heard) messages of node \(node.any.name) were heard, 500 are the least")
            } else if heard < 100_000 {
                thin.append("\(heard) messages of node \(node.any.name) were heard, 100000 say more of its rare delays")
            }
        }
        if evidence.tail == nil, missing.isEmpty { missing.append("too few messages came one after the other") }
        if report.recorded < .seconds(86_400) { thin.append("less than a day was recorded: rare loads are not in it") }
        if !missing.isEmpty { return .insufficient(missing) }
        return thin.isEmpty ? .sound : .thin(thin)
    }

    /// Up to two digits, in whole milliseconds.
    static func rounded(_ duration: Duration) -> Duration {
        let milliseconds = (duration.wholeNanoseconds + 999_999) / 1_000_000
        var unit: Int64 = 1
        while milliseconds / unit >= 100 { unit *= 10 }
        return .milliseconds((milliseconds + unit - 1) / unit * unit)
    }

    /// Intervals that follow from one keepalive.
    struct Plan {
        var keepalive: Duration
        var deadtime: Duration
        var losses: Int
        var lateness: Duration
    }

    /// What a report says of the worst node.
    struct Evidence {
        let timing: TimingReport
        let nodes: Double
        /// Of the node whose tail is the longest.
        let tail: TailFit?
        let scheduling: TailFit?
        let longest: Duration
        /// The probability that a message is lost, of the worst node.
        let loss: Double
        let longestLoss: Int

        init(_ report: PunctualityReport) {
            timing = report.timing
            nodes = Double(max(1, report.nodes.count))
            let all = report.nodes.map(\.any.arrivals)
            let tails = all.compactMap { TailFit($0.lateness, recorded: report.recorded) }
            // Once in ten years: far enough out to tell which is the longest.
            tail = tails.max { $0.lateness(exceeded: 3e-9) < $1.lateness(exceeded: 3e-9) }
            scheduling = TailFit(report.scheduling, recorded: report.recorded)
            longest = max(all.map(\.lateness.longest).max() ?? .zero, report.scheduling.longest)
            // Where none of n was lost, three in n may be (the rule of three).
            loss = all.map { Double(max(3, $0.lost)) / max(4, Double($0.received) + Double($0.lost)) }.max() ?? 0.75
            longestLoss = all.map { Int(min($0.longestLoss, 1000)) }.max() ?? 0
        }

        /// Half of what is wanted may come of lateness, half of loss.
        func plan(keepalive: Duration, _ wish: TimingWish) -> Plan {
            let wanted = 0.5 / (wish.onceIn / .seconds(1)) / nodes
            // With twice the messages there are twice the late ones.
            let ofArrivals = wanted * (keepalive / timing.keepalive)
            let late = [tail?.lateness(exceeded: ofArrivals), scheduling?.lateness(exceeded: ofArrivals), longest]
            let lateness = late.compactMap { $0 }.max() ?? .zero
            var losses = longestLoss > 0 ? longestLoss + 1 : 1
            while losses < TimingAdvice.lossesMax, lossRate(losses, keepalive) > wanted { losses += 1 }
            // More than twice the keepalive, as ha.cf asks for.
            let deadtime = max(keepalive * (losses + 1) + lateness, keepalive * 2 + .milliseconds(1))
            return Plan(
                keepalive: keepalive, deadtime: TimingAdvice.rounded(deadtime), losses: losses, lateness: lateness)
        }

        /// Times in a second that so many are lost in a row, and the next one too.
        private func lossRate(_ losses: Int, _ keepalive: Duration) -> Double {
            var probability = loss
            for _ in 0..<losses { probability *= loss }
            return probability / (keepalive / .seconds(1))
        }

        /// False takeovers in a second by intervals.
        func rate(_ timing: TimingReport) -> Double {
            let room = timing.deadtime - timing.keepalive
            let ofLateness = tail?.rate(beyond: room) ?? 0
            let ofLoss = lossRate(max(1, Int(timing.deadtime / timing.keepalive) - 1), timing.keepalive)
            return nodes * (ofLateness + ofLoss)
        }
    }
}
