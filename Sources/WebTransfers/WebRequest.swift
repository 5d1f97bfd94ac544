// What is asked of a web server, and what comes of it, as values.
import LinuxSystem

/// One HTTP or HTTPS request.
package struct WebRequest: Sendable {
    /// Which addresses a name of the URL may stand for.
    package enum Family: Sendable {
        case any, ipv4, ipv6
    }

    /// With scheme, host and path.
    package var url: String
    /// `GET`, `HEAD`, `POST`; nil: POST where there is a body, else GET.
    package var method: String?
    /// `Name: value`, in addition to the usual ones, or instead of one of the same name.
    package var headers: [String] = []
    /// What is sent; nil: nothing.
    package var body: [UInt8]?
    /// The User-Agent header.
    package var agent: String?
    package var family = Family.any
    /// Where to connect to instead of the URL's own host and port, whose name stays in the request, in the name that
    /// TLS asks for and in the check of the certificate. Not used for what a redirection leads to.
    package var connectTo: SocketAddress?
    /// Redirections that are followed; the answer is the last one's.
    package var redirectsMax = 0
    /// Whether a certificate that is not valid for the host is an error.
    package var verifies = true
    /// Whether `WebAnswer.certificateEnd` is wanted; it costs a tenth of a millisecond.
    package var wantsCertificate = false
    /// Bytes of the answer's body that are kept; what is longer ends the transfer, which counts as complete.
    package var bodyMax = 1 << 20
    /// From the start to the last byte.
    package var timeout: Duration

    package init(url: String, timeout: Duration) {
        self.url = url
        self.timeout = timeout
    }
}

/// A server's answer, whatever its status says.
package struct WebAnswer: Sendable {
    /// `200`
    package var status: Int
    package var body: [UInt8]
    /// Whether the body was longer than `bodyMax`.
    package var isTruncated: Bool
    /// From the start to the last byte.
    package var duration: Duration
    /// When the server's certificate ends, in seconds since 1970; nil without TLS, or where it was not asked for.
    package var certificateEnd: Int64?
}

/// Why there is no answer.
package struct WebError: Error, Sendable, CustomStringConvertible {
    /// In libcurl's words.
    package var description: String
    /// Nothing was sent, for there is no connection: another address of the host may be tried.
    package var isUnconnected: Bool
}
