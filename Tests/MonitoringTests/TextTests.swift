import ClusterModel
import Monitoring
import Testing

@Suite("Intervals, escapes, words, ranges")
struct TextTests {
    @Test("timevals", arguments: [
        ("30s", 30_000), ("1.5m", 90_000), ("2h", 7_200_000), ("1d", 86_400_000), ("10S", 10_000), (".5s", 500),
        ("0s", 0), ("0.001s", 1),
    ] as [(String, Int64)])
    func intervals(text: String, milliseconds: Int64) {
        #expect(IntervalText.parse(text) == .milliseconds(milliseconds))
    }

    @Test("what is no timeval", arguments: ["", "s", "5", "5x", "1.2.3s", "-5s", "5 s", ".s", "1e3s", "99999999999d"])
    func noIntervals(text: String) { #expect(IntervalText.parse(text) == nil) }

    @Test("intervals in seconds")
    func seconds() {
        #expect(IntervalText.seconds(.seconds(90)) == "90" && IntervalText.seconds(.milliseconds(1500)) == "1.5")
        #expect(IntervalText.seconds(.milliseconds(7)) == "0.007")
    }

    @Test("escapes are those of the captures, and come back as they went, but for doubled backslashes")
    func escapes() {
        #expect(Escape.escaped("Gateway \"reach\" it's", quoted: true) == #"Gateway\20\22reach\22\20it\27s"#)
        #expect(Escape.escaped("back\\slash\ttab\n", quoted: true) == #"back\\slash\09tab\0a"#)
        let all = (0...255).map(UInt8.init)
        #expect(Escape.unescaped(Escape.escaped(all.filter { $0 != 0x5c })) == all.filter { $0 != 0x5c })
        #expect(Escape.unescaped(Array(#"a\2"#.utf8)) == Array(#"a\2"#.utf8))
        #expect(Escape.unescaped(Array(#"\\20\zz"#.utf8)) == Array("\\ \\zz".utf8))
    }

    @Test("words", arguments: [
        (#"-x "two words""#, ["-x", "two words"]), ("a  b\tc", ["a", "b", "c"]),
        (#"'a\20b' "c\20d" e\ f"#, [#"a\20b"#, "c20d", "e f"]), ("", []), (#""" x"#, ["", "x"]), ("it's", ["it's"]),
        (#"a"b c"d"#, ["ab cd"]),
        (#""say \"hi\"""#, [#"say "hi""#]), (#"end\"#, [#"end\"#]),
    ] as [(String, [String])])
    func words(text: String, words: [String]) { #expect(ShellWords.split(text) == words) }

    @Test("exit ranges")
    func ranges() {
        #expect(ExitRange("2-4")?.contains(4) == true && ExitRange("2-4")?.contains(5) == false)
        #expect(ExitRange("9")?.contains(9) == true)
        for text in ["", "4-2", "a", "1-", "-1", "1-2-3"] { #expect(ExitRange(text) == nil) }
    }

    @Test("dependencies: Perl's operators and precedence, nothing else", arguments: [
        ("a:x", true), ("b:x", false), ("a:x && b:x", false), ("a:x || b:x", true), ("!b:x", true),
        ("not b:x and a:x", true), ("b:x and a:x or a:x", true), ("a:x || b:x && b:x", true),
        ("!(a:x && b:x)", true), ("SELF:x", true), ("1", true), ("0 || a:x", true), ("! b:x && ! c:x", false),
    ] as [(String, Bool)])
    func dependencies(text: String, expected: Bool) throws {
        let value = ["a": true, "b": false, "c": true]
        #expect(try DependencyExpression(text, group: "a").evaluate { value[$0.group] } == expected)
    }

    @Test("what is no dependency, and what comes of services whose state cannot be told")
    func badDependencies() throws {
        for text in ["", "a", "a:", "a:x &&", "(a:x", "a:x b:x", "system(\"rm\")", "a:x == 1"] {
            #expect(throws: DependencyExpression.Malformed.self) { try DependencyExpression(text, group: "g") }
        }
        let deep = String(repeating: "(", count: 100) + "a:x" + String(repeating: ")", count: 100)
        #expect(throws: DependencyExpression.Malformed.self) { try DependencyExpression(deep, group: "g") }
        let expression = try DependencyExpression("SELF:x || b:y", group: "g")
        #expect(expression.text == "g:x || b:y" && expression.services.map(\.description) == ["g:x", "b:y"])
        #expect(expression.evaluate { _ in nil } == nil)
    }

    @Test("a trap is read whatever it holds")
    func traps() {
        let text = "pro='0.3807'\nusr='joe'\ngrp=web\r\nsvc='ht\\20tp'\nsta='5'\nsum='it\\27s'\ndtl='a\\0ab'\n"
            + "broken\n=x\n"
        let trap = TrapMessage(Array(text.utf8))
        #expect(trap.version == 0.3807 && trap.user == "joe" && trap.group == "web" && trap.service == "ht tp")
        #expect(trap.status == 5 && trap.summary == Array("it's".utf8) && trap.detail == Array("a\nb".utf8))
        #expect(trap.malformedLines == 2)
        var random = RandomSource(seed: 1)
        for _ in 0..<2000 {
            _ = TrapMessage((0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255,
                using: &random) })
        }
    }

    @Test("rights: denials win, AUTH_ANY is any user who has logged in, all is everybody")
    func authorization() {
        var authorization = Authorization()
        authorization.rules = [
            .init(command: "list", users: ["all"]), .init(command: "disable", users: ["AUTH_ANY", "!bob"]),
            .init(command: "reset", users: ["joe"]),
        ]
        #expect(authorization.allows("list", to: nil) && !authorization.allows("disable", to: nil))
        #expect(authorization.allows("disable", to: "joe") && !authorization.allows("disable", to: "bob"))
        #expect(authorization.allows("reset", to: "joe") && !authorization.allows("reset", to: "ann"))
        #expect(!authorization.allows("term", to: "joe"))
    }

    @Test("senders of traps: lines for every host make the others void")
    func trapSources() {
        var authorization = Authorization()
        #expect(authorization.trapRule(host: "127.0.0.1", user: "") == .refused)
        authorization.trapSources = [
            .init(host: "127.0.0.1", user: "*", hash: "*"),
            .init(host: "gate", addresses: ["10.0.0.1"], user: "joe", hash: "H"),
        ]
        #expect(authorization.trapRule(host: "127.0.0.1", user: "") == .welcome)
        #expect(authorization.trapRule(host: "10.0.0.1", user: "joe") == .password(["H"]))
        #expect(authorization.trapRule(host: "10.0.0.1", user: "") == .refused)
        #expect(authorization.trapRule(host: "10.0.0.2", user: "joe") == .refused)
        authorization.trapSources.append(.init(host: "*", user: "ann", hash: "G"))
        #expect(authorization.trapRule(host: "127.0.0.1", user: "") == .refused)
        #expect(authorization.trapRule(host: "1.2.3.4", user: "ann") == .password(["G"]))
    }

    @Test("the file of users")
    func users() {
        let text = "# comment\njoe:abfbSiOREpOPQ\nbob:x:more\nempty:\n"
        #expect(UserFile.hash(of: "joe", in: text) == "abfbSiOREpOPQ" && UserFile.hash(of: "bob", in: text) == "x")
        #expect(UserFile.hash(of: "empty", in: text) == nil && UserFile.hash(of: "ann", in: text) == nil)
    }
}
