// Host names for a process that may not wait for name servers: a look-up that takes longer goes on by itself, and its
// answer is there when somebody asks again.
import CLinux
import ClusterModel

/// The look-ups of one process.
package final class HostNames {
    /// One look-up, at an address that stays: the C library writes its answer there.
    private final class LookUp {
        let request: UnsafeMutablePointer<gaicb>
        private let hints: UnsafeMutablePointer<addrinfo>
        private let name: UnsafeMutablePointer<CChar>

        init(_ host: String, _ family: Int32) {
            request = .allocate(capacity: 1)
            hints = .allocate(capacity: 1)
            name = strdup(host)
            hints.initialize(to: addrinfo())
            hints.pointee.ai_family = family
            hints.pointee.ai_socktype = Int32(SOCK_DGRAM.rawValue)
            request.initialize(to: gaicb())
            request.pointee.ar_name = UnsafePointer(name)
            request.pointee.ar_request = UnsafePointer(hints)
        }

        /// MUST NOT be called before the look-up has ended.
        func free() {
            if let result = request.pointee.ar_result { freeaddrinfo(result) }
            request.deallocate()
            hints.deallocate()
            CLinux.free(name)
        }
    }

    private let patience: Duration
    private var pending: [(host: String, family: Int32, lookUp: LookUp)] = []

    /// Who asks waits no longer than `patience`.
    package init(patience: Duration) { self.patience = patience }

    deinit {
        // One that is under way keeps its memory.
        for entry in pending where gai_error(entry.lookUp.request) != EAI_INPROGRESS { entry.lookUp.free() }
    }

    /// As `NameLookup.address`; throws where the answer is not here in time, and has it at a later call of the same.
    /// The corresponding C function is `getaddrinfo_a`.
    package func address(of host: String, family: Int32) throws(NameError) -> SocketAddress {
        if let numeric = try NameLookup.numeric(host, family: family) { return numeric }
        let index: Int
        if let known = pending.firstIndex(where: { $0.host == host && $0.family == family }) {
            index = known
        } else {
            let lookUp = LookUp(host, family)
            var list: UnsafeMutablePointer<gaicb>? = lookUp.request
            let code = getaddrinfo_a(GAI_NOWAIT, &list, 1, nil)
            guard code == 0 else {
                lookUp.free()
                throw .notFound(String(cString: gai_strerror(code)))
            }
            pending.append((host, family, lookUp))
            index = pending.count - 1
        }
        let request = pending[index].lookUp.request
        wait(for: request)
        let code = gai_error(request)
        guard code != EAI_INPROGRESS else { throw .late }
        let lookUp = pending.remove(at: index).lookUp
        defer { lookUp.free() }
        return try NameLookup.first(of: lookUp.request.pointee.ar_result, code)
    }

    private func wait(for request: UnsafeMutablePointer<gaicb>) {
        let end = Clock.now() + patience
        while gai_error(request) == EAI_INPROGRESS {
            let rest = (end - Clock.now()).wholeNanoseconds
            if rest <= 0 { return }
            var time = timespec(tv_sec: Int(rest / 1_000_000_000), tv_nsec: Int(rest % 1_000_000_000))
            var list: UnsafePointer<gaicb>? = UnsafePointer(request)
            _ = gai_suspend(&list, 1, &time)
        }
    }
}
