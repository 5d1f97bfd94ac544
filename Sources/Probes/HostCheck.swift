// What checks of hosts begin with: the host's addresses.
import ClusterModel
import LinuxSystem

/// Looks a host up, then checks it at its addresses.
final class HostCheck: RunningCheck {
    /// Begins the check; there is at least one address. The last argument is called once.
    typealias Begin = ([SocketAddress], @escaping (Finding) -> Void) -> any RunningCheck

    private var begin: Begin?
    private var check: (any RunningCheck)?

    init(
        _ host: String, family: Int32, port: UInt16, tools: CheckTools, _ done: @escaping (Finding) -> Void,
        begin: @escaping Begin
    ) {
        self.begin = begin
        tools.names.look(up: host, family: family, port: port) { [weak self] result in
            guard let self, let begin = self.begin else { return }
            switch result {
            case .failure(let failure): done(Finding(failure: failure.reason))
            case .success(let addresses): check = begin(addresses, done)
            }
        }
    }

    var stage: String { check?.stage ?? "looking up the name" }

    func cancel() {
        begin = nil
        check?.cancel()
        check = nil
    }
}
