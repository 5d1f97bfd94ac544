// `send_arp`: announces an address by ARP, for scripts that expect the command.
import Admin
import ResourceAgents

extension Tool {
    static let sendARP = Tool(
        verb: "send_arp", program: "send_arp", summary: "announce an address by ARP",
        usage: "[-i MILLISECONDS] [-r COUNT] [-p PIDFILE] INTERFACE IP HW|auto [BROADCAST NETMASK]",
        help: """
            Tells the hosts of a network which hardware address belongs to an address, as a request and a reply.

              -i MILLISECONDS    between two repetitions (1000)
              -r COUNT           repetitions (1)
              -p PIDFILE         write the process id there while sending

            BROADCAST and NETMASK are taken and not used. The form of the package fake is understood too:

              send_arp SENDER_IP SENDER_HW TARGET_IP TARGET_HW [INTERFACE [SOURCE_HW [DESTINATION_HW]] [request|reply]]

            which sends one packet (a reply on eth0 where nothing else is said).

            Exit status: 0 sent, 1 failed, 2 wrong command line.

            """,
        options: ["i", "r", "p"].map { ProgramOption(nil, $0, value: .required) }, stopsAtOperand: true
    ) { invocation, arguments throws(UsageError) in
        guard !arguments.operands.isEmpty else { throw UsageError("an interface and an address are missing") }
        let options = arguments.options.flatMap { ["-\($0.name)", $0.value ?? ""] }
        let command: AnnounceCommand
        do throws(ArgumentError) {
            command = try AnnounceCommand(arguments: options + arguments.operands)
        } catch {
            throw UsageError(error.reason)
        }
        do throws(ArgumentError) {
            try command.run()
        } catch {
            invocation.complain(error.reason)
            return ExitStatus.failed
        }
        return ExitStatus.done
    }
}
