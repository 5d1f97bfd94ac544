// `hb fence`: power a node off, or tell heartbeat that it is off. Both may destroy data when they are wrong, so a
// person is asked first.
import Admin
import CLinux
import ClusterModel

extension Tool {
    static let fence = Tool(
        verb: "fence", program: nil, summary: "power a node off, or say that it is off",
        usage: "[--confirm] [--yes] [--timeout SECONDS] NODE",
        help: """
            Powers a node off, at once, with the fencing devices that ha.cf gives to this node, and waits for the
            outcome. With --confirm nothing is powered off: you say that the node is, and groups that wait for its
            fencing start on other nodes. If it is not, its disks can be destroyed.

              --confirm          the node is off: I have looked
              --yes              do not ask; without a terminal nothing is done without it
              --timeout SECONDS  stop waiting after this time; the request goes on (default: wait until it is decided)

            Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 heartbeat does not run here,
            4 not permitted, 5 timed out, 6 the outcome is not known.

            """, options: [ProgramOption("confirm"), ProgramOption("yes"), ProgramOption("timeout", value: .required)]
    ) { invocation, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 1)
        guard let node = arguments.operands.first, !node.isEmpty else {
            throw UsageError("expected the name of a node")
        }
        let isConfirmed = arguments.has("confirm")
        let patience = try Patience(arguments)
        let question = isConfirmed
            ? "Is node \(node) really powered off? Its disks can be destroyed if it is not."
            : "Power off node \(node) now?"
        guard arguments.has("yes") || isAgreed(question, invocation) else { return ExitStatus.failed }
        return carryOut(.fence(node: node, isConfirmed: isConfirmed), patience, invocation, arguments)
    }

    private static func isAgreed(_ question: String, _ invocation: Invocation) -> Bool {
        guard Terminal.isTerminal(0), Terminal.isTerminal(2) else {
            invocation.complain("nobody is there to be asked: give --yes")
            return false
        }
        Terminal.complain(Terminal.printable("\(question) [yes/no] "))
        guard let answer = readLine(), answer.lowercased() == "yes" else {
            invocation.complain("nothing was done")
            return false
        }
        return true
    }
}
