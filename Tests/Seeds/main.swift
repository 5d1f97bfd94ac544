// hb_seeds FIRST COUNT [fences]: runs that many random clusters from that seed on, on all processors. A seed that
// breaks a promise is printed with what it broke; `hb_seeds SEED 1` tells its story. `fences`: the nodes have fencing
// devices.
import Glibc
import Simulation

let fences = CommandLine.arguments.last == "fences"
guard CommandLine.arguments.count == (fences ? 4 : 3), let first = UInt64(CommandLine.arguments[1]),
    let count = UInt64(CommandLine.arguments[2]), count > 0
else {
    print("usage: hb_seeds FIRST COUNT [fences]")
    exit(2)
}

let started = ContinuousClock.now
print("seeds \(first) to \(first + count - 1)")
let lanes = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
let failures = await withTaskGroup(of: Int.self) { group in
    for lane in 0..<lanes {
        group.addTask {
            var failures = 0
            for seed in stride(from: first + lane, to: first + count, by: Int(lanes)) {
                guard let text = RandomRun.violation(
                    seed: seed, fences: fences, lines: count == 1 ? .max : 0)
                else { continue }
                failures += 1
                print("seed \(seed): \(text.hasSuffix("\n") ? String(text.dropLast()) : text)")
                fflush(nil)
            }
            return failures
        }
    }
    var total = 0
    for await failures in group { total += failures }
    return total
}
let seconds = (ContinuousClock.now - started) / .seconds(1)
print("\(Int(Double(count) / seconds * 3600)) seeds an hour")
print("\(Int(count) - failures) passed, \(failures) failed")
exit(failures == 0 ? 0 : 1)
