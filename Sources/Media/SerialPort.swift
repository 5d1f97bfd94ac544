// `serial`: a null-modem cable between two nodes.
import ClusterModel
import LinuxSystem

struct SerialPort {
    var medium: Medium
    var tty: String
    var baud: Int

    func open(_ signature: MediumSignature) throws(MediumError) -> OpenMedium {
        try opening(medium) { () throws(SystemError) in
            let line = try SerialLine.open(tty, baud: baud)
            return OpenMedium(
                receiver: try line.duplicate(), sender: line, transport: .serial(tty: tty, baud: baud),
                signature: signature)
        }
    }
}
