// hb_bench: what a failover costs here, measured on real daemons, printed with its spread.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

let arguments = Array(CommandLine.arguments.dropFirst())
exit(Benchmark.main(arguments))
