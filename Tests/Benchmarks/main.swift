// hb_bench: what a failover costs here and with other systems, measured on real daemons, printed with its spread. The
// same program is the client, the observers and the load of the measurements.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

let arguments = Array(CommandLine.arguments.dropFirst())
let rest = Array(arguments.dropFirst())
do {
    switch arguments.first {
    case "client": exit(try ClientProgram.run(rest))
    case "observe": exit(try ObserverProgram.run(rest))
    case "spin": exit(try BusyLoops.spin())
    case "floor": exit(try TakeoverBenchmark.runFloor(rest))
    default: exit(Suite.main(arguments))
    }
} catch {
    print("hb_bench: \(error)")
    exit(1)
}
