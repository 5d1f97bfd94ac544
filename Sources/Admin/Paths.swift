// Where a node keeps its files: fixed places, or below the folders that --config-dir and --run-dir name, so that
// several nodes can run on one machine.

/// The files and folders of one node. Absolute unless the options were not.
package struct Paths: Equatable, Sendable {
    /// Holds ha.cf, haresources, authkeys and resource.d.
    package let configurationDirectory: String
    /// Holds sockets; emptied by a reboot.
    package let runDirectory: String
    /// What survives a reboot: the generation and the FIFO.
    package let stateDirectory: String
    /// The daemon's process id (specs/heartbeat.md 8.1).
    package let processFile: String

    /// The places that the options name; nil: the standard ones.
    package init(configurationDirectory: String? = nil, runDirectory: String? = nil) {
        self.configurationDirectory = configurationDirectory ?? "/etc/ha.d"
        if let runDirectory {
            self.runDirectory = runDirectory
            stateDirectory = runDirectory + "/state"
            processFile = runDirectory + "/heartbeat.pid"
        } else {
            self.runDirectory = "/run/heartbeat"
            stateDirectory = "/var/lib/heartbeat"
            processFile = "/run/heartbeat.pid"
        }
    }

    /// Where the control process takes the requests of the tools.
    package var controlSocket: String { runDirectory + "/heartbeat.sock" }
    /// Where programs of heartbeat's client library sign on (specs/heartbeat.md section 7).
    package var registerSocket: String { runDirectory + "/register" }
    /// Where the service monitor takes the requests of this machine's clients.
    package var monitorSocket: String { runDirectory + "/mon.sock" }
    /// Where scripts of heartbeat write messages to (specs/heartbeat.md 1.3).
    package var fifo: String { stateDirectory + "/fifo" }
}
