// The notifier from the control process's side: it runs where somebody is to be told of transitions, from the start of
// the daemon to its end.
import Admin
import CLinux
import ClusterModel
import Journal
import LinuxSystem
import Notifications
import Privsep
import Reactor

final class NotifierSupervisor {
    private unowned let control: ControlProcess
    private var helper: Helper?
    private var channel: Channel?
    private var restarts = RestartPolicy()
    private var retry: EventSource?
    private var isEnding = false

    /// Starts nothing yet: `configure` does, where ha.cf or the folder `notify.d` name somebody.
    init(_ control: ControlProcess) { self.control = control }

    var process: RunningProcess? { helper.map { RunningProcess(role: $0.role, pid: $0.pid) } }

    /// Hands over the files as they are now, to a notifier that is started for it where there is none.
    func configure(_ configuration: Configuration) {
        let folder = NotificationFolder.rules(configurationDirectory: control.paths.configurationDirectory)
        if channel == nil {
            // One that has died is started anew in its time.
            guard retry == nil, !(configuration.notifications + folder).isEmpty else { return }
            return start()
        }
        send()
    }

    private func start() {
        retry = nil
        do throws(SystemError) {
            let pair = try SocketPair()
            let identity = control.helpers.identity
            var spawn = control.helpers.spawn(
                "hb_notify",
                [String(Launch.protocolVersion), String(getpid()), String(identity.user), String(identity.group)]
                    + (control.isForeground ? ["foreground"] : []) + (control.logDescriptor == nil ? [] : ["log"]))
            spawn.descriptors[3] = pair.second.raw
            if let log = control.logDescriptor { spawn.descriptors[5] = log }
            helper = try Helper("notifier", spawn, loop: control.loop) { [unowned self] in ended($0) }
            channel = Channel(pair.first)
        } catch {
            return startLater("\(error)")
        }
        send()
        join()
    }

    private func send() {
        do throws(SystemError) {
            let bundle = try MemoryFile.write(control.bundle(keys: false).encoded())
            _ = try channel?.send(ControlToHelper.configure, descriptors: [bundle.raw])
        } catch {
            control.log.write(.error, "notifier", "\(error)")
        }
    }

    /// Joins the notifier to the status process that runs now.
    func join() {
        guard let channel else { return }
        do throws(SystemError) {
            let pair = try SocketPair()
            _ = try channel.send(ControlToHelper.statusProcess, descriptors: [pair.first.raw])
            control.tellStatus(.notifier, [pair.second.raw])
        } catch {
            control.log.write(.error, "notifier", "\(error)")
        }
    }

    private func ended(_ how: ChildStatus) {
        channel = nil
        helper = nil
        if isEnding { return }
        startLater("it ended (\(how)): starting it again, what it was told is kept")
    }

    private func startLater(_ reason: String) {
        control.log.write(.error, "notifier-died", "the notifier: \(reason)")
        do throws(SystemError) {
            retry = try control.loop.onTime(Clock.now() + restarts.died(at: Clock.now())) { [unowned self] in
                start()
                control.tellProcesses()
            }
        } catch {
            control.log.write(.error, "notifier", "\(error)")
        }
    }

    /// Has it tell what is left, and end; at once where the daemon is only restarted, for its successor goes on.
    func end(isHandingOver: Bool) {
        isEnding = true
        retry = nil
        if isHandingOver { return channel = nil }
        _ = try? channel?.send(ControlToHelper.finish)
    }
}
