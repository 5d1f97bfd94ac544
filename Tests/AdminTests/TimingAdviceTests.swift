// Advice on intervals from delays whose distribution is known, and its way into ha.cf.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Messaging
import Testing
import Timeliness

@Suite("Timing advice")
struct TimingAdviceTests {
    private static let present = TimingReport(
        keepalive: .milliseconds(100), warntime: .milliseconds(500), deadtime: .seconds(1), initdead: .seconds(12),
        deadping: .seconds(1))
    private static let wish = TimingWish(
        onceIn: .seconds(10 * 365 * 86_400), keepalive: nil, keepaliveMin: .milliseconds(10))

    /// Exponential delays: the probability of more than `x` means is e^-x.
    private func delays(mean: Duration, count: Int) -> LatenessHistogram {
        var histogram = LatenessHistogram()
        for index in 0..<count {
            // The quantiles themselves, so that nothing depends on luck: -ln(1 - p) by the series of ln.
            let survival = (Double(index) + 0.5) / Double(count)
            histogram.add(mean * naturalLogarithm(1 / survival))
        }
        return histogram
    }

    private func naturalLogarithm(_ value: Double) -> Double {
        // ln(x) = k ln 2 + 2 artanh((m - 1) / (m + 1)), 1 <= m < 2.
        let exponent = Double(value.exponent)
        let ratio = (value.significand - 1) / (value.significand + 1)
        var (sum, power) = (0.0, ratio)
        for term in 0..<30 {
            sum += power / Double(2 * term + 1)
            power *= ratio * ratio
        }
        return exponent * 0.693_147_180_559_945_3 + 2 * sum
    }

    private func report(
        _ lateness: LatenessHistogram, lost: UInt64 = 0, longestLoss: UInt64 = 0, recorded: Duration = .seconds(100_000)
    ) -> PunctualityReport {
        var arrivals = Arrivals()
        arrivals.lateness = lateness
        arrivals.received = lateness.count
        arrivals.lost = lost
        arrivals.longestLoss = longestLoss
        let source = PunctualityReport.Source(name: "beta", arrivals: arrivals)
        return PunctualityReport(
            recorded: recorded, timing: TimingAdviceTests.present, scheduling: LatenessHistogram(),
            nodes: [PunctualityReport.Node(any: source, links: [source])])
    }

    @Test("a quantile of exponential delays a million times rarer than what was seen is 60 % off at most")
    func exponentialTail() throws {
        // 100 000 delays in 10 000 s: ten a second.
        let fit = try #require(TailFit(delays(mean: .milliseconds(1), count: 100_000), recorded: .seconds(10_000)))
        let wanted = fit.lateness(exceeded: 10 * 1e-11)
        // -ln(1e-11) is 25.3 means.
        #expect(wanted > .microseconds(17_000) && wanted < .microseconds(41_000), "\(wanted)")
        #expect(fit.rate(beyond: .milliseconds(40)) < fit.rate(beyond: .milliseconds(20)))
    }

    @Test("a few rare long delays make the tail heavier than many short ones")
    func heavyTail() throws {
        let light = delays(mean: .milliseconds(1), count: 100_000)
        var heavy = light
        for step in 1...20 { heavy.add(.milliseconds(20 + 15 * step)) }
        let (one, other) = (TailFit(light, recorded: .seconds(10_000)), TailFit(heavy, recorded: .seconds(10_000)))
        #expect(try #require(one).lateness(exceeded: 1e-8) < #require(other).lateness(exceeded: 1e-8))
        #expect(TailFit(delays(mean: .milliseconds(1), count: 50), recorded: .seconds(10)) == nil)
    }

    @Test("a rarer false takeover, longer delays and more losses each ask for a longer deadtime")
    func order() {
        let usual = TimingAdvice(report(delays(mean: .milliseconds(1), count: 200_000)), TimingAdviceTests.wish)
        #expect(usual.basis == .sound)
        #expect(usual.deadtime > usual.keepalive * 2)
        #expect(usual.warntime > usual.keepalive && usual.warntime < usual.deadtime)
        var often = TimingAdviceTests.wish
        often.onceIn = .seconds(86_400)
        let bearable = TimingAdvice(report(delays(mean: .milliseconds(1), count: 200_000)), often)
        #expect(bearable.deadtime < usual.deadtime)
        let slow = TimingAdvice(report(delays(mean: .milliseconds(20), count: 200_000)), TimingAdviceTests.wish)
        #expect(slow.deadtime > usual.deadtime * 3)
        let lossy = TimingAdvice(
            report(delays(mean: .milliseconds(1), count: 200_000), lost: 10_000, longestLoss: 3),
            TimingAdviceTests.wish)
        #expect(lossy.lossesTolerated > usual.lossesTolerated)
        #expect(lossy.deadtime > usual.deadtime)
        #expect(lossy.presentRate > usual.presentRate)
    }

    @Test("a keepalive that is given is kept")
    func fixedKeepalive() {
        var wish = TimingAdviceTests.wish
        wish.keepalive = .milliseconds(250)
        let advice = TimingAdvice(report(delays(mean: .milliseconds(1), count: 200_000)), wish)
        #expect(advice.keepalive == .milliseconds(250))
        #expect(advice.deadtime > .milliseconds(500))
    }

    @Test("too little is told, and what is thin")
    func basis() {
        let few = report(delays(mean: .milliseconds(1), count: 400), recorded: .seconds(40))
        guard case .insufficient(let missing) = TimingAdvice(few, TimingAdviceTests.wish).basis else {
            Issue.record("advice from 40 seconds")
            return
        }
        #expect(missing.count == 2)
        let hour = report(delays(mean: .milliseconds(1), count: 36_000), recorded: .seconds(3600))
        guard case .thin(let reasons) = TimingAdvice(hour, TimingAdviceTests.wish).basis else {
            Issue.record("an hour is not thin")
            return
        }
        #expect(reasons.count == 2)
    }

    @Test("a report survives its records; records that are not one are refused")
    func records() throws {
        let report = report(delays(mean: .milliseconds(1), count: 1000), lost: 3, longestLoss: 2)
        #expect(try PunctualityReport(report.messages()) == report)
        #expect(throws: AdminMessageError.self) { try PunctualityReport([]) }
        var records = report.messages()
        records.remove(at: 1)
        #expect(throws: AdminMessageError.self) { try PunctualityReport(records) }
    }

    @Test("ha.cf keeps everything but the values that change")
    func edit() {
        let text = "# mine\nkeepalive 2\t# of May\n\tdeadtime\t30 \nbcast eth0\n#keepalive 5\nkeepalive,3\r"
        let edited = HAConfigEdit.setting(
            [("keepalive", "20ms"), ("warntime", "50ms"), ("deadtime", "100ms")], in: Array(text.utf8))
        #expect(
            String(decoding: edited, as: UTF8.self)
                == "# mine\nkeepalive 20ms\t# of May\n\tdeadtime 100ms \nbcast eth0\n#keepalive 5\n"
                + "keepalive 20ms\r\nwarntime 50ms\n")
        #expect(HAConfigEdit.setting([], in: []) == [])
    }

    /// A folder of two nodes whose ha.cf is in a file of that name.
    private func configured(_ file: String) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(file, "keepalive 1\ndeadtime 10\ninitdead 20\nucast eth9 10.0.0.2\nnode alpha beta\n")
        try folder.write("haresources", "")
        try folder.write("authkeys", "auth 1\n1 sha1 secret\n", mode: 0o600)
        try folder.write("nodeinfo", "alpha\n")
        return folder
    }

    @Test("a change keeps the mode whatever the umask is, and a link to the file")
    func changeInPlace() throws {
        let folder = try configured("kept.cf")
        let configuration = ConfigurationFolder(folder.path)
        let kept = "\(configuration.path)/kept.cf"
        #expect(chmod(kept, 0o644) == 0 && symlink("kept.cf", "\(configuration.path)/ha.cf") == 0)
        let before = umask(0o077)
        defer { umask(before) }
        try configuration.change([("deadtime", "8s"), ("keepalive", "500ms")])
        #expect(FileSystem.target(ofLink: "\(configuration.path)/ha.cf") == "kept.cf")
        #expect(FileSystem.text(of: kept, limit: 1000)?.hasPrefix("keepalive 500ms\ndeadtime 8s\n") == true)
        #expect(FileSystem.text(of: kept + ".old", limit: 1000)?.hasPrefix("keepalive 1\n") == true)
        var status = stat()
        #expect(stat(kept, &status) == 0 && status.st_mode & 0o7777 == 0o644)
    }

    @Test("a change with which ha.cf would have errors is not made; one without is, and the old file is kept")
    func change() throws {
        let folder = try configured("ha.cf")
        let configuration = ConfigurationFolder(folder.path)
        #expect(throws: EditError.self) { try configuration.change([("deadtime", "1s")]) }
        #expect(FileSystem.text(of: "\(configuration.path)/ha.cf", limit: 1000)?.contains("deadtime 10\n") == true)
        #expect(FileSystem.kind(of: configuration.replacedPath) == nil)
        try configuration.change([("deadtime", "8s"), ("keepalive", "500ms")])
        let text = FileSystem.text(of: "\(configuration.path)/ha.cf", limit: 1000)
        #expect(text?.hasPrefix("keepalive 500ms\ndeadtime 8s\n") == true)
        #expect(FileSystem.text(of: configuration.replacedPath, limit: 1000)?.hasPrefix("keepalive 1\n") == true)
        #expect(FileSystem.kind(of: "\(configuration.path)/ha.cf.new") == nil)
    }
}
