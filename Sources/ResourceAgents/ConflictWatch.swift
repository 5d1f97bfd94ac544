// Watches whether another machine claims what this node holds, for as long as it holds it, and answers as RFC 5227
// 2.4 says: with an announcement, at most once in ten seconds. Two owners are what a cluster must never have, so an
// operator hears of each.
import ClusterModel
import LinuxSystem
import Reactor

/// What is known of another machine's claims to one held address.
package struct AddressContest: Equatable, Sendable {
    package var claim: ForeignClaim
    /// Claims since the last report.
    package var count: Int
}

/// Watches held addresses, and asks for those that are to be brought up.
package final class ConflictWatch {
    /// Between a change of what is held and the change of the filters: opening a socket takes the kernel milliseconds,
    /// which groups that start now must not wait for; and what starts together is watched with one socket.
    private static let pause: Duration = .milliseconds(100)
    /// Least time between two announcements that defend the same address (RFC 5227 2.4, DEFEND_INTERVAL).
    private static let defendInterval: Duration = .seconds(10)

    private struct Contest {
        var claim: ForeignClaim
        var defendedAt: Instant
        /// Claims that were not answered yet.
        var count = 0
    }

    /// Called to announce an address once more, and then with what is to be told of it.
    package var onDefend: (PlacedAddress) -> Void = { _ in }
    package var onContest: (AddressContest) -> Void = { _ in }
    /// Frames that the kernel handed on.
    package var frameCount: Int { listener.frameCount }

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    private let listener: ClaimListener
    private var held: Set<PlacedAddress> = []
    /// Held since the last change of the filters: still to be asked for.
    private var fresh: [PlacedAddress] = []
    private var probes: [AddressProbe] = []
    private var contests: [PlacedAddress: Contest] = [:]
    private var change: EventSource?
    private var defence: EventSource?
    private var yieldsUntil = Instant.distantPast

    package init(loop: EventLoop, session: NetlinkSession, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.log = log
        listener = ClaimListener(loop: loop, session: session)
        listener.onClaim = { [unowned self] claim in take(claim) }
    }

    /// Watches these addresses too. Soon asks who else has them, where `asking`; nothing waits for the answer.
    package func watch(_ places: [PlacedAddress], asking: Bool) {
        held.formUnion(places)
        if asking { fresh += places }
        changeSoon()
    }

    /// Forgets addresses that were given up.
    package func drop(_ places: [PlacedAddress]) {
        if places.isEmpty { return }
        held.subtract(places)
        fresh.removeAll { places.contains($0) }
        for place in places { contests[place] = nil }
        changeSoon()
    }

    /// Claims are not answered before this: one of two parts of the cluster that meet again is about to give up.
    package func yield(until instant: Instant) { yieldsUntil = max(yieldsUntil, instant) }

    /// The interfaces have changed.
    package func interfacesChanged() {
        if held.isEmpty { return }
        listener.interfacesChanged()
        // One that came back with its addresses must be heard again.
        changeSoon()
    }

    // MARK: Before a start

    /// Asks for `time` whether another machine has one of the addresses. nil where that cannot be asked: `completion`
    /// is then not called.
    package func ask(
        _ places: [PlacedAddress], time: Duration, completion: @escaping ([PlacedAddress: ForeignClaim], Bool) -> Void
    ) -> (any RunningOperation)? {
        do throws(SystemError) {
            try listener.listen(to: Array(held) + probes.flatMap(\.places) + places)
            let probe = try AddressProbe(
                places, time: time, loop: loop,
                ask: { [unowned self] in
                    do throws(SystemError) { try listener.probe(places) } catch { fail(error) }
                },
                completion: { [unowned self] answer in
                    // What ends here is still at work.
                    let ended = probes.filter { $0.places == places }
                    probes.removeAll { $0.places == places }
                    changeSoon()
                    withExtendedLifetime(ended) { completion(answer.claims, answer.isCancelled) }
                })
            probes.append(probe)
            return probe
        } catch {
            fail(error)
            return nil
        }
    }

    private func fail(_ error: SystemError) {
        log(LogRecord(.warning, "conflict-watch", "claims of other machines are not watched for: \(error)"))
    }

    // MARK: While held

    private func changeSoon() {
        if change != nil { return }
        do throws(SystemError) {
            change = try loop.onTime(Clock.now() + ConflictWatch.pause) { [unowned self] in applyChange() }
        } catch {
            fail(error)
        }
    }

    private func applyChange() {
        change = nil
        let asked = fresh
        fresh = []
        do throws(SystemError) {
            try listener.listen(to: Array(held) + probes.flatMap(\.places))
            try listener.probe(asked)
        } catch {
            fail(error)
        }
    }

    private func take(_ claim: ForeignClaim) {
        for probe in probes { probe.take(claim) }
        guard held.contains(claim.place) else { return }
        let now = Clock.now()
        var contest = contests[claim.place] ?? Contest(claim: claim, defendedAt: .distantPast)
        contest.claim = claim
        contest.count += 1
        contests[claim.place] = contest
        if mayDefend(contest, now) { defend(claim.place, now) } else { defendLater() }
    }

    private func mayDefend(_ contest: Contest, _ now: Instant) -> Bool {
        now >= max(yieldsUntil, contest.defendedAt + ConflictWatch.defendInterval)
    }

    private func defend(_ place: PlacedAddress, _ now: Instant) {
        guard var contest = contests[place] else { return }
        let told = AddressContest(claim: contest.claim, count: contest.count)
        contest.defendedAt = now
        contest.count = 0
        contests[place] = contest
        onDefend(place)
        onContest(told)
    }

    /// The last claim must not have the last word: what came too soon for an answer is answered in the end.
    private func defendLater() {
        let due = contests.values.filter { $0.count > 0 }.map { $0.defendedAt + ConflictWatch.defendInterval }.min()
        guard let due = due.map({ max($0, yieldsUntil) }) else { return defence = nil }
        do throws(SystemError) {
            if let defence { return defence.schedule(due) }
            defence = try loop.onTime(due) { [unowned self] in
                let now = Clock.now()
                let places = contests.filter { _, contest in contest.count > 0 && mayDefend(contest, now) }
                for place in places.keys { defend(place, now) }
                defendLater()
            }
        } catch {
            fail(error)
        }
    }
}
