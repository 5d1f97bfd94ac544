// The words of a `monitor` line: options as the monitors of mon take them, letters and words, with a suggestion where
// one is not known.
import CLinux
import ClusterConfig
import ClusterModel

/// An option of a monitor or an alert.
package struct MonitorOption: Sendable {
    var letter: Character?
    /// Without its dashes.
    var long: String?
    var takesValue: Bool

    /// `-p`, `--port`; a value follows unless it is said otherwise.
    package init(_ letter: Character?, _ long: String? = nil, takesValue: Bool = true) {
        self.letter = letter
        self.long = long
        self.takesValue = takesValue
    }

    /// What the option is looked up by.
    var name: String { long ?? letter.map(String.init) ?? "" }
    fileprivate var spellings: [String] { [letter.map { "-\($0)" }, long.map { "--\($0)" }].compactMap { $0 } }
}

/// The arguments of a monitor or an alert, taken apart.
package struct MonitorArguments {
    /// A value, and which word it stands in.
    package struct Given {
        /// `MonitorOption.name`; empty for a word that is no option.
        package var name: String
        package var value: String
        /// Its place among the arguments.
        package var word: Int
    }

    package private(set) var options: [Given] = []
    package private(set) var operands: [Given] = []

    /// `words` with the monitor's name first. `-p 80`, `-p80`, `-ov`, `--port 80` and `--port=80` are understood; `--`
    /// ends the options.
    package init(_ words: [String], _ known: [MonitorOption]) throws(MonitorProblem) {
        var index = 1
        var isOver = false
        while index < words.count {
            let word = words[index]
            if isOver || !word.hasPrefix("-") || word == "-" {
                operands.append(Given(name: "", value: word, word: index))
            } else if word == "--" {
                isOver = true
            } else if word.hasPrefix("--") {
                try long(words, &index, known)
            } else {
                try letters(words, &index, known)
            }
            index += 1
        }
    }

    private mutating func long(
        _ words: [String], _ index: inout Int, _ known: [MonitorOption]
    ) throws(MonitorProblem) {
        let word = words[index]
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let option = known.first(where: { $0.long == name }) else {
            throw MonitorArguments.unknown("--\(name)", index, known)
        }
        try take(option, parts.count > 1 ? String(parts[1]) : nil, words, &index, "--\(name)")
    }

    private mutating func letters(
        _ words: [String], _ index: inout Int, _ known: [MonitorOption]
    ) throws(MonitorProblem) {
        var rest = words[index].dropFirst()
        let first = index
        while let letter = rest.first {
            guard let option = known.first(where: { $0.letter == letter }) else {
                throw MonitorArguments.unknown(words[first], first, known)
            }
            rest = rest.dropFirst()
            if option.takesValue {
                return try take(option, rest.isEmpty ? nil : String(rest), words, &index, "-\(letter)")
            }
            try take(option, nil, words, &index, "-\(letter)")
        }
    }

    private mutating func take(
        _ option: MonitorOption, _ attached: String?, _ words: [String], _ index: inout Int, _ spelled: String
    ) throws(MonitorProblem) {
        let word = index
        var value = attached
        if option.takesValue, value == nil {
            guard index + 1 < words.count else { throw MonitorProblem(word: word, "\(spelled) needs a value") }
            index += 1
            value = words[index]
        }
        if !option.takesValue, value != nil { throw MonitorProblem(word: word, "\(spelled) takes no value") }
        options.append(Given(name: option.name, value: value ?? "", word: index))
    }

    private static func unknown(_ spelled: String, _ index: Int, _ known: [MonitorOption]) -> MonitorProblem {
        let spellings = known.flatMap(\.spellings)
        let word = "--" + spelled.drop { $0 == "-" }
        // A letter resembles every other.
        let near = spelled.count > 2 ? Spelling.nearest(to: word, among: spellings.filter { $0.count > 2 }) : nil
        let list = spellings.isEmpty ? "it has none" : "it has \(Spelling.list(spellings, joinedBy: "and"))"
        return MonitorProblem(
            word: index, "unknown option \(spelled)", suggestion: near.map { "did you mean \($0)?" } ?? list)
    }

    // MARK: Values

    package func has(_ name: String) -> Bool { options.contains { $0.name == name } }
    package func text(_ name: String) -> String? { options.last { $0.name == name }?.value }
    package func texts(_ name: String) -> [String] { options.filter { $0.name == name }.map(\.value) }

    /// A whole number within a range.
    package func number(_ name: String, in range: ClosedRange<Int>, default number: Int) throws(MonitorProblem) -> Int {
        guard let given = options.last(where: { $0.name == name }) else { return number }
        guard let value = Int(given.value), range.contains(value) else {
            throw MonitorProblem(
                word: given.word, "'\(given.value)' is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// Seconds, also parts of them: `0.5`.
    package func seconds(_ name: String, default duration: Duration) throws(MonitorProblem) -> Duration {
        guard let given = options.last(where: { $0.name == name }) else { return duration }
        let text = given.value.hasSuffix("s") ? String(given.value.dropLast()) : given.value
        guard let value = Double(text), value >= 0.01, value <= 86_400 else {
            throw MonitorProblem(word: given.word, "'\(given.value)' is no number of seconds")
        }
        return .microseconds(Int64(value * 1_000_000))
    }

    package func port(default port: UInt16) throws(MonitorProblem) -> UInt16 {
        UInt16(clamping: try number("port", in: 1...65535, default: Int(port)))
    }

    /// A regular expression as `grep -E` takes it.
    func pattern(_ name: String) throws(MonitorProblem) -> Pattern? {
        guard let given = options.last(where: { $0.name == name }) else { return nil }
        do throws(PatternError) {
            return try Pattern(given.value)
        } catch {
            throw MonitorProblem(word: given.word, "'\(given.value)' is no regular expression: \(error.reason)")
        }
    }

    /// AF_INET, AF_INET6 or, where neither is demanded, AF_UNSPEC.
    func family() throws(MonitorProblem) -> Int32 {
        let (four, six) = (options.last { $0.name == "4" }, options.last { $0.name == "6" })
        if let four, six != nil { throw MonitorProblem(word: four.word, "-4 and -6 exclude each other") }
        return four != nil ? AF_INET : six != nil ? AF_INET6 : AF_UNSPEC
    }

    package func refuseOperands() throws(MonitorProblem) {
        if let operand = operands.first {
            throw MonitorProblem(
                word: operand.word, "unexpected word '\(operand.value)'",
                suggestion: "hosts are taken from the host group")
        }
    }
}
