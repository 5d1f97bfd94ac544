// What is counted comes out again: to an eighth of its value, and through the text of a record.
import ClusterModel
import Testing
import Timeliness

@Suite("Lateness histogram")
struct HistogramTests {
    @Test("a quantile is at most an eighth longer than what was counted, and never shorter")
    func precision() {
        for exponent in 0..<31 {
            for step in [0, 1, 3, 7, 11] {
                let value = Duration.microseconds((Int64(1) << exponent) + Int64(step) << max(0, exponent - 4))
                var histogram = LatenessHistogram()
                for _ in 0..<99 { histogram.add(value) }
                histogram.add(.seconds(100_000))
                let middle = histogram.quantile(0.5) ?? .zero
                #expect(middle >= value && middle <= value + value / 8 + .microseconds(1), "\(value) \(middle)")
            }
        }
    }

    @Test("the order of what was counted is kept, the longest exactly")
    func order() {
        var histogram = LatenessHistogram()
        #expect(histogram.quantile(0.5) == nil)
        for number in 1...1000 { histogram.add(.microseconds(number)) }
        #expect(histogram.count == 1000)
        #expect(histogram.quantile(1) == .milliseconds(1))
        #expect(histogram.longest == .milliseconds(1))
        let half = histogram.quantile(0.5) ?? .zero
        #expect(half >= .microseconds(500) && half <= .microseconds(563))
        histogram.add(.seconds(-5))
        #expect(histogram.quantile(0) == .microseconds(1))
        #expect(histogram.buckets(from: .microseconds(900)).allSatisfy { $0.middle >= .microseconds(900) })
        #expect(histogram.buckets(from: .zero).reduce(0) { $0 + $1.count } == 1001)
    }

    @Test("the text of a histogram is read back as the same")
    func text() {
        var histogram = LatenessHistogram()
        var random = RandomSource(seed: 7)
        for _ in 0..<5000 { histogram.add(.nanoseconds(Int64(random.next() % 100_000_000_000))) }
        #expect(LatenessHistogram(text: histogram.text) == histogram)
        #expect(LatenessHistogram(text: LatenessHistogram().text) == LatenessHistogram())
        #expect(histogram.text.utf8.count <= 4096)
    }

    @Test(
        "what is no text of a histogram is refused",
        arguments: ["", "x", "-1", "5 1", "5 1:", "5 :1", "5 1:2:3", "5 999:1", "5 -1:1", "5 1:-1", "5 1:9999999999"])
    func garbage(_ text: String) {
        #expect(LatenessHistogram(text: text) == nil)
    }
}

@Suite("Arrivals")
struct ArrivalsTests {
    private static let timing = {
        var timing = Configuration().timing
        timing.keepalive = .milliseconds(100)
        timing.deadtime = .seconds(1)
        return timing
    }()

    private func arrivals(_ heard: [(generation: UInt64, sequence: UInt64, at: Int64)]) -> Arrivals {
        var arrivals = Arrivals()
        for (generation, sequence, at) in heard {
            arrivals.heard(
                generation: generation, sequence: sequence, at: Instant(nanoseconds: at * 1_000_000),
                ArrivalsTests.timing)
        }
        return arrivals
    }

    @Test("a message in time, and one that comes 30 ms late")
    func lateness() {
        let heard = arrivals([(1, 1, 0), (1, 2, 100), (1, 3, 230)])
        #expect(heard.received == 2)
        #expect(heard.lost == 0)
        #expect(heard.lateness.count == 2)
        #expect(heard.lateness.longest == .milliseconds(30))
    }

    @Test("copies, retransmissions and what an earlier daemon sent change nothing")
    func copies() {
        let heard = arrivals([(2, 5, 0), (2, 6, 100), (2, 6, 150), (2, 4, 160), (1, 900, 170), (2, 7, 200)])
        #expect(heard.received == 2)
        #expect(heard.lost == 0)
        #expect(heard.lateness.longest == .zero)
    }

    @Test("lost messages are counted, and are no lateness")
    func losses() {
        let heard = arrivals([(1, 1, 0), (1, 4, 300), (1, 5, 400), (1, 7, 600)])
        #expect(heard.lost == 3)
        #expect(heard.longestLoss == 2)
        #expect(heard.lateness.count == 1)
    }

    @Test("numbers that no daemon reaches, said by two of them, are counted as far as a count goes")
    func lies() {
        let heard = arrivals([(1, 1, 0), (1, .max, 100), (2, 1, 200), (2, .max, 300), (.max, 1, 400), (.max, 3, 500)])
        #expect(heard.lost == UInt64.max)
        #expect(heard.longestLoss == UInt64.max - 2)
        #expect(heard.received == 3)
    }

    @Test("a new daemon begins anew; a silence of deadtime within the life of one is told apart")
    func silences() {
        let heard = arrivals([(1, 50, 0), (2, 1, 5000), (2, 2, 5100), (2, 9, 6100), (2, 10, 6200)])
        #expect(heard.silences == 1)
        #expect(heard.lost == 0)
        #expect(heard.received == 3)
        #expect(heard.lateness.longest == .zero)
    }
}
