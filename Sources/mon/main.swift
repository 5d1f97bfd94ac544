// The service monitor.
import CLinux
import MonitorService

exit(MonitorDuty.main(Array(CommandLine.arguments.dropFirst()), native: NativeWiring.make))
