// The tools of an operator in one program. Which of them runs is decided by the name that it is called by: hb_standby,
// hb_takeover, cl_status and send_arp are links to `hb`, and the same tools are verbs of `hb`.
import CLinux

exit(Tool.main(CommandLine.arguments))
