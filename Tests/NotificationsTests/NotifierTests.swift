// The real notifier with real servers and programs.
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite("The notifier", .serialized, .enabled(if: geteuid() == 0))
struct NotifierTests {
    private let folder: TemporaryFolder
    private var program: String { folder.path + "/pager" }

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(
            "pager", "#!/bin/sh\necho \"$1 $2 $HA_NOTIFY_NUMBER $HA_NOTIFY_EPOCH\" >> \(folder.path)/pages\n")
    }

    @Test("A server is told in order, in JSON, and again where it answers 500; a secret address is in no log")
    func server() throws {
        let server = try TestServer()
        let notifier = try TestNotifier(folder, targets: [server.url])
        try notifier.tell(.starting, epoch: 7)
        try notifier.tell(.held, epoch: 7)
        try notifier.tell(.dead)
        var first = try server.next()
        #expect(first.head.hasPrefix("POST /hook?key=secret HTTP/1.1\r\n"))
        #expect(first.head.contains("Content-Type: application/json"))
        for part in [
            #""event": "starting""#, #""node": "alpha""#, #""group": "10.7.0.1""#, #""epoch": 7"#, #""number": 1"#,
            #""cause": "because \"it\" is so""#, #""time": "2023-11-14T22:13:20.250Z""#, #""from": "alpha""#,
            #""dropped": 0"#,
        ] { #expect(first.body.contains(part), "\(first.body)") }
        first.answer(500)
        first = try server.next()
        #expect(first.body.contains(#""number": 1"#))
        first.answer(200)
        first = try server.next()
        #expect(first.body.contains(#""event": "held""#) && first.body.contains(#""number": 2"#))
        first.answer(204)
        first = try server.next()
        #expect(first.body.contains(#""node": "beta""#) && !first.body.contains("group"))
        first.answer(404)
        try notifier.tell(.joined)
        first = try server.next()
        #expect(first.body.contains(#""number": 4"#) && first.body.contains(#""dropped": 1"#))
        first.answer(200)
        let log = folder.lines("log").joined(separator: "\n")
        #expect(log.contains("the server answers 500") && log.contains("the server answers 404"))
        #expect(!log.contains("secret"))
    }

    @Test("A server that hangs, and one that closes without an answer, hold up neither programs nor each other")
    func hanging() throws {
        let hanging = try TestServer()
        let closing = try TestServer()
        let notifier = try TestNotifier(folder, targets: [hanging.url, closing.url, program])
        try notifier.tell(.starting)
        let unanswered = try hanging.next()
        for _ in 0..<2 { _ = try closing.next() }
        try notifier.tell(.held)
        #expect(try folder.lines("pages", count: 2) == ["starting 10.7.0.1 1 1", "held 10.7.0.1 2 1"])
        unanswered.answer(200)
        let next = try hanging.next()
        #expect(next.body.contains(#""number": 2"#))
    }

    @Test("A notifier that is killed goes on where it was: nothing is lost, nothing is out of order")
    func killed() throws {
        let port: UInt16
        do {
            let server = try TestServer()
            port = server.port
            let notifier = try TestNotifier(folder, targets: [server.url])
            try notifier.tell(.starting)
            let first = try server.next()
            first.answer(200)
            try notifier.tell(.held)
            // Killed while the server thinks about it.
            _ = try server.next()
            try notifier.tell(.stopping)
            notifier.kill()
        }
        // Nobody listens for a while.
        let url = "http://127.0.0.1:\(port)/hook?key=secret"
        do {
            let notifier = try TestNotifier(folder, targets: [url])
            // The status process has not heard that this was kept, and says it again.
            try notifier.tell(.stopping, number: 3)
            try notifier.tell(.released)
            notifier.kill()
        }
        let server = try TestServer(port: port)
        let notifier = try TestNotifier(folder, targets: [url])
        try notifier.tell(.released, number: 4)
        var events: [String] = []
        while events.last != "4 released" {
            let request = try server.next()
            request.answer(200)
            let body = request.body
            let number = (1...9).first { body.contains("\"number\": \($0)") } ?? 0
            let kind = Transition.Kind.allCases.first { body.contains("\"event\": \"\($0.rawValue)\"") }
            let event = "\(number) \(kind?.rawValue ?? "?")"
            if events.last != event { events.append(event) }
        }
        // The first may come again: that it was told was not known for certain when the notifier was killed.
        #expect(events.filter { $0 != "1 starting" } == ["2 held", "3 stopping", "4 released"])
        let another = try TestNotifier(folder, targets: [url], life: 2)
        try another.tell(.starting)
        var request = try server.next()
        // So may the last: the notifier before has perhaps not written down that it was told.
        while request.body.contains(#""number": 4"#) {
            request.answer(200)
            request = try server.next()
        }
        #expect(request.body.contains(#""number": 5"#), "numbers go on: \(request.body)")
    }

    @Test("Programs of notify.d are told of everything, in order; one that others may write is not run as root")
    func folderOfPrograms() throws {
        for (name, mode) in [("a", 0o755), ("b~", 0o755), ("c", 0o644), ("d", 0o777)] as [(String, UInt32)] {
            try folder.write(
                "notify.d/\(name)", "#!/bin/sh\necho \"\(name) $1 $2\" >> \(folder.path)/told\n", mode: mode)
        }
        let notifier = try TestNotifier(folder, targets: [])
        for _ in 0..<5 {
            try notifier.tell(.held)
            try notifier.tell(.dead)
        }
        let told = try folder.lines("told", count: 10)
        #expect(told == (0..<5).flatMap { _ in ["a held 10.7.0.1", "a dead beta"] })
    }

    @Test("A mail says what happened, and is sent again when the mail system fails")
    func mail() throws {
        try folder.write(
            "bin/sendmail",
            """
            #!/bin/sh
            [ -e \(folder.path)/tried ] || { touch \(folder.path)/tried; echo no queue >&2; exit 75; }
            echo "to $*" >> \(folder.path)/mails; cat >> \(folder.path)/mails; echo "end" >> \(folder.path)/mails

            """)
        let notifier = try TestNotifier(
            folder, targets: ["mailto:ops@example.org blocked dead"], path: folder.path + "/bin:/usr/bin:/bin")
        try notifier.tell(.starting)
        try notifier.tell(.blocked, epoch: 9)
        let mail = try folder.lines("mails", count: 8)
        #expect(mail.first == "to -i ops@example.org")
        #expect(mail.contains("Subject: heartbeat: 10.7.0.1 blocked on alpha"))
        #expect(mail.contains("because \"it\" is so") && mail.contains("epoch 9"))
        #expect(folder.lines("log").contains { $0.contains("mailto:ops@example.org was not told") })
    }

    @Test("A thousand transitions in a row are told to a program in order")
    func many() throws {
        let notifier = try TestNotifier(folder, targets: [program + " held"])
        for number in 1...1000 { try notifier.tell(number % 2 == 0 ? .held : .starting, epoch: UInt64(number)) }
        let pages = try folder.lines("pages", count: 500)
        #expect(pages == (1...500).map { "held 10.7.0.1 \($0 * 2) \($0 * 2)" })
    }
}
