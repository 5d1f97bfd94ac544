// Web requests on the process's own event loop: libcurl says which descriptors and which moments it waits for, and is
// called when they are there. Nothing here waits, but for names that only a redirection mentions, which libcurl looks
// up in a thread of its own.
import CCurl
import CLinux
import ClusterModel
import LinuxSystem
import Reactor

/// All web requests of a process.
package final class WebTransfers {
    private let loop: EventLoop
    private let multi: OpaquePointer
    private var sources: [Int32: EventSource] = [:]
    private var timer: EventSource?
    private var transfers: [UnsafeMutableRawPointer: WebTransfer] = [:]
    /// Handles that wait for their next request: making one costs more than cleaning one.
    private var idle: [UnsafeMutableRawPointer] = []
    private static let idleMax = 64

    /// Has the process ignore SIGPIPE: servers close connections when they like.
    package init(loop: EventLoop) throws(SystemError) {
        self.loop = loop
        Signals.ignore(SIGPIPE)
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let multi = curl_multi_init() else {
            throw SystemError(code: ENOMEM, operation: "libcurl")
        }
        self.multi = OpaquePointer(multi)
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_set_socket(multi, { _, descriptor, what, context, _ in
            WebTransfers.of(context)?.watch(descriptor, what)
            return 0
        }, context)
        ccurl_multi_set_timer(multi, { _, milliseconds, context in
            WebTransfers.of(context)?.schedule(milliseconds)
            return 0
        }, context)
    }

    deinit {
        for transfer in transfers.values { transfer.detach() }
        let handle = UnsafeMutableRawPointer(multi)
        // libcurl says goodbye to its descriptors; nobody is there to hear it.
        ccurl_multi_set_socket(handle, nil, nil)
        ccurl_multi_set_timer(handle, nil, nil)
        for easy in transfers.keys {
            curl_multi_remove_handle(handle, easy)
            curl_easy_cleanup(easy)
        }
        for easy in idle { curl_easy_cleanup(easy) }
        curl_multi_cleanup(handle)
    }

    /// Sends a request. `completion` is called once, from the event loop, unless the transfer is cancelled; an answer
    /// with whatever status is a success.
    package func start(
        _ request: WebRequest, completion: @escaping (Result<WebAnswer, WebError>) -> Void
    ) throws(SystemError) -> WebTransfer {
        guard let easy = idle.popLast() ?? curl_easy_init() else {
            throw SystemError(code: ENOMEM, operation: "libcurl")
        }
        let transfer = WebTransfer(request, easy: easy, transfers: self, completion: completion)
        transfer.configure()
        transfers[easy] = transfer
        let code = curl_multi_add_handle(UnsafeMutableRawPointer(multi), easy)
        guard code == CURLM_OK else {
            transfers[easy] = nil
            release(easy)
            throw SystemError(code: EINVAL, operation: "libcurl: \(String(cString: curl_multi_strerror(code)))")
        }
        return transfer
    }

    fileprivate func drop(_ easy: UnsafeMutableRawPointer) {
        guard transfers.removeValue(forKey: easy) != nil else { return }
        curl_multi_remove_handle(UnsafeMutableRawPointer(multi), easy)
        release(easy)
    }

    private func release(_ easy: UnsafeMutableRawPointer) {
        guard idle.count < WebTransfers.idleMax else { return curl_easy_cleanup(easy) }
        curl_easy_reset(easy)
        idle.append(easy)
    }

    // MARK: What libcurl waits for

    private func watch(_ descriptor: Int32, _ what: Int32) {
        var events: UInt32 = 0
        if what & CURL_POLL_IN != 0 { events |= UInt32(EPOLLIN.rawValue) }
        if what & CURL_POLL_OUT != 0 { events |= UInt32(EPOLLOUT.rawValue) }
        if what == CURL_POLL_REMOVE || events == 0 {
            sources[descriptor] = nil
        } else if let source = sources[descriptor] {
            source.watch(events)
        } else {
            // Without a source the transfer ends by its timeout.
            sources[descriptor] = try? loop.onReady(descriptor, events: events) { [unowned self] bits in
                ready(descriptor, bits)
            }
        }
    }

    private func ready(_ descriptor: Int32, _ bits: UInt32) {
        var mask: Int32 = 0
        if bits & UInt32(EPOLLIN.rawValue | EPOLLHUP.rawValue) != 0 { mask |= CURL_CSELECT_IN }
        if bits & UInt32(EPOLLOUT.rawValue) != 0 { mask |= CURL_CSELECT_OUT }
        if bits & UInt32(EPOLLERR.rawValue) != 0 { mask |= CURL_CSELECT_ERR }
        act(descriptor, mask)
    }

    private func schedule(_ milliseconds: Int) {
        if milliseconds < 0 {
            timer?.disable()
            return
        }
        let at = Clock.now() + .milliseconds(milliseconds)
        if let timer { return timer.schedule(at) }
        timer = try? loop.onTime(at) { [unowned self] in act(CURL_SOCKET_TIMEOUT, 0) }
    }

    private func act(_ descriptor: Int32, _ mask: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(UnsafeMutableRawPointer(multi), descriptor, mask, &running)
        finish()
    }

    /// Hands out what has ended. A completion may start and cancel transfers.
    private func finish() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(UnsafeMutableRawPointer(multi), &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                let transfer = transfers[easy]
            else { continue }
            let result = transfer.result(message.pointee.data.result)
            drop(easy)
            transfer.finish(result)
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> WebTransfers? {
        context.map { Unmanaged<WebTransfers>.fromOpaque($0).takeUnretainedValue() }
    }
}

/// One request under way.
package final class WebTransfer {
    private let request: WebRequest
    private var easy: UnsafeMutableRawPointer?
    private weak var transfers: WebTransfers?
    private var completion: ((Result<WebAnswer, WebError>) -> Void)?
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private var body: [UInt8] = []
    private var isTruncated = false
    private let started = Clock.now()
    private let complaint = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    fileprivate init(
        _ request: WebRequest, easy: UnsafeMutableRawPointer, transfers: WebTransfers,
        completion: @escaping (Result<WebAnswer, WebError>) -> Void
    ) {
        self.request = request
        self.easy = easy
        self.transfers = transfers
        self.completion = completion
        complaint.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        for list in lists { curl_slist_free_all(list) }
        complaint.deallocate()
    }

    /// Ends the transfer; its completion is not called any more.
    package func cancel() {
        completion = nil
        if let easy { transfers?.drop(easy) }
        easy = nil
    }

    /// What the transfer waits for, for people.
    package var stage: String {
        guard let easy else { return "done" }
        if !body.isEmpty { return "\(body.count) bytes of the answer came" }
        if time(easy, CURLINFO_PRETRANSFER_TIME_T) > 0 { return "waiting for the answer" }
        if time(easy, CURLINFO_CONNECT_TIME_T) > 0 { return "connected, waiting for TLS" }
        return "connecting"
    }

    fileprivate func detach() { easy = nil }

    fileprivate func finish(_ result: Result<WebAnswer, WebError>) {
        easy = nil
        let completion = completion
        self.completion = nil
        completion?(result)
    }

    // MARK: The request

    fileprivate func configure() {
        guard let easy else { return }
        ccurl_set_text(easy, CURLOPT_URL, request.url)
        // Signals would end look-ups in the middle; what is asked for is the server, not a proxy in front of us.
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        // A transfer that is given up does not wait for the thread that still looks its host up.
        ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        ccurl_set_text(easy, CURLOPT_PROXY, "")
        ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_text(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
        ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1)
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, Int(max(1, request.timeout.wholeMilliseconds)))
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, request.redirectsMax > 0 ? 1 : 0)
        ccurl_set_long(easy, CURLOPT_MAXREDIRS, request.redirectsMax)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, request.verifies ? 1 : 0)
        ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, request.verifies ? 2 : 0)
        if request.wantsCertificate { ccurl_set_long(easy, CURLOPT_CERTINFO, 1) }
        if let agent = request.agent { ccurl_set_text(easy, CURLOPT_USERAGENT, agent) }
        switch request.family {
        case .any: break
        case .ipv4: ccurl_set_long(easy, CURLOPT_IPRESOLVE, Int(CURL_IPRESOLVE_V4))
        case .ipv6: ccurl_set_long(easy, CURLOPT_IPRESOLVE, Int(CURL_IPRESOLVE_V6))
        }
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, complaint)
        ccurl_set_writer(easy, { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let chunk = UnsafeRawBufferPointer(start: bytes, count: size * count)
            return Unmanaged<WebTransfer>.fromOpaque(context).takeUnretainedValue().take(chunk)
        }, Unmanaged.passUnretained(self).toOpaque())
        configureMethod(easy)
        configureTarget(easy)
    }

    private func configureMethod(_ easy: UnsafeMutableRawPointer) {
        if let body = request.body {
            ccurl_set_long(easy, CURLOPT_POST, 1)
            ccurl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            body.withUnsafeBytes {
                let start = $0.baseAddress?.assumingMemoryBound(to: CChar.self)
                _ = ccurl_set_text(easy, CURLOPT_COPYPOSTFIELDS, start)
            }
        }
        switch request.method {
        case "HEAD": ccurl_set_long(easy, CURLOPT_NOBODY, 1)
        case let method?: ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, method)
        case nil: break
        }
        if let list = list(request.headers) { ccurl_set_list(easy, CURLOPT_HTTPHEADER, list) }
    }

    /// The connection goes to the address, whatever the URL's name stands for; no list of names is shared by transfers.
    private func configureTarget(_ easy: UnsafeMutableRawPointer) {
        guard let target = request.connectTo, let authority = WebTransfer.authority(request.url) else { return }
        let address = target.address.isIPv6 ? "[\(target.address)]" : "\(target.address)"
        if let list = list(["\(authority):\(address):\(target.port)"]) {
            ccurl_set_list(easy, CURLOPT_CONNECT_TO, list)
        }
        if target.scope != 0 { ccurl_set_long(easy, CURLOPT_ADDRESS_SCOPE, Int(target.scope)) }
    }

    /// `host:port` of a URL, the port always there.
    private static func authority(_ url: String) -> String? {
        guard let parts = curl_url() else { return nil }
        defer { curl_url_cleanup(parts) }
        guard curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK else { return nil }
        var host: UnsafeMutablePointer<CChar>?
        var port: UnsafeMutablePointer<CChar>?
        defer {
            curl_free(host)
            curl_free(port)
        }
        guard curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK,
            curl_url_get(parts, CURLUPART_PORT, &port, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let host, let port
        else { return nil }
        return "\(String(cString: host)):\(String(cString: port))"
    }

    private func list(_ texts: [String]) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for text in texts { list = curl_slist_append(list, text) }
        if let list { lists.append(list) }
        return list
    }

    // MARK: The answer

    private func take(_ chunk: UnsafeRawBufferPointer) -> Int {
        let room = request.bodyMax - body.count
        body.append(contentsOf: chunk.prefix(max(0, room)))
        if chunk.count <= room { return chunk.count }
        isTruncated = true
        return 0
    }

    fileprivate func result(_ code: CURLcode) -> Result<WebAnswer, WebError> {
        guard let easy else { return .failure(WebError(description: "cancelled", isUnconnected: false)) }
        if code == CURLE_OK || (code == CURLE_WRITE_ERROR && isTruncated) {
            var status = 0
            ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
            return .success(
                WebAnswer(
                    status: status, body: body, isTruncated: isTruncated, duration: Clock.now() - started,
                    certificateEnd: request.wantsCertificate ? certificateEnd(easy) : nil))
        }
        let own = String(cString: complaint)
        let text = own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
        return .failure(WebError(description: text, isUnconnected: code == CURLE_COULDNT_CONNECT))
    }

    /// Of the first certificate of the chain, which is the server's own.
    private func certificateEnd(_ easy: UnsafeMutableRawPointer) -> Int64? {
        var pointer: UnsafeMutableRawPointer?
        guard ccurl_get_pointer(easy, CURLINFO_CERTINFO, &pointer) == CURLE_OK, let pointer else { return nil }
        let info = pointer.assumingMemoryBound(to: curl_certinfo.self).pointee
        guard info.num_of_certs > 0 else { return nil }
        var entry = info.certinfo?[0]
        while let line = entry {
            let text = line.pointee.data.map { String(cString: $0) } ?? ""
            if text.hasPrefix("Expire date:") {
                let end = curl_getdate(String(text.dropFirst("Expire date:".count)), nil)
                return end == -1 ? nil : Int64(end)
            }
            entry = line.pointee.next
        }
        return nil
    }

    private func time(_ easy: UnsafeMutableRawPointer, _ info: CURLINFO) -> curl_off_t {
        var value: curl_off_t = 0
        ccurl_get_size(easy, info, &value)
        return value
    }
}
