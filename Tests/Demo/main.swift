// hb_demo: shows a real cluster failing over, on one machine. It is also the executable of the rig's own programs.
import CLinux
import LinuxSystem
import Rig

if let code = RigProgram.run(Array(CommandLine.arguments.dropFirst())) { exit(code) }
exit(Demonstration.main())
