// One program for all processes of a node, so that they share their pages: which duty it has is its first word, as the
// control process gives it.
import CLinux
import ClientService
import Control
import Notifications
import ResourceAgents
import Resources
import Status
import Workers

let words = CommandLine.arguments
let arguments = Array(words.dropFirst())
switch words.first {
case "hb_status": exit(StatusDuty.main(arguments))
case "hb_client": exit(ClientServiceDuty.main(arguments))
case "hb_respawn": exit(RespawnDuty.main(arguments))
case "hb_medium": exit(WorkerDuty.main(arguments))
case "hb_notify": exit(NotifierDuty.main(arguments))
case "hb_resource": exit(FilesystemCommand.runIfCalled(words) ?? ResourceDuty.main(arguments))
default: exit(ControlDuty.main(arguments))
}
