// hb_webhook USER GROUP: tells one server of one transition, which the environment describes. It is started by the
// notifier as root, gives that up before anything else, and may hang or crash as the server likes.
//
// Exit code 0: the server has taken it. 1: it may later. 2: it never will.
import CCurl
import CLinux
import JSON
import LinuxSystem

/// Seconds for the whole exchange, and for the connection alone.
let timeLimit = 20
let connectionLimit = 10

func environment(_ name: String) -> String? { getenv("HA_NOTIFY_\(name)").map { String(cString: $0) } }

func fail(_ reason: String, _ code: Int32) -> Never {
    fputs(reason + "\n", cl_stderr())
    exit(code)
}

/// The transition as a JSON object; empty where memory has run out.
func document() -> String {
    let texts = [
        ("event", "EVENT"), ("node", "NODE"), ("group", "GROUP"), ("cause", "CAUSE"), ("time", "TIME"),
        ("from", "FROM"), ("cluster", "CLUSTER"),
    ]
    let numbers = [("epoch", "EPOCH"), ("number", "NUMBER"), ("dropped", "DROPPED")]
    let members = texts.compactMap { key, name in environment(name).map { (key, JSONValue.string($0)) } }
        + numbers.compactMap { key, name in environment(name).flatMap(Int64.init).map { (key, JSONValue.number($0)) } }
    return JSONValue.object(members).text(isCompact: true)
}

/// Returns the code of the server's answer. What it says besides is not read by anybody.
func post(_ text: String, to url: String) -> Int {
    guard let handle = curl_easy_init() else { fail("libcurl cannot be started", 1) }
    defer { curl_easy_cleanup(handle) }
    var headers = curl_slist_append(nil, "Content-Type: application/json")
    headers = curl_slist_append(headers, "Expect:")
    defer { curl_slist_free_all(headers) }
    _ = ccurl_set_text(handle, CURLOPT_URL, url)
    _ = ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = ccurl_set_text(handle, CURLOPT_USERAGENT, "heartbeat")
    _ = ccurl_set_text(handle, CURLOPT_COPYPOSTFIELDS, text)
    _ = ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers)
    _ = ccurl_set_writer(handle, { _, size, count, _ in size * count }, nil)
    _ = ccurl_set_long(handle, CURLOPT_TIMEOUT, timeLimit)
    _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, connectionLimit)
    _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    let result = curl_easy_perform(handle)
    if result != CURLE_OK { fail(String(cString: curl_easy_strerror(result)), 1) }
    var code = 0
    _ = ccurl_get_long(handle, CURLINFO_RESPONSE_CODE, &code)
    return code
}

let words = CommandLine.arguments
guard words.count == 3, let user = uid_t(words[1]), let group = gid_t(words[2]), user != 0, group != 0,
    let url = environment("URL"), environment("EVENT") != nil
else { fail("hb_webhook is started by heartbeat's notifier", 64) }
do {
    try Confinement.drop(to: Confinement.Identity(user: user, group: group))
} catch {
    fail("\(error)", 1)
}
let text = document()
guard !text.isEmpty else { fail("no memory", 1) }
switch post(text, to: url) {
case 200...299: exit(0)
// Too early, too many, or a server in trouble.
case let code where code == 408 || code == 425 || code == 429 || code >= 500: fail("the server answers \(code)", 1)
case let code: fail("the server answers \(code)", 2)
}
