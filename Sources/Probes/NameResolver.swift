// Host names to addresses without a wait: numeric ones at once, those of /etc/hosts at once, the others by the name
// servers of /etc/resolv.conf, whose answers are kept for a little while.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// Looks up the hosts of checks.
package final class NameResolver {
    /// Addresses, or why there are none, in one clause.
    package typealias Completion = (Result<[SocketAddress], NameFailure>) -> Void

    private static let path = "/etc/resolv.conf"
    private static let tryTimeout: Duration = .seconds(2)
    /// Kept no longer, whatever the server allows: a check should see that a name moves.
    private static let lifetimeMax: Int64 = 30
    private static let knownMax = 4096

    private struct Known {
        var addresses: [IPAddress]
        var until: Instant
    }

    private struct Key: Hashable {
        var host: String
        var family: Int32
    }

    private let loop: EventLoop
    private var channel: NameChannel?
    private var configured: String?
    private var known: [Key: Known] = [:]

    package init(loop: EventLoop) { self.loop = loop }

    /// Finds the addresses of a host, of one family or of both. `completion` may be called before this returns.
    package func look(up host: String, family: Int32, port: UInt16, _ completion: @escaping Completion) {
        if let numeric = SocketAddress(numeric: host, port: port) {
            if family == AF_UNSPEC || numeric.address.family == family { return completion(.success([numeric])) }
            let wanted = family == AF_INET6 ? "IPv6" : "IPv4"
            return completion(.failure(NameFailure(reason: "the address is not one of \(wanted)")))
        }
        let key = Key(host: host, family: family)
        let now = Clock.now()
        if let entry = known[key], entry.until > now {
            return completion(.success(entry.addresses.map { SocketAddress($0, port: port) }))
        }
        do throws(SystemError) {
            try current().addresses(of: host, family: family) { [weak self] result in
                switch result {
                case .success(let found):
                    self?.keep(found, key)
                    completion(.success(found.addresses.map { SocketAddress($0, port: port) }))
                case .failure(let failure):
                    completion(.failure(NameFailure(reason: "the name does not resolve: \(failure.reason)")))
                }
            }
        } catch {
            completion(.failure(NameFailure(reason: "names cannot be looked up: \(error)")))
        }
    }

    private func keep(_ found: NameAddresses, _ key: Key) {
        let lifetime = min(found.lifetime, NameResolver.lifetimeMax)
        guard lifetime > 0 else { return }
        if known.count >= NameResolver.knownMax { known.removeAll() }
        known[key] = Known(addresses: found.addresses, until: Clock.now() + .seconds(lifetime))
    }

    /// A channel with the servers that resolv.conf names now.
    private func current() throws(SystemError) -> NameChannel {
        let text = FileSystem.text(of: NameResolver.path, limit: 16 * 1024)
        if let channel, text == configured || !channel.isIdle { return channel }
        configured = text
        let channel = try NameChannel(
            loop: loop, NameChannel.Settings(server: nil, timeout: NameResolver.tryTimeout, tries: 2))
        self.channel = channel
        return channel
    }
}
