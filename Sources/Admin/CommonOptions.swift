// The command line of every program of the project: getopt_long, the options that all have, and one line for the user
// where a word is wrong.
import CLinux

/// An option of one program, beside the common ones.
package struct ProgramOption: Equatable, Sendable {
    /// Whether a value follows.
    package enum Value: Sendable {
        case none
        case required
        /// `--watch=2`, `-w2`; never the next word.
        case optional
    }

    /// `no-wait` for `--no-wait`; nil: a letter only.
    package var long: String?
    /// An ASCII letter; nil: a word only.
    package var letter: Character?
    /// Whether a value follows.
    package var value: Value

    /// An option, known in `ProgramArguments.options` by its word, or by its letter if it has no word.
    package init(_ long: String?, _ letter: Character? = nil, value: Value = .none) {
        precondition(long != nil || letter?.isASCII == true, "an option needs a word or a letter")
        self.long = long
        self.letter = letter
        self.value = value
    }

    /// What the option is known by.
    package var name: String { long ?? letter.map(String.init) ?? "" }
}

/// What is wrong with a command line, in one line.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// The line, without the program's name.
    package let description: String

    /// An error with this line.
    package init(_ description: String) { self.description = description }
}

/// The options that all programs have.
package struct CommonOptions: Equatable, Sendable {
    /// From `--config-dir`; nil: the standard one.
    package var configurationDirectory: String?
    /// From `--run-dir`; nil: the standard one.
    package var runDirectory: String?
    /// `--help`
    package var wantsHelp = false
    /// `--version`
    package var wantsVersion = false

    /// None given.
    package init() {}

    /// Where the options say that this node's files are.
    package var paths: Paths { Paths(configurationDirectory: configurationDirectory, runDirectory: runDirectory) }

    static let table = [
        ProgramOption("config-dir", value: .required), ProgramOption("run-dir", value: .required),
        ProgramOption("help", "h"), ProgramOption("version"),
    ]

    /// The lines of `--help` about these options.
    package static let help = """
              --config-dir DIR   folder of ha.cf, haresources and authkeys (/etc/ha.d)
              --run-dir DIR      folder of the control socket (/run/heartbeat)
          -h, --help             print this text
              --version          print the version

        """
}

/// A command line, taken apart.
package struct ProgramArguments: Equatable, Sendable {
    /// One option as it was given.
    package struct Given: Equatable, Sendable {
        /// `ProgramOption.name`
        package var name: String
        /// What came with it.
        package var value: String?

        /// An option as given.
        package init(name: String, value: String?) {
            self.name = name
            self.value = value
        }
    }

    /// The options that all programs have.
    package var common = CommonOptions()
    /// The program's own options, in their order.
    package var options: [Given] = []
    /// The words that are no options, in their order.
    package var operands: [String] = []

    /// Takes apart the words after the program's name. `common`: what stood before them. `stopsAtOperand`: everything
    /// from the first operand on is an operand, since it is for somebody else. Options of the program win over common
    /// ones with the same letter. The corresponding C function is `getopt_long`.
    package init(
        _ words: [String], options own: [ProgramOption] = [], common: CommonOptions = CommonOptions(),
        stopsAtOperand: Bool = false
    ) throws(UsageError) {
        self.common = common
        let scanner = OptionScanner(words, own + CommonOptions.table, stopsAtOperand: stopsAtOperand)
        while let (option, value) = try scanner.next() {
            switch option.name {
            case "config-dir": self.common.configurationDirectory = try ProgramArguments.folder(value, option)
            case "run-dir": self.common.runDirectory = try ProgramArguments.folder(value, option)
            case "help": self.common.wantsHelp = true
            case "version": self.common.wantsVersion = true
            default: options.append(Given(name: option.name, value: value))
            }
        }
        operands = scanner.operands
    }

    /// Without the slashes at the end, so that paths below it look well in messages.
    private static func folder(_ value: String?, _ option: ProgramOption) throws(UsageError) -> String {
        guard var folder = value, !folder.isEmpty else { throw UsageError("--\(option.name) needs a folder") }
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        return folder
    }

    /// Whether an option was given.
    package func has(_ name: String) -> Bool { options.contains { $0.name == name } }

    /// The value of an option where it was given last.
    package func value(_ name: String) -> String? { options.last { $0.name == name }?.value }

    /// The value of an option as a number of seconds, `0.5`; nil where it was not given.
    package func seconds(_ name: String) throws(UsageError) -> Duration? {
        guard let text = value(name) else { return nil }
        guard let seconds = Double(text), seconds.isFinite, seconds >= 0.001, seconds <= 1_000_000 else {
            throw UsageError("--\(name) takes a number of seconds, not '\(text)'")
        }
        return .milliseconds(Int64(seconds * 1000))
    }
}

/// getopt_long over words of its own. getopt keeps its place in globals: one scanner at a time.
private final class OptionScanner {
    private let options: [ProgramOption]
    private let argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int
    private let table: UnsafeMutablePointer<CLinux.option>
    private let entryCount: Int
    private let letters: String

    /// Values that getopt_long returns for words: above every letter.
    private static let firstWord: Int32 = 256

    init(_ words: [String], _ options: [ProgramOption], stopsAtOperand: Bool) {
        self.options = options
        count = words.count + 1
        argv = .allocate(capacity: count + 1)
        argv[0] = strdup("")
        for (index, word) in words.enumerated() { argv[index + 1] = strdup(word) }
        argv[count] = nil
        let entries = options.indices.compactMap { index in
            options[index].long.map { word in
                CLinux.option(
                    name: strdup(word), has_arg: OptionScanner.code(options[index].value), flag: nil,
                    val: OptionScanner.firstWord + Int32(index))
            }
        }
        // The entry of zeros ends the table.
        table = .allocate(capacity: entries.count + 1)
        table.initialize(repeating: CLinux.option(), count: entries.count + 1)
        for (index, entry) in entries.enumerated() { table[index] = entry }
        entryCount = entries.count
        // ':' first: a missing value is told from an unknown option. '+': stop at the first operand.
        letters =
            (stopsAtOperand ? "+:" : ":")
            + options.compactMap { own in
                own.letter.map { String($0) + String(repeating: ":", count: Int(OptionScanner.code(own.value))) }
            }.joined()
        cl_reset_getopt()
    }

    deinit {
        for index in 0..<count { free(argv[index]) }
        argv.deallocate()
        for index in 0..<entryCount { free(UnsafeMutablePointer(mutating: table[index].name)) }
        table.deallocate()
    }

    /// As `has_arg` of getopt_long, and as the number of colons behind a letter.
    private static func code(_ value: ProgramOption.Value) -> Int32 {
        switch value {
        case .none: 0
        case .required: 1
        case .optional: 2
        }
    }

    func next() throws(UsageError) -> (ProgramOption, String?)? {
        let code = getopt_long(Int32(count), argv, letters, table, nil)
        if code == -1 { return nil }
        if code == Int32(UInt8(ascii: "?")) || code == Int32(UInt8(ascii: ":")) { throw complaint(code) }
        guard let option = option(code) else { throw UsageError("unknown option") }
        return (option, cl_optarg().map { String(cString: $0) })
    }

    /// What is left after the options; getopt has moved it to the end.
    var operands: [String] {
        (Int(cl_optind())..<count).compactMap { index in argv[index].map { String(cString: $0) } }
    }

    private func option(_ code: Int32) -> ProgramOption? {
        if code >= OptionScanner.firstWord {
            let index = Int(code - OptionScanner.firstWord)
            return index < options.count ? options[index] : nil
        }
        return options.first { option in
            option.letter.flatMap(\.asciiValue).map(Int32.init) == code
        }
    }

    private func complaint(_ code: Int32) -> UsageError {
        let culprit = cl_optopt()
        if let option = option(culprit), culprit != 0 {
            let spelled = culprit >= OptionScanner.firstWord ? "--\(option.name)" : "-\(option.letter ?? "?")"
            return UsageError(
                code == Int32(UInt8(ascii: ":")) ? "\(spelled) needs a value" : "\(spelled) takes no value")
        }
        if culprit != 0, let scalar = Unicode.Scalar(UInt32(bitPattern: culprit)) {
            return UsageError("unknown option -\(scalar)")
        }
        let index = Int(cl_optind()) - 1
        let word = argv[max(0, min(index, count - 1))].map { String(cString: $0) } ?? ""
        return UsageError("unknown or ambiguous option \(word)")
    }
}
