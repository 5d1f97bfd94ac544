// Asks whether another machine uses addresses, before they are brought up where nobody is known to have had them
// (RFC 5227 2.1.1, RFC 4862 5.4).
import ClusterModel
import LinuxSystem
import Reactor

/// One question, asked twice, and the time for its answers.
final class AddressProbe: RunningOperation {
    /// Which machine answered for which address; whether it was cancelled.
    struct Answer {
        var claims: [PlacedAddress: ForeignClaim] = [:]
        var isCancelled = false
    }

    let places: [PlacedAddress]
    private let ask: () -> Void
    private var completion: ((Answer) -> Void)?
    private var answer = Answer()
    private var second: EventSource?
    private var end: EventSource?

    /// Asks at once, again after half of the time, and calls `completion` at its end, or soon after the first answer.
    init(
        _ places: [PlacedAddress], time: Duration, loop: EventLoop, ask: @escaping () -> Void,
        completion: @escaping (Answer) -> Void
    ) throws(SystemError) {
        self.places = places
        self.ask = ask
        self.completion = completion
        let now = Clock.now()
        second = try loop.onTime(now + time / 2) { [unowned self] in self.ask() }
        end = try loop.onTime(now + time) { [unowned self] in finish() }
        ask()
    }

    /// Takes a claim that was heard; one to another address is left out.
    func take(_ claim: ForeignClaim) {
        guard completion != nil, places.contains(claim.place) else { return }
        answer.claims[claim.place] = claim
        // What else waits in the socket is read first.
        end?.schedule(Clock.now())
    }

    func cancel() {
        answer.isCancelled = true
        finish()
    }

    private func finish() {
        guard let completion else { return }
        self.completion = nil
        second = nil
        end?.disable()
        completion(answer)
    }
}
