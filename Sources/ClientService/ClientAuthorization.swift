// Who may sign on under which name: `apiauth` of ha.cf, and what heartbeat 3.0.6 assumes where that says nothing
// (specs/heartbeat.md section 7). Judged by the credentials that the kernel vouches for, not by what a client says.
import CLinux
import ClusterModel
import LinuxSystem

struct ClientAuthorization {
    /// The name that stands for clients without one.
    static let casual = "anon"
    private static let fallback = "default"
    private static let assumed = [
        APIAuthorization(client: "ipfail", users: ["hacluster"], groups: []),
        APIAuthorization(client: "ccm", users: ["hacluster"], groups: []),
        APIAuthorization(client: "ping", users: [], groups: ["haclient"]),
        APIAuthorization(client: "lha-snmpagent", users: ["root"], groups: []),
        // The daemon's own, which runs the hooks of rc.d.
        APIAuthorization(client: "hb_hooks", users: ["root"], groups: []),
        APIAuthorization(client: casual, users: ["root"], groups: ["haclient"]),
    ]

    private struct Rule {
        var client: String
        var users: [uid_t]
        var groups: [gid_t]
    }

    private let rules: [Rule]

    /// Looks every name up once, when the service starts and when it is configured again.
    init(_ configured: [APIAuthorization]) {
        let names = configured.map(\.client)
        rules = (configured + ClientAuthorization.assumed.filter { !names.contains($0.client) }).map { line in
            Rule(
                client: line.client,
                users: line.users.compactMap { uid_t($0) ?? getpwnam($0)?.pointee.pw_uid },
                groups: line.groups.compactMap { gid_t($0) ?? getgrnam($0)?.pointee.gr_gid })
        }
    }

    /// Why a process may not sign on under a name; nil where it may. In the words of 3.0.6.
    func refusal(of name: String, to peer: PeerCredentials) -> String? {
        let rule = rules.first { $0.client == name } ?? rules.first { $0.client == ClientAuthorization.fallback }
        guard let rule else { return "no default client auth" }
        return rule.users.contains(peer.user) || rule.groups.contains(peer.group)
            ? nil : "client failed authorization"
    }
}
