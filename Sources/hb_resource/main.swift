// The resource manager of a node, and its helper for filesystems:
//     hb_resource PROTOCOL-VERSION PARENT-PID [foreground]      descriptor 3: the channel from the control process
//     hb_resource agent filesystem start|stop|status DEVICE DIRECTORY [TYPE [OPTIONS]]
import CLinux
import LinuxSystem
import ResourceAgents

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.starts(with: ["agent", "filesystem"]) {
    exit(FilesystemCommand.run(Array(arguments.dropFirst(2))))
}
guard arguments.count >= 2, arguments[0] == String(ResourceProcess.protocolVersion), let parent = pid_t(arguments[1])
else {
    let text = Array("hb_resource is started by heartbeat, protocol version \(ResourceProcess.protocolVersion)\n".utf8)
    _ = write(2, text, text.count)
    exit(64)
}
exit(ResourceProcess.main(parent: parent, foreground: arguments.dropFirst(2).contains("foreground")))
