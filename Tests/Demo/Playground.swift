// The shell of --keep: the cluster stays up, with a command for each machine to type commands on it.
import CLinux
import LinuxSystem
import Rig

struct Playground {
    private let cluster: Cluster

    init(_ cluster: Cluster) { self.cluster = cluster }

    /// Returns when the shell has ended.
    func open() throws {
        let file = cluster.folder + "/shell"
        try Folder.write(try commands, to: file)
        print(
            """

            The cluster stays up while this shell runs. Type a machine's name and then a command for it:
                alpha hb status            the cluster as alpha sees it; also hb status --watch, --json
                beta hb_standby all        also hb_takeover, cl_status, heartbeat -s, ip address, ps ax
                client ping \(Demonstration.address)
                cut alpha    plug alpha    pulls alpha's network cable out, plugs it in
                log alpha                  what heartbeat on alpha logs
            exit ends the cluster.

            """)
        let hasBash = access("/bin/bash", X_OK) == 0
        var spawn = Spawn(
            program: hasBash ? "/bin/bash" : "/bin/sh",
            arguments: hasBash ? ["bash", "--rcfile", file, "-i"] : ["sh", "-i"])
        spawn.environment = Spawn.inherited(["TERM", "HOME", "LANG", "PATH"]) + ["ENV=\(file)"]
        spawn.descriptors = [0: 0, 1: 1, 2: 2]
        spawn.workingDirectory = cluster.folder
        let pid = try spawn.start()
        // Ctrl-C is for the shell.
        while try Children.poll(pid) == nil {
            do {
                try Demonstration.pause()
            } catch let interruption as Interrupted where interruption.signal == SIGINT {
                continue
            }
        }
    }

    /// A shell function for each machine.
    private var commands: String {
        get throws {
            var text = "PS1='cluster# '\n"
            for node in cluster.nodes {
                text += """
                    \(node.name)() {
                        case $1 in
                        heartbeat | hb) set -- "$@" \(node.folderOptions("heartbeat").joined(separator: " ")) ;;
                        hb_standby | hb_takeover | cl_status)
                            set -- "$@" \(node.folderOptions("hb").joined(separator: " ")) ;;
                        esac
                        \(try node.words.joined(separator: " ")) env PATH="\(cluster.folder)/bin:$PATH" "$@"
                    }

                    """
            }
            text += "client() { \(cluster.clientWords.joined(separator: " ")) \"$@\"; }\n"
            text += "log() { tail -n 40 \"\(cluster.folder)/$1/log\"; }\n"
            for (word, state) in [("cut", "down"), ("plug", "up")] {
                let ports = cluster.nodes.map { "\($0.name)) port=\(Switch.port($0.index, 0)) ;;" }
                let prefix = cluster.switchWords.joined(separator: " ")
                text += "\(word)() { case $1 in \(ports.joined(separator: " ")) esac; "
                text += "\(prefix) ip link set $port \(state); }\n"
            }
            return text
        }
    }
}
