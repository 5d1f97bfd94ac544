// Faults, drawn from a seed.
import ClusterModel

/// Draws the faults of one iteration.
struct FaultDraw {
    private let scenario: Scenario
    private var random: RandomSource

    init(_ scenario: Scenario, seed: UInt64, iteration: Int) {
        self.scenario = scenario
        random = RandomSource(seed: seed &* 0x9E37_79B9 &+ UInt64(iteration))
        _ = random.next()
    }

    /// One fault, sometimes two or three that overlap.
    mutating func draw() -> [TimedFault] {
        let count = [1, 1, 1, 1, 2, 2, 2, 3, 3, 4][below(10)]
        return (0..<count).map { index in
            let fault = drawFault()
            let begin: Duration = index == 0 ? .zero : .milliseconds(below(600))
            return TimedFault(fault: fault, begin: begin, end: begin + length(of: fault))
        }.sorted { $0.begin < $1.begin }
    }

    private mutating func drawFault() -> Fault {
        switch below(120) {
        case ..<8: return .killDaemon(node())
        case ..<20: return .killProcess(node(), duty())
        case ..<24: return .killAgain(node(), duty())
        case ..<30:
            return .killAtWork(
                node(), duty(), group: below(scenario.groups.count), after: .milliseconds(below(120)))
        case ..<39: return .stopProcess(node(), duty())
        case ..<46: return .freeze(node())
        case ..<53: return .cutPower(node())
        case ..<58: return .cutMedium(node(), bridge: below(2))
        case ..<61: return .pullCard(node(), bridge: below(2))
        case ..<67: return .cutOff(node())
        case ..<71:
            let (from, to) = pair()
            return .deafen(from: from, to: to)
        case ..<75:
            let (a, b) = pair()
            return .split(a, b)
        case ..<79: return .lose(node(), bridge: below(2), percent: 1 + below(30), incoming: below(2) == 0)
        case ..<81: return .shuffle
        case ..<83: return .garbage
        case ..<86: return .replay
        case ..<91: return .restart(node())
        case ..<95: return .shutDown(node())
        case ..<102: return .operate(node(), command())
        case ..<107: return brokenService()
        case ..<110: return .deleteAddress(group: below(scenario.groups.count))
        case ..<112: return .flushRules(node())
        case ..<114: return .reload(node())
        case ..<117: return .stepClock(node(), seconds: Int64(below(200_001)) - 100_000)
        default: return .fillDisk(node())
        }
    }

    /// Often shorter than the lease, often longer than deadtime.
    private mutating func length(of fault: Fault) -> Duration {
        switch fault {
        case .garbage, .replay, .operate, .breakService, .deleteAddress, .flushRules, .killProcess, .reload:
            return .milliseconds(50 + below(500))
        case .restart, .shutDown: return .milliseconds(300 + below(700))
        case .stopProcess(_, .status), .stopProcess(_, .resources):
            // Control waits for three seconds before it gives a process up.
            return below(3) == 0 ? .milliseconds(3200 + below(800)) : medium()
        default: return medium()
        }
    }

    private mutating func medium() -> Duration {
        let deadtime = Int(scenario.deadtime.wholeMilliseconds)
        return switch below(3) {
        case 0: .milliseconds(20 + below(deadtime / 2))
        case 1: .milliseconds(deadtime * 7 / 10 + below(deadtime * 6 / 10))
        default: .milliseconds(deadtime * 13 / 10 + below(deadtime))
        }
    }

    private mutating func command() -> [String] {
        let group = scenario.groups[below(scenario.groups.count)].name
        return switch below(8) {
        case 0: ["hb_standby", "--no-wait", "all"]
        case 1: ["hb_standby", "--no-wait", "foreign"]
        case 2: ["hb_standby", "--no-wait", group]
        case 3: ["hb_takeover", "--no-wait", "all"]
        case 4: ["hb_takeover", "--no-wait", "local"]
        case 5: ["hb_takeover", "--no-wait", group]
        case 6: ["hb_standby", "--no-wait", "failback"]
        default: ["hb", "cleanup", group]
        }
    }

    private mutating func brokenService() -> Fault {
        let services = scenario.services
        let key = services[below(services.count)].key
        let (operation, way) = [
            ("start", "fail"), ("start", "hang"), ("start", "late"), ("stop", "fail"), ("stop", "hang"),
            ("status", "fail"), ("status", "hang"),
        ][below(7)]
        return .breakService(node(), key: key, operation: operation, way: way)
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    private mutating func node() -> Int { below(scenario.nodes.count) }
    private mutating func duty() -> Duty { Duty.allCases[below(Duty.allCases.count)] }

    private mutating func pair() -> (Int, Int) {
        let first = node()
        let second = (first + 1 + below(scenario.nodes.count - 1)) % scenario.nodes.count
        return (first, second)
    }
}
