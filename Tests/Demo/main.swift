// hb_demo: shows a real cluster failing over, on one machine. It is also the executable of the rig's own programs.
import CLinux
import LinuxSystem
import Rig

let arguments = Array(CommandLine.arguments.dropFirst())
exit(RigProgram.run(arguments) ?? Demonstration.main(arguments))
