// A read or a write worker of one medium: gives up its rights, shows its duty, and moves bytes until the status process
// closes the channel or control ends. It decides nothing and understands no message.
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Media
import Privsep

/// The workers: each moves bytes between one medium and the status process.
package enum WorkerDuty {
    /// Runs until the status process closes the channel. `arguments`: the words after the program's name, as
    /// `MediumWorker.arguments`. Returns a `MediumWorkerExit`.
    package static func main(_ arguments: [String]) -> Int32 { run(arguments).rawValue }

    private static func run(_ arguments: [String]) -> MediumWorkerExit {
        Signals.ignore(SIGPIPE)
        let worker: MediumWorker
        do {
            worker = try MediumWorker(arguments: arguments)
        } catch {
            return refuse("\(error)")
        }
        guard worker.protocolVersion == Launch.protocolVersion else {
            return refuse("started by version \(worker.protocolVersion), is version \(Launch.protocolVersion)")
        }
        guard isOpen(MediumWorker.channelDescriptor), isOpen(MediumWorker.mediumDescriptor) else {
            return refuse("started without its descriptors; the heartbeat daemon starts it")
        }
        let log = WorkerLog(worker, logfile: logfile())
        do {
            return try enter(worker, log)
        } catch {
            log.write(.error, "worker-broken", "\(error)")
            return .broken
        }
    }

    /// The order matters: rights are used up before they are given up, and the kernel forgets the parent when they are.
    private static func enter(_ worker: MediumWorker, _ log: WorkerLog) throws(SystemError) -> MediumWorkerExit {
        if let priority = worker.realtimePriority {
            // The status process warns once for all processes of the node.
            for refused in Realtime.enter(priority: priority) { log.write(.debug, "no-realtime", "\(refused)") }
        }
        try Confinement.drop(to: worker.identity)
        try ParentWatch.dieWithParent(worker.parent)
        ProcessTitle.set(worker.processTitle)
        let channel = Channel(Descriptor(owning: MediumWorker.channelDescriptor))
        switch (worker.direction, worker.transport) {
        case (.read, .serial):
            return try SerialReader(channel: channel, log: log).run()
        case (.read, let transport):
            return try DatagramReader(transport, channel: channel, log: log).run()
        case (.write, .serial(let tty, let baud)):
            return try SerialWriter(tty: tty, baud: baud, channel: channel, log: log).run()
        case (.write, let transport):
            return try DatagramWriter(transport, channel: channel, log: log).run()
        }
    }

    private static func isOpen(_ raw: Int32) -> Bool { cl_fcntl(raw, F_GETFD, 0) != -1 }

    private static func logfile() -> Descriptor? {
        isOpen(MediumWorker.logDescriptor) ? Descriptor(owning: MediumWorker.logDescriptor) : nil
    }

    private static func refuse(_ reason: String) -> MediumWorkerExit {
        fputs("hb_medium: \(reason)\n", cl_stderr())
        return .badArguments
    }
}
