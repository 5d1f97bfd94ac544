// Records how regularly the other nodes are heard and how punctual this process is, always and at the cost of a few
// additions a message: what `hb advise` goes by.
import Admin
import ClusterModel
import Messaging
import Timeliness

struct PunctualityDesk {
    private let startedAt: Instant
    private let names: [String]
    private let media: [String]
    private var nodes: [Arrivals]
    /// Of each node its media.
    private var links: [[Arrivals]]
    private var scheduling = LatenessHistogram()

    init(_ configuration: Configuration, _ now: Instant) {
        startedAt = now
        names = configuration.members.filter { $0.kind == .normal && $0.name != configuration.localName }.map(\.name)
        media = configuration.media.map(\.linkName)
        nodes = names.map { _ in Arrivals() }
        links = names.map { _ in configuration.media.map { _ in Arrivals() } }
    }

    /// A message that was signed by one of the cluster; others than numbered ones do not count.
    mutating func heard(_ message: HAMessage, on medium: MediumID, at arrival: Instant, _ timing: Timing) {
        guard let sequence = message.number("seq", radix: 16), let generation = message.number("hg", radix: 16),
            let source = message.text("src"), let node = names.firstIndex(of: source),
            links[node].indices.contains(medium.index)
        else { return }
        nodes[node].heard(generation: generation, sequence: sequence, at: arrival, timing)
        links[node][medium.index].heard(generation: generation, sequence: sequence, at: arrival, timing)
    }

    /// The process runs, later than its timer by this.
    mutating func woke(late lateness: Duration) { scheduling.add(lateness) }

    func report(_ timing: Timing, _ now: Instant) -> PunctualityReport {
        PunctualityReport(
            recorded: now - startedAt, timing: TimingReport(timing), scheduling: scheduling,
            nodes: names.indices.map { node in
                PunctualityReport.Node(
                    any: PunctualityReport.Source(name: names[node], arrivals: nodes[node]),
                    links: media.indices.filter { links[node][$0].received > 0 }.map {
                        PunctualityReport.Source(name: media[$0], arrivals: links[node][$0])
                    })
            })
    }
}
