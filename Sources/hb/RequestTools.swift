// `hb standby`, `hb takeover` and `hb cleanup`: ask the daemon, wait for the outcome, print it.
import Admin
import ClusterModel
import LinuxSystem

extension Tool {
    private static let waiting = [
        ProgramOption("no-wait"), ProgramOption("reason", value: .required), ProgramOption("timeout", value: .required),
    ]

    private static let waitingHelp = """
              --reason TEXT      why, for the log and for all who look at hb status
              --no-wait          only hand the request over; a refusal is reported if it comes at once
              --timeout SECONDS  stop waiting after this time; the request goes on (default: wait until it is decided)

        Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 heartbeat does not run here,
        4 not permitted, 5 timed out, 6 the outcome is not known.

        """

    private static func selections(failback: String) -> String {
        """
          all                every group (the default)
          local              groups whose haresources line names this node
          foreign            all other groups
          failback           \(failback)
          GROUP              one group, by the first resource of its line
        """
    }

    static let standby = Tool(
        verb: "standby", program: "hb_standby", summary: "give resource groups to other nodes",
        usage: "[--no-wait] [--reason TEXT] [--timeout SECONDS] [all|foreign|local|failback|GROUP]",
        help: """
            Gives resource groups of this node to other nodes, and waits until they have them. Which groups:

            \(selections(failback: "foreign groups, back to the nodes that their lines name"))

            \(waitingHelp)
            """, options: waiting
    ) { invocation, arguments throws(UsageError) in
        let selection = try selection(arguments)
        let patience = try Patience(arguments)
        Terminal.complain(Terminal.printable("Going standby [\(selection.word)].\n"))
        return carryOut(.standby(selection), patience, invocation, arguments)
    }

    static let takeover = Tool(
        verb: "takeover", program: "hb_takeover", summary: "take resource groups from other nodes",
        usage: "[--no-wait] [--reason TEXT] [--timeout SECONDS] [all|foreign|local|failback|GROUP]",
        help: """
            Takes resource groups to this node, and waits until it has them. Which groups:

            \(selections(failback: "as local"))

            \(waitingHelp)
            """, options: waiting
    ) { invocation, arguments throws(UsageError) in
        let selection = try selection(arguments)
        return carryOut(.takeover(selection), try Patience(arguments), invocation, arguments)
    }

    static let cleanup = Tool(
        verb: "cleanup", program: nil, summary: "forget failures of resource groups, try again",
        usage: "[--timeout SECONDS] [GROUP]",
        help: """
            Forgets failed starts of a group, or of all groups, in the whole cluster, and tries failed stops again.
            Do this after the cause was removed.

              --timeout SECONDS  stop waiting for heartbeat's answer after this time (default: 30)

            Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 heartbeat does not run here,
            4 not permitted, 5 timed out, 6 the outcome is not known.

            """, options: [ProgramOption("timeout", value: .required)]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 1)
        let patience = Patience(limit: try arguments.seconds("timeout") ?? .seconds(30))
        return carryOut(.cleanup(group: try group(arguments)), patience, invocation, arguments)
    }

    static let fail = Tool(
        verb: "fail", program: nil, summary: "treat a resource as failed: restart it, or move its group",
        usage: "[--reason TEXT] [--timeout SECONDS] RESOURCE",
        help: """
            Says that a resource which this node holds does not do its work, whatever its own monitor finds. What
            follows is what follows a failure that its monitor finds: it is stopped and started again, with what comes
            after it in its group, and after too many restarts the group moves (monitor in ha.cf).

              RESOURCE           a word of haresources, as hb status shows it
              --reason TEXT      what was found, for the log and for all who look at hb status
              --timeout SECONDS  stop waiting for heartbeat's answer after this time (default: 30)

            Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 heartbeat does not run here,
            4 not permitted, 5 timed out, 6 the outcome is not known.

            """, options: [ProgramOption("reason", value: .required), ProgramOption("timeout", value: .required)]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 1)
        guard let resource = arguments.operands.first, !resource.isEmpty else {
            throw UsageError("expected a resource, a word of haresources")
        }
        let patience = Patience(limit: try arguments.seconds("timeout") ?? .seconds(30))
        let reason = arguments.value("reason") ?? "\(RequestOrigin.currentUser) says so"
        return carryOut(.fail(resource: resource, reason: reason), patience, invocation, arguments)
    }

    private static func selection(_ arguments: ProgramArguments) throws(UsageError) -> GroupSelection {
        try arguments.expectOperands(atMost: 1)
        return try group(arguments).map { GroupSelection(word: $0) } ?? .all
    }

    private static func group(_ arguments: ProgramArguments) throws(UsageError) -> String? {
        guard let word = arguments.operands.first else { return nil }
        if word.isEmpty { throw UsageError("the name of the group is empty") }
        return word
    }
}

/// How long a tool waits for an outcome.
struct Patience {
    /// nil: until the daemon decides, which it does: every request has a deadline there.
    var limit: Duration?
    /// Whether to go on when there is no outcome after `refusalWait`.
    var isBrief = false

    /// Long enough for a refusal, which needs no other node.
    static let refusalWait: Duration = .milliseconds(250)
    /// After which a person is told that the tool waits.
    static let noticeWait: Duration = .seconds(2)

    init(limit: Duration) { self.limit = limit }

    init(_ arguments: ProgramArguments) throws(UsageError) {
        isBrief = arguments.has("no-wait")
        limit = try arguments.seconds("timeout")
        if isBrief && limit != nil { throw UsageError("--no-wait and --timeout exclude each other") }
    }
}

/// Makes the request, prints the outcome, returns the exit status.
func carryOut(
    _ request: AdminRequest, _ patience: Patience, _ invocation: Invocation, _ arguments: ProgramArguments
) -> Int32 {
    let start = Clock.now()
    let limit = patience.limit.map { start + $0 }
    do throws(AdminError) {
        // The daemon takes requests at once or not at all, whatever their outcome waits for.
        let client = try AdminClient(arguments.common.paths, deadline: limit ?? (start + .seconds(10)))
        let origin = arguments.value("reason").map { RequestOrigin(user: RequestOrigin.currentUser, reason: $0) }
        try client.send(request, origin: request.namesReason ? nil : origin)
        let response: AdminResponse
        if patience.isBrief {
            guard let early = try outcome(client, deadline: start + Patience.refusalWait) else {
                return ExitStatus.done
            }
            response = early
        } else {
            response = try patientOutcome(client, start, limit, invocation)
        }
        return report(response, invocation)
    } catch {
        invocation.complain(error == .timedOut ? "no outcome in time; see hb status" : error.description)
        return ExitStatus.of(error)
    }
}

/// Waits to the end; a person at a terminal is told what is waited for.
private func patientOutcome(
    _ client: borrowing AdminClient, _ start: Instant, _ limit: Instant?, _ invocation: Invocation
) throws(AdminError) -> AdminResponse {
    let notice = start + Patience.noticeWait
    if Terminal.isTerminal(2), limit.map({ $0 > notice }) ?? true {
        if let early = try outcome(client, deadline: notice) { return early }
        Terminal.complain("waiting for the outcome; ^C ends the waiting, not the request\n")
    }
    return try client.answer(deadline: limit).response
}

/// The outcome, or nil where there is none by the deadline.
private func outcome(
    _ client: borrowing AdminClient, deadline: Instant
) throws(AdminError) -> AdminResponse? {
    do throws(AdminError) {
        return try client.answer(deadline: deadline).response
    } catch {
        if error == .timedOut { return nil }
        throw error
    }
}

private func report(_ response: AdminResponse, _ invocation: Invocation) -> Int32 {
    let text = Terminal.printable(response.text)
    switch response.outcome {
    case .done:
        if !text.isEmpty { Terminal.print(text + "\n") }
    case .refused, .failed, .error: invocation.complain(text.isEmpty ? response.outcome.rawValue : text)
    case .denied: invocation.complain(text.isEmpty ? "you may not do this" : text)
    }
    return ExitStatus.of(response.outcome)
}

extension AdminRequest {
    /// Whether the request's own fields say why.
    fileprivate var namesReason: Bool {
        switch self {
        case .fail, .maintain: true
        case .status, .punctuality, .failovers, .standby, .takeover, .cleanup, .fence, .parameter, .reload: false
        }
    }
}
