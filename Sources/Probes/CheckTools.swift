// What checks share: the event loop, and what is opened once for all of them when it is first needed.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import WebTransfers

/// The things that all checks of a process use.
final class CheckTools {
    let loop: EventLoop
    let slots = CheckSlots()
    lazy var names = NameResolver(loop: loop)
    lazy var echoes = EchoClient(loop: loop)
    lazy var processes = ProcessTable()
    lazy var tls = TLSContext()
    lazy var bus = SystemdBus(loop: loop, address: busAddress)
    private let busAddress: String?
    private var opened: WebTransfers?

    init(loop: EventLoop, busAddress: String?) {
        self.loop = loop
        self.busAddress = busAddress
    }

    /// The one libcurl of the process.
    func web() throws(SystemError) -> WebTransfers {
        if let opened { return opened }
        let web = try WebTransfers(loop: loop)
        opened = web
        return web
    }
}

/// How many checks may be under way at once: as many as there are descriptors, less those that the process needs
/// itself. What is more waits for its turn, in order.
final class CheckSlots {
    private(set) var used = 0
    private let limit: Int
    private var waiting: [() -> Bool] = []
    private var first = 0
    private static let reserved = 256

    init() {
        var limits = rlimit()
        getrlimit(RLIMIT_NOFILE, &limits)
        limit = max(64, Int(clamping: limits.rlim_cur) - CheckSlots.reserved)
    }

    /// Calls when a slot is free, now or later; `begin` returns whether it uses it, and then MUST have it given back.
    func take(_ begin: @escaping () -> Bool) {
        if used >= limit { return waiting.append(begin) }
        used += 1
        if !begin() { used -= 1 }
    }

    func giveBack() {
        used -= 1
        while used < limit, first < waiting.count {
            let begin = waiting[first]
            first += 1
            if first > 1024 {
                waiting.removeFirst(first)
                first = 0
            }
            used += 1
            if !begin() { used -= 1 }
        }
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            first = 0
        }
    }
}
