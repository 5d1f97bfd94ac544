// TLS on a connection that began in plain text, without waiting: OpenSSL does the protocol, the socket stays ours.
import CLinux
import CTLS
import ClusterModel
import LinuxSystem

/// What one step of a handshake came to.
enum TLSProgress {
    case done
    case wantsRead
    case wantsWrite
    /// In OpenSSL's words.
    case failed(String)
}

/// The settings of all TLS connections of a process.
final class TLSContext {
    private let context: OpaquePointer?

    /// Has the process ignore SIGPIPE, which OpenSSL does not keep away.
    init() {
        Signals.ignore(SIGPIPE)
        context = SSL_CTX_new(TLS_client_method())
        SSL_CTX_set_default_verify_paths(context)
    }

    deinit { SSL_CTX_free(context) }

    /// TLS as the client of a server; nil where memory has run out. The socket MUST outlive it.
    func session(_ socket: Int32, host: String, verifies: Bool) -> TLSSession? {
        guard let ssl = SSL_new(context) else { return nil }
        SSL_set_fd(ssl, socket)
        let isAddress = IPAddress(host) != nil
        if !isAddress { _ = ctls_set_server_name(ssl, host) }
        if verifies {
            SSL_set_verify(ssl, SSL_VERIFY_PEER, nil)
            if isAddress {
                X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
            } else {
                SSL_set1_host(ssl, host)
            }
        }
        return TLSSession(ssl)
    }
}

/// TLS on one connection.
final class TLSSession {
    private let ssl: OpaquePointer

    fileprivate init(_ ssl: OpaquePointer) { self.ssl = ssl }

    deinit { SSL_free(ssl) }

    /// Goes on with the handshake as far as it goes.
    func shakeHands() -> TLSProgress { progress(SSL_connect(ssl)) }

    /// Takes what has come; nil: what must be waited for, or why there will be nothing.
    func read(_ buffer: inout [UInt8]) -> (count: Int, TLSProgress) {
        let count = SSL_read(ssl, &buffer, Int32(clamping: buffer.count))
        return count > 0 ? (Int(count), .done) : (0, progress(count))
    }

    /// Sends what fits.
    func write(_ bytes: ArraySlice<UInt8>) -> (count: Int, TLSProgress) {
        let count = bytes.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32(clamping: $0.count)) }
        return count > 0 ? (Int(count), .done) : (0, progress(count))
    }

    /// Days until the server's certificate ends, negative where it has; nil where it showed none.
    var daysLeft: Int? {
        guard let certificate = SSL_get0_peer_certificate(ssl), let end = X509_get0_notAfter(certificate) else {
            return nil
        }
        var (days, seconds) = (Int32(0), Int32(0))
        guard ASN1_TIME_diff(&days, &seconds, nil, end) == 1 else { return nil }
        return Int(days) - (seconds < 0 && days == 0 ? 1 : 0)
    }

    private func progress(_ result: Int32) -> TLSProgress {
        if result > 0 { return .done }
        let code = SSL_get_error(ssl, result)
        switch code {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        default: break
        }
        let verified = SSL_get_verify_result(ssl)
        if verified != Int(X509_V_OK) { return .failed(String(cString: X509_verify_cert_error_string(verified))) }
        let error = ERR_get_error()
        while ERR_get_error() != 0 {}
        if error == 0 { return .failed("the server closed the connection") }
        return .failed(ERR_reason_error_string(error).map { String(cString: $0) } ?? "TLS error \(error)")
    }
}
