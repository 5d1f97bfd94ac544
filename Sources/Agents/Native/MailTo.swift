// `MailTo ADDRESS[,ADDRESS] [SUBJECT]`: a mail when a group comes and when it goes, through the system's sendmail. That
// nobody can be told is no reason to leave a service down: a mail that fails is a warning.
import ClusterModel
import LinuxSystem

struct MailTo: NativeAgent {
    let addresses: [String]
    let subject: String
    private let mark: StateMark

    /// A mail server that does not answer must not hold a group up.
    private static let limit: Duration = .seconds(20)

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["email", "subject"], required: 1)
        addresses = (values["email"] ?? "").split { $0 == "," || $0 == " " }.map(String.init)
        subject = values["subject"] ?? "Resource Group"
        mark = StateMark("MailTo", arguments)
        for text in addresses + [subject] where text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            throw AgentError("control characters in an address or a subject", code: 2)
        }
        guard !addresses.isEmpty, !addresses.contains(where: { $0.hasPrefix("-") }) else {
            throw AgentError("\(values["email"] ?? "") is no address of mail", code: 2)
        }
    }

    func start() throws(AgentError) {
        if mark.exists { return }
        send("Takeover in progress")
        try mark.set()
    }

    func stop() throws(AgentError) {
        guard mark.exists else { return }
        send("Migrating resource away")
        mark.remove()
    }

    func status() throws(AgentError) -> AgentStatus { mark.exists ? .running() : .stopped() }

    private func send(_ event: String) {
        let node = AgentProgram.nodeName
        let text = """
            To: \(addresses.joined(separator: ", "))
            Subject: \(subject) \(event) on \(node)
            Auto-Submitted: auto-generated
            Content-Type: text/plain; charset=utf-8

            \(subject): \(event) on \(node).

            """
        do throws(AgentError) {
            let sendmail = try ToolRun.find("sendmail", package: "that provides mail-transport-agent")
            let result = try ToolRun.run([sendmail, "-i"] + addresses, input: text, limit: MailTo.limit)
            if !result.succeeded { throw AgentError("sendmail: \(result.status): \(result.errors)") }
        } catch {
            AgentProgram.complain("WARNING: nobody was told: \(error.reason)")
        }
    }
}
