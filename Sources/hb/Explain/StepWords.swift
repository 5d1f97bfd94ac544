// The steps of a failover in words.
import ClusterModel
import Failovers

/// A step as people read it.
struct StepWords {
    /// What happened, in a word or two: `suspected`.
    let title: String
    /// To whom, and the timer or the message that decided it.
    let reason: String
    let style: Style

    init(_ step: FailoverStep) {
        let subject = step.subject ?? "a node"
        let group = StepWords.group(step)
        let because = step.text.map { ": \($0)" } ?? ""
        let waited = step.duration.map(StepWords.brief)
        let message = StepWords.message(step)
        switch step.kind {
        case .heard:
            self.init("last heard", "\(subject) on \(step.medium ?? "a medium")\(message.map { ", \($0)" } ?? "")")
        case .suspected:
            let timer = step.text == nil ? "timer: its deadtime" : "timer"
            self.init("suspected", "\(subject), \(timer) \(waited ?? "")\(because)", .attention)
        case .vetoed:
            self.init(
                "vetoed", "\(step.by ?? "") heard \(subject) \(waited ?? "") ago\(message.map { ", by \($0)" } ?? "")",
                .attention)
        case .agreed:
            let age = waited.map { "for \($0)" } ?? "any more"
            self.init(
                "agreed", "\(step.by ?? "") has not heard \(subject) \(age)\(message.map { ", by \($0)" } ?? "")")
        case .dead: self.init("dead", "\(subject)\(because)", .bad)
        case .goodbye:
            self.init("goodbye", "\(subject) is shut down\(message.map { ": \($0)" } ?? "")", .attention)
        case .returned: self.init("heard again", "\(subject)\(message.map { ", \($0)" } ?? "")", .good)
        case .requested: self.init("requested", "by an operator here\(because)", .heading)
        case .lost: self.init("resource lost", group + because, .bad)
        case .rightLost: self.init("right lost", group + because, .bad)
        case .claimed: self.init("claimed", group + because)
        case .granted:
            self.init("granted", "\(group) by \(step.by ?? "")\(message.map { ", \($0)" } ?? "")")
        case .granting:
            self.init("grants", "\(group) to \(step.by ?? "")\(message.map { ", by its \($0)" } ?? "")")
        case .fenceAwaited: self.init("waits", "\(group) until \(subject) is fenced", .attention)
        case .fencing: self.init("fencing", "\(subject) is being powered off", .attention)
        case .fenced:
            self.init("fenced", "\(subject) is off\(step.by.map { ", says \($0)" } ?? "")\(because)", .good)
        case .fenceFailed: self.init("fence failed", subject + because, .bad)
        case .ordered: self.init("start ordered", group + because)
        case .stopping: self.init("stop ordered", group + because)
        case .worked:
            let end = step.text.map { "failed: \($0)" } ?? "done"
            self.init(
                "worked", "\(step.resource ?? "") took \(waited ?? ""), \(end)", step.text == nil ? .plain : .bad)
        case .addressUp: self.init("address up", "\(step.resource ?? ""): the kernel has confirmed it", .good)
        case .announced: self.init("announced", "\(step.resource ?? ""): the neighbours were told", .good)
        case .up: self.init("group up", group, .good)
        case .failed: self.init("start failed", group + because, .bad)
        case .stopped: self.init("released", group + because)
        case .blocked: self.init("stop failed", group + because, .bad)
        case .told: self.init("told", "the cluster, with \(message ?? "a message")")
        case .seen:
            self.init("up there", "\(group) on \(step.by ?? "")\(message.map { ", by its \($0)" } ?? "")", .good)
        }
    }

    private init(_ title: String, _ reason: String, _ style: Style = .plain) {
        self.title = title
        self.reason = reason
        self.style = style
    }

    private static func group(_ step: FailoverStep) -> String {
        let others = step.more > 0 ? " and \(step.more) more" : ""
        return (step.group ?? "a group") + others
    }

    /// As the log and `hb wire` number them: in hexadecimal.
    private static func message(_ step: FailoverStep) -> String? {
        step.sequence.map { "message \(String($0, radix: 16))" }
    }

    /// `412 us`, `8.31 ms`, `2.5 s`.
    static func brief(_ duration: Duration) -> String {
        let microseconds = duration.wholeNanoseconds / 1000
        switch microseconds {
        case ..<1000: return "\(microseconds) us"
        case ..<1_000_000: return fixed(duration, digits: 2)
        default: return duration.spoken
        }
    }

    /// Milliseconds with so many digits behind the point, at most three: `200.3 ms`.
    static func fixed(_ duration: Duration, digits: Int) -> String {
        let microseconds = abs(duration.wholeNanoseconds) / 1000
        let fraction = String(1000 + microseconds % 1000).dropFirst().prefix(digits)
        return "\(duration < .zero ? "-" : "")\(microseconds / 1000).\(fraction) ms"
    }
}

extension Failover.Cause {
    /// What it was, in words.
    var words: String {
        switch self {
        case .death(let node): "\(node) died"
        case .silence(let node): "\(node) was silent, and came back"
        case .shutdown(let node): "\(node) was shut down"
        case .request(let text): "an operator asked: \(text)"
        case .failure(let group): "a resource of \(group) failed"
        case .rightLost: "the right to hold groups was lost"
        case .placement: "groups went where they belong"
        }
    }
}
