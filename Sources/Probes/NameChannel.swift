// c-ares on the process's own event loop: it says which descriptors it waits for, and is called when they are ready.
// Answers are handed out when c-ares has returned, so that what takes them may do anything, also end the channel.
import CCares
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// One set of name servers, and the questions to them that are open.
final class NameChannel {
    /// Where a channel asks, and how.
    struct Settings {
        /// `192.0.2.1:53`, `[2001:db8::1]:53`; nil: the servers of /etc/resolv.conf.
        var server: String?
        var usesTCP = false
        /// To one try's end.
        var timeout: Duration
        var tries: Int32
    }

    /// An answer in the server's own bytes, or why there is none that counts; both where the server says no.
    typealias Answer = (_ status: Int32, _ message: [UInt8]) -> Void

    private let loop: EventLoop
    private var channel: ares_channel?
    private var sources: [Int32: EventSource] = [:]
    private var timer: EventSource?
    private var answers: [() -> Void] = []
    private var depth = 0

    init(loop: EventLoop, _ settings: Settings) throws(SystemError) {
        self.loop = loop
        var options = ares_options()
        options.timeout = Int32(clamping: max(1, settings.timeout.wholeMilliseconds))
        options.tries = settings.tries
        options.sock_state_cb = { context, descriptor, isReading, isWriting in
            guard let context else { return }
            Unmanaged<NameChannel>.fromOpaque(context).takeUnretainedValue()
                .watch(descriptor, isReading != 0, isWriting != 0)
        }
        options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
        var mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB
        if settings.server != nil {
            mask |= ARES_OPT_FLAGS
            // What is asked for is this server's own word: no other name, no alias, no cookie of its own.
            options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP
            if settings.usesTCP { options.flags |= ARES_FLAG_USEVC }
        }
        try NameChannel.check(ares_library_init(ARES_LIB_INIT_ALL), "start c-ares")
        try NameChannel.check(ares_init_options(&channel, &options, mask), "start c-ares")
        if let server = settings.server {
            try NameChannel.check(ares_set_servers_ports_csv(channel, server), "name server \(server)")
        }
    }

    deinit { close() }

    /// Ends every question; nothing is told any more.
    func close() {
        guard let channel else { return }
        self.channel = nil
        answers = []
        ares_destroy(channel)
        sources = [:]
        timer = nil
    }

    /// Whether nothing is asked.
    var isIdle: Bool { sources.isEmpty && answers.isEmpty }

    /// The addresses of a host, from /etc/hosts or the servers.
    func addresses(
        of host: String, family: Int32, _ completion: @escaping (Result<NameAddresses, NameFailure>) -> Void
    ) {
        guard let channel else { return }
        var hints = ares_addrinfo_hints()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let question = Question<NameAddresses>(self) { channel, status, found in
            channel.answers.append {
                if status == ARES_SUCCESS, !found.addresses.isEmpty { return completion(.success(found)) }
                completion(.failure(NameFailure(reason: NameChannel.text(status))))
            }
        }
        enter {
            ares_getaddrinfo(channel, host, nil, &hints, { context, status, _, info in
                defer { ares_freeaddrinfo(info) }
                guard let context else { return }
                let question = Unmanaged<Question<NameAddresses>>.fromOpaque(context).takeRetainedValue()
                guard let channel = question.channel, channel.channel != nil else { return }
                question.body(channel, status, NameAddresses(info))
            }, Unmanaged.passRetained(question).toOpaque())
        }
    }

    /// One record of the class IN, by its type's number.
    func query(_ name: String, type: Int32, _ completion: @escaping Answer) {
        guard let channel else { return }
        let question = Question<[UInt8]>(self) { channel, status, bytes in
            channel.answers.append { completion(status, bytes) }
        }
        enter {
            ares_query(channel, name, 1, type, { context, status, _, bytes, count in
                guard let context else { return }
                let question = Unmanaged<Question<[UInt8]>>.fromOpaque(context).takeRetainedValue()
                guard let channel = question.channel, channel.channel != nil else { return }
                let message = UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(count))
                question.body(channel, status, Array(message))
            }, Unmanaged.passRetained(question).toOpaque())
        }
    }

    /// c-ares' words for a status.
    static func text(_ status: Int32) -> String { String(cString: ares_strerror(status)) }

    // MARK: The loop

    private func watch(_ descriptor: Int32, _ isReading: Bool, _ isWriting: Bool) {
        let events = (isReading ? UInt32(EPOLLIN.rawValue) : 0) | (isWriting ? UInt32(EPOLLOUT.rawValue) : 0)
        if events == 0 {
            sources[descriptor] = nil
        } else if let source = sources[descriptor] {
            source.watch(events)
        } else {
            // Without a source the question ends by its timeout.
            sources[descriptor] = try? loop.onReady(descriptor, events: events) { [unowned self] bits in
                let isReadable = bits & ~UInt32(EPOLLOUT.rawValue) != 0
                process(
                    read: isReadable ? descriptor : ARES_SOCKET_BAD,
                    write: bits & UInt32(EPOLLOUT.rawValue) != 0 ? descriptor : ARES_SOCKET_BAD)
            }
        }
    }

    private func process(read: Int32, write: Int32) {
        guard let channel else { return }
        enter { ares_process_fd(channel, read, write) }
    }

    /// Calls c-ares, then hands out what it has answered, then waits for what it waits for.
    private func enter(_ body: () -> Void) {
        depth += 1
        body()
        depth -= 1
        guard depth == 0 else { return }
        while !answers.isEmpty, channel != nil {
            let answer = answers.removeFirst()
            depth += 1
            answer()
            depth -= 1
        }
        schedule()
    }

    private func schedule() {
        guard let channel else { return }
        var wait = timeval()
        guard ares_timeout(channel, nil, &wait) != nil else {
            timer?.disable()
            return
        }
        let at = Clock.now() + .seconds(Int64(wait.tv_sec)) + .microseconds(Int64(wait.tv_usec) + 1000)
        if let timer { return timer.schedule(at) }
        timer = try? loop.onTime(at) { [unowned self] in process(read: ARES_SOCKET_BAD, write: ARES_SOCKET_BAD) }
    }

    private static func check(_ status: Int32, _ operation: String) throws(SystemError) {
        guard status != ARES_SUCCESS else { return }
        throw SystemError(code: EINVAL, operation: "\(operation) (\(text(status)))")
    }

    /// What C carries for us until it answers, exactly once.
    private final class Question<Value> {
        weak var channel: NameChannel?
        let body: (NameChannel, Int32, Value) -> Void

        init(_ channel: NameChannel, _ body: @escaping (NameChannel, Int32, Value) -> Void) {
            self.channel = channel
            self.body = body
        }
    }
}

/// Addresses of a host, best first.
struct NameAddresses {
    var addresses: [IPAddress] = []
    /// Seconds for which they may be kept.
    var lifetime: Int64 = 0

    init(_ info: UnsafeMutablePointer<ares_addrinfo>?) {
        var node = info?.pointee.nodes
        var lifetimes: [Int64] = []
        while let entry = node {
            var storage = sockaddr_storage()
            let length = Int(entry.pointee.ai_addrlen)
            if let address = entry.pointee.ai_addr, length <= MemoryLayout<sockaddr_storage>.size {
                withUnsafeMutableBytes(of: &storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
                }
                if let found = SocketAddress(storage) { addresses.append(found.address) }
                lifetimes.append(Int64(entry.pointee.ai_ttl))
            }
            node = entry.pointee.ai_next
        }
        lifetime = lifetimes.min() ?? 0
    }
}

/// Why a host has no address.
package struct NameFailure: Error {
    /// One clause.
    package var reason: String
}
