// The addresses of the hosts that auth.cf names for traps. A name server that is silent makes whoever asks wait: a
// helper looks each name up.
import CLinux
import ClusterModel
import LinuxSystem
import Monitoring
import Reactor

final class TrapHosts {
    private static let runningMax = 16
    private static let timeLimit: Duration = .seconds(60)

    private let loop: EventLoop
    private let log: (LogRecord) -> Void
    /// What was found the last time; a name that cannot be looked up keeps its address.
    private var known: [String: String] = [:]
    private var waiting: [String] = []
    private var running = 0
    private var found: () -> Void = {}

    init(loop: EventLoop, log: @escaping (LogRecord) -> Void) {
        self.loop = loop
        self.log = log
    }

    /// The same with the addresses that are known.
    func filled(_ authorization: Authorization) -> Authorization {
        var authorization = authorization
        for index in authorization.trapSources.indices {
            guard let address = known[authorization.trapSources[index].host] else { continue }
            authorization.trapSources[index].addresses = [address]
        }
        return authorization
    }

    /// Looks every name up, and calls `found` with each address that is another than before, until the next call.
    func lookUp(_ authorization: Authorization, found: @escaping () -> Void) {
        self.found = found
        let names = authorization.trapSources.map(\.host).filter { $0 != "*" && IPAddress($0) == nil }
        waiting = names.enumerated().filter { names[..<$0.offset].contains($0.element) == false }.map(\.element)
        known = known.filter { names.contains($0.key) }
        next()
    }

    private func next() {
        while running < TrapHosts.runningMax, let host = waiting.popLast() {
            do throws(SystemError) {
                try HelperProcess.hostAddress.start(
                    [host], timeout: TrapHosts.timeLimit, loop: loop
                ) { [self] status, output in
                    running -= 1
                    take(host, status, String(decoding: output, as: UTF8.self))
                    next()
                }
                running += 1
            } catch {
                log(LogRecord(.warning, "authorization", "\(host): cannot be looked up: \(error)"))
            }
        }
    }

    private func take(_ host: String, _ status: ChildStatus, _ text: String) {
        guard status == .exited(0), let address = IPAddress(text) else {
            let why = text.isEmpty ? "\(status)" : text
            let rest = known[host].map { ", its address stays \($0)" } ?? ", its traps are refused"
            return log(LogRecord(.warning, "authorization", "\(host): \(why)\(rest)"))
        }
        if known.updateValue("\(address)", forKey: host) != "\(address)" { found() }
    }

    /// The helper, whose argument is a host: prints its address, or why there is none. Returns the exit code.
    static func main(_ arguments: [String]) -> Int32 {
        guard arguments.count == 1 else { return 2 }
        do throws(NameError) {
            print(try NameLookup.address(of: arguments[0], family: AF_INET).address, terminator: "")
            return 0
        } catch {
            print(error, terminator: "")
            return 1
        }
    }
}
