// hb_seeds FIRST COUNT [FAILURES] [plain|fences|wide|strained|uneven]: runs that many random clusters of that kind from
// that seed on, on all processors, until that many have failed. A seed that breaks a promise is printed with what it
// broke; `hb_seeds SEED 1` tells its story. Every minute it says how far it is: all seeds before that one are done.
import Glibc
import Simulation
import Synchronization

let named = CommandLine.arguments.last.flatMap(RandomRun.Kind.init)
let kind = named ?? .plain
let arguments = CommandLine.arguments.dropFirst().dropLast(named == nil ? 0 : 1).map(UInt64.init)
guard (2...3).contains(arguments.count), let first = arguments[0], let count = arguments[1], count > 0,
    let failuresMax = arguments.count == 3 ? arguments[2] : .some(.max)
else {
    print("usage: hb_seeds FIRST COUNT [FAILURES] [plain|fences|wide|strained|uneven]")
    exit(2)
}

let started = ContinuousClock.now
print("\(kind.rawValue) seeds \(first) to \(first + count - 1)")
let failed = Atomic<UInt64>(0)
let passed = Atomic<UInt64>(0)
let lanes = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
/// The next seed of each lane.
let places = Mutex((0..<lanes).map { first + $0 })
await withTaskGroup { group in
    for lane in 0..<lanes {
        group.addTask {
            var told = started
            for seed in stride(from: first + lane, to: first + count, by: Int(lanes)) {
                if failed.load(ordering: .relaxed) >= failuresMax { return }
                let place = places.withLock { places in
                    places[Int(lane)] = seed
                    return places.min() ?? seed
                }
                if lane == 0, ContinuousClock.now - told > .seconds(60) {
                    told = .now
                    print("before seed \(place): \(failed.load(ordering: .relaxed)) failed")
                    fflush(nil)
                }
                guard let text = RandomRun.violation(seed: seed, kind: kind, lines: count == 1 ? .max : 0) else {
                    passed.add(1, ordering: .relaxed)
                    continue
                }
                failed.add(1, ordering: .relaxed)
                print("seed \(seed): \(text.hasSuffix("\n") ? String(text.dropLast()) : text)")
                fflush(nil)
            }
            places.withLock { $0[Int(lane)] = first + count }
        }
    }
}
let seconds = (ContinuousClock.now - started) / .seconds(1)
let (good, bad) = (passed.load(ordering: .relaxed), failed.load(ordering: .relaxed))
print("\(Int(Double(good + bad) / seconds * 3600)) seeds an hour")
print("\(good) passed, \(bad) failed")
exit(bad == 0 ? 0 : 1)
