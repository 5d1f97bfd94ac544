// What `--watch` of hb status and hb mon have in common: a screen that is drawn again and again.
import Admin
import CLinux
import ClusterModel
import LinuxSystem

/// A screen, or with JSON a line for every time that there was an answer.
struct WatchedScreen {
    /// What there is to show.
    enum Content {
        case text(String)
        /// In place of it: the daemon may come back.
        case complaint(String)
    }

    let invocation: Invocation
    let isJSON: Bool

    /// Does not return: ^C, SIGTERM and a closed output end the program.
    func run(every interval: Duration, _ content: () -> Content) -> Never {
        for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(ExitStatus.done) } }
        var isFirst = true
        while true {
            let started = Clock.now()
            switch content() {
            case .text(let text): draw(text, isFirst: isFirst)
            case .complaint(let reason) where isJSON: invocation.complain(reason)
            case .complaint(let reason): draw(reason + "\n", isFirst: isFirst)
            }
            isFirst = false
            Clock.wait(started + interval - Clock.now())
        }
    }

    private func draw(_ text: String, isFirst: Bool) {
        var text = text
        if !isJSON, Terminal.isTerminal(STDOUT_FILENO) {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if let size = Terminal.size(STDOUT_FILENO) { lines = Array(lines.prefix(size.lines)) }
            // Home, each line with the rest of its line erased, then the rest of the screen: nothing flickers.
            text = (isFirst ? "\u{1B}[2J" : "") + "\u{1B}[H" + lines.joined(separator: "\u{1B}[K\n") + "\u{1B}[J"
        } else if !isJSON, !isFirst {
            text = "\n" + text
        }
        if !Terminal.print(text) { exit(ExitStatus.done) }
    }
}

extension ProgramArguments {
    /// How often `--watch` draws; nil where it was not given. getopt takes an optional value only right behind the
    /// option; people write a space.
    mutating func watchInterval() throws(UsageError) -> Duration? {
        guard has("watch") else { return nil }
        if value("watch") == nil, operands.count == 1 {
            options.append(ProgramArguments.Given(name: "watch", value: operands.removeFirst()))
        }
        return try seconds("watch") ?? .seconds(1)
    }
}
