// hb_fuzz: runs the fuzzer so many times, and says how fast, how much memory, and what became of the messages.
import CLinux
import ClusterModel
import Fuzzing
import LinuxSystem

/// The numbers behind the options; nil where a word is wrong.
func options(_ words: [String]) -> (executions: UInt64, seed: UInt64, from: UInt64)? {
    var result: (executions: UInt64, seed: UInt64, from: UInt64) = (1_000_000, 1, 0)
    var rest = words[...]
    while let word = rest.popFirst() {
        guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
        switch word {
        case "--executions": result.executions = value
        case "--seed": result.seed = value
        case "--from": result.from = value
        default: return nil
        }
    }
    return result
}

/// A line of /proc/self/status in kilobytes.
func memory(_ name: String) -> Int {
    let text = FileSystem.text(of: "/proc/self/status", limit: 1 << 16) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
}

func run() -> Int32 {
    guard let (executions, seed, from) = options(Array(CommandLine.arguments.dropFirst())) else {
        print("usage: hb_fuzz [--executions N] [--seed S] [--from EXECUTION]")
        return 2
    }
    // Executions between two looks at the clock and at memory; one that takes longer than this many seconds hangs.
    let batch: UInt64 = 10_000
    let hang: UInt32 = 120
    let growthMax = 16_384
    do {
        CrashReport.arm()
        var fuzzer = try Fuzzer(seed: seed)
        let begin = Clock.now()
        var settled = 0
        var done: UInt64 = 0
        print("seed \(seed), executions \(from) to \(from + executions)")
        fflush(cl_stdout())
        while done < executions {
            alarm(hang)
            let end = min(executions, done + batch)
            while done < end {
                CrashReport.execution = from + done
                try fuzzer.run(from + done)
                done += 1
            }
            // Buffers have grown by then.
            if done <= batch * 5 { settled = memory("VmRSS") }
            let grown = memory("VmRSS") - settled
            guard grown <= growthMax else {
                print("FAILED: memory grew by \(grown) kB before execution \(from + done)")
                return 1
            }
            if isatty(2) == 1 || done % 1_000_000 == 0 { fputs("\(from + done) executions\n", cl_stderr()) }
        }
        let seconds = Double((Clock.now() - begin).wholeNanoseconds) / 1e9
        let count = fuzzer.count
        print("\(executions) executions in \(Int(seconds)) s, \(Int(Double(executions) / seconds)) a second")
        print(
            "peak memory \(memory("VmHWM")) kB, growth \(memory("VmRSS") - settled) kB; decoded \(count.decoded), "
                + "rightly signed \(count.verified), delivered to the core \(count.delivered), framed \(count.framed)")
        return 0
    } catch {
        print("FAILED: seed \(seed), \(error)")
        return 1
    }
}

exit(run())
