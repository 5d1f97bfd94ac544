// `hb freeze`, `hb unmanage` and `hb manage`: hold everything or one group still while somebody works on it.
import Admin
import ClusterModel
import LinuxSystem

extension Tool {
    private static let options = [
        ProgramOption("for", value: .required), ProgramOption("reason", value: .required),
        ProgramOption("timeout", value: .required),
    ]

    private static let optionsHelp = """
              --for TIME         it ends by itself after this time: 90s, 10m, 2h
              --reason TEXT      why, for all who look at hb status
              --timeout SECONDS  stop waiting after this time; the request goes on (default: wait until it is decided)

            Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 heartbeat does not run here,
            4 not permitted, 5 timed out, 6 the outcome is not known.

            """

    static let freeze = Tool(
        verb: "freeze", program: nil, summary: "start, stop and move nothing until it is ended",
        usage: "[--for TIME] [--reason TEXT] [--end] [--timeout SECONDS]",
        help: """
            Holds the whole cluster still: no group is started, stopped or moved, and what a monitor finds is only
            told. Nodes that die meanwhile are not replaced. What safety demands is done all the same: a node that
            loses its right to hold its groups stops them. Waits until all live nodes know.

              --end              end it: what was left undone is done

            \(optionsHelp)
            """, options: options + [ProgramOption("end")]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 0)
        let isEnd = arguments.has("end")
        if isEnd, arguments.has("for") { throw UsageError("--end and --for exclude each other") }
        return try maintain(nil, isOn: !isEnd, invocation, arguments)
    }

    static let unmanage = Tool(
        verb: "unmanage", program: nil, summary: "hold one group still until hb manage",
        usage: "[--for TIME] [--reason TEXT] [--timeout SECONDS] GROUP",
        help: """
            As hb freeze, for one group: it is not started, stopped or moved, wherever it is. Ended by hb manage.

            \(optionsHelp)
            """, options: options
    ) { invocation, arguments throws(UsageError) in
        try maintain(try onlyGroup(arguments), isOn: true, invocation, arguments)
    }

    static let manage = Tool(
        verb: "manage", program: nil, summary: "end hb unmanage",
        usage: "[--reason TEXT] [--timeout SECONDS] GROUP",
        help: """
            Ends hb unmanage of a group: it is started, stopped and moved again as always.

            \(optionsHelp)
            """, options: options.filter { $0.name != "for" }
    ) { invocation, arguments throws(UsageError) in
        try maintain(try onlyGroup(arguments), isOn: false, invocation, arguments)
    }

    private static func onlyGroup(_ arguments: ProgramArguments) throws(UsageError) -> String {
        try arguments.expectOperands(atMost: 1)
        guard let group = arguments.operands.first, !group.isEmpty else {
            throw UsageError("expected the name of a group, the first resource of its line")
        }
        return group
    }

    private static func maintain(
        _ group: String?, isOn: Bool, _ invocation: Invocation, _ arguments: ProgramArguments
    ) throws(UsageError) -> Int32 {
        var duration: Duration?
        if let text = arguments.value("for") { duration = try time(text) }
        let request = AdminRequest.maintain(
            group: group, isOn: isOn, duration: duration, user: RequestOrigin.currentUser,
            reason: arguments.value("reason") ?? "")
        return carryOut(request, try Patience(arguments), invocation, arguments)
    }

    private static func time(_ text: String) throws(UsageError) -> Duration {
        let units: [(String, Int64)] = [("h", 3600), ("min", 60), ("m", 60), ("s", 1), ("", 1)]
        for (unit, seconds) in units where text.hasSuffix(unit) {
            guard let number = Int64(text.dropLast(unit.count)) else { continue }
            guard number > 0, number <= 366 * 86_400 / seconds else { break }
            return .seconds(number * seconds)
        }
        throw UsageError("--for takes a time such as 90s, 10m or 2h, a year at most, not '\(text)'")
    }
}
