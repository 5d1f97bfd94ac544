// What the spectator sees: lines of a story, and below them, on a terminal, a panel that shows what is so right now.
import CLinux
import ClusterModel
import LinuxSystem

/// Standard output, as a story with a panel.
final class Screen {
    /// Between two drawings of the panel.
    private static let interval = Duration.milliseconds(50)

    private let start = Clock.now()
    private let isTerminal: Bool
    private var drawnLines = 0
    private var drawnAt = Instant.distantPast
    /// Makes the panel's lines; called for each drawing.
    var panel: () -> [String] = { [] }

    init() {
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        isTerminal = isatty(1) == 1 && terminal != "dumb"
    }

    var elapsed: Duration { Clock.now() - start }

    /// Tells one thing that happens.
    func tell(_ text: String) {
        erase()
        write("\(Screen.seconds(elapsed))  \(text)\n")
        draw()
    }

    /// Begins a chapter.
    func title(_ text: String) {
        erase()
        write(isTerminal ? "\n\u{1b}[1m\(text)\u{1b}[0m\n" : "\n\(text)\n")
        draw()
    }

    /// Prints lines as they are.
    func show(_ lines: [String]) {
        erase()
        write(lines.map { $0 + "\n" }.joined())
    }

    /// Draws the panel again when it is due.
    func refresh() {
        guard isTerminal, Clock.now() - drawnAt >= Screen.interval else { return }
        erase()
        draw()
    }

    /// Takes the panel away for good.
    func close() {
        erase()
        panel = { [] }
    }

    private func erase() {
        if drawnLines > 0 { write("\u{1b}[\(drawnLines)A\r\u{1b}[J") }
        drawnLines = 0
    }

    private func draw() {
        guard isTerminal else { return }
        let lines = panel()
        // A line that wraps would be counted wrongly.
        write(lines.map { "\u{1b}[?7l\($0)\u{1b}[?7h\n" }.joined())
        drawnLines = lines.count
        drawnAt = Clock.now()
    }

    private func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { CLinux.write(1, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// `  3.1 s`.
    static func seconds(_ time: Duration) -> String {
        let tenths = (time.wholeMilliseconds + 50) / 100
        return pad("\(tenths / 10).\(tenths % 10) s", left: 7)
    }

    /// `0.4 ms`, `463 ms`.
    static func milliseconds(_ time: Duration) -> String {
        let tenths = (time.wholeNanoseconds + 50_000) / 100_000
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\((tenths + 5) / 10) ms"
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func pad(_ text: String, left width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
