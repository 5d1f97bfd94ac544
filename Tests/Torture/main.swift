// hb_torture: real daemons in namespaces under random faults, audited after every iteration.
import CLinux

exit(Torture.main(Array(CommandLine.arguments.dropFirst())))
