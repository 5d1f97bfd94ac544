// Clocks that have nothing to do with each other, set by the messages between them.
import ClusterModel
import Failovers
import Testing

@Suite("Time lines over nodes")
struct TimelineTests {
    /// beta's clock is an hour and 7 ms ahead of alpha's.
    private static let ahead = Duration.seconds(3600) + .milliseconds(7)

    private func told(_ sequence: UInt64, _ at: Duration) -> FailoverStep {
        var step = FailoverStep(.told, at: Instant(nanoseconds: 0) + at)
        step.sequence = sequence
        step.generation = 1
        return step
    }

    private func heard(_ kind: FailoverStep.Kind, _ sequence: UInt64, by: String, _ at: Duration) -> FailoverStep {
        var step = FailoverStep(kind, at: Instant(nanoseconds: 0) + at, by: by, group: "web")
        step.sequence = sequence
        step.generation = 1
        return step
    }

    /// alpha gives a group to beta; each message is 200 microseconds on its way.
    private func move(wrongWall: Duration = .zero) -> (alpha: Failover, beta: Failover) {
        let way = Duration.microseconds(200)
        let ahead = TimelineTests.ahead
        let alpha = Failover(
            number: 4, wallOffset: 0,
            steps: [
                FailoverStep(.requested, at: Instant(nanoseconds: 0)), told(10, .zero),
                heard(.granting, 20, by: "beta", .milliseconds(1) + way), told(11, .milliseconds(2)),
            ])
        let beta = Failover(
            number: 9, wallOffset: (.zero - ahead + wrongWall).wholeNanoseconds,
            steps: [
                told(20, ahead + .milliseconds(1)), heard(.granted, 11, by: "alpha", ahead + .milliseconds(2) + way),
                FailoverStep(.up, at: Instant(nanoseconds: 0) + ahead + .milliseconds(3), group: "web"),
            ])
        return (alpha, beta)
    }

    @Test("messages in both directions set the clocks, to the time that they were on the way")
    func messages() throws {
        let (alpha, beta) = move(wrongWall: .seconds(30))
        let timeline = Timeline(Witness(node: "alpha", failover: alpha), others: [("beta", [beta])])
        let lane = try #require(timeline.lanes.last)
        #expect(lane.basis == .messages)
        let error = lane.offset - TimelineTests.ahead
        #expect(error >= .zero - (lane.uncertainty ?? .zero) && error <= lane.uncertainty ?? .zero)
        #expect(lane.uncertainty == .microseconds(200))
        #expect(timeline.lines.map(\.step.kind) == [
            .requested, .told, .told, .granting, .told, .granted, .up,
        ])
        #expect(timeline.lines.map(\.lane) == [0, 0, 1, 0, 0, 1, 1])
    }

    @Test("messages in one direction bound what the wall clocks say")
    func oneDirection() throws {
        var (alpha, beta) = move(wrongWall: .seconds(-30))
        alpha.steps.removeAll { $0.kind == .granting }
        let timeline = Timeline(Witness(node: "alpha", failover: alpha), others: [("beta", [beta])])
        let lane = try #require(timeline.lanes.last)
        #expect(lane.basis == .wallClocks && lane.uncertainty == nil)
        // alpha's message cannot have come before it was sent.
        #expect(lane.offset == TimelineTests.ahead + .microseconds(200))
        beta.steps.removeAll { $0.kind == .granted }
        let blind = Timeline(Witness(node: "alpha", failover: alpha), others: [("beta", [beta])])
        #expect(blind.lanes.last?.offset == TimelineTests.ahead + .seconds(30))
    }

    @Test("of a node's records the one is taken that shares messages, and none that is about something else")
    func counterpart() {
        let (alpha, beta) = move()
        var other = beta
        other.number = 10
        other.steps = [FailoverStep(.up, at: Instant(nanoseconds: 0) + TimelineTests.ahead, group: "web")]
        let timeline = Timeline(Witness(node: "alpha", failover: alpha), others: [("beta", [beta, other])])
        #expect(timeline.lines.count == 7)
        other.steps[0].at = other.steps[0].at + .seconds(3600)
        let alone = Timeline(Witness(node: "alpha", failover: alpha), others: [("beta", [other])])
        #expect(alone.lanes.map(\.node) == ["alpha"])
    }
}
