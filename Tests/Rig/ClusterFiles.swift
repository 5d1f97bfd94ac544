// The three files of a cluster under test, and the scripts that its groups name.

/// What the configuration folder of a node is filled with.
package struct ClusterFiles {
    /// Lines of ha.cf behind those that the rig writes by itself: timing, media and nodes.
    package var directives: [String] = []
    package var keepalive = "100ms"
    package var deadtime = "500ms"
    package var initdead = "5s"
    package var autoFailback = "on"
    /// Interfaces that nodes broadcast on; nil: all that they have.
    package var interfaces: [String]?
    /// Lines of haresources.
    package var groups: [String] = []
    package var keys = "auth 1\n1 sha1 the-rig-has-a-secret\n"
    /// Scripts for resource.d by their names.
    package var scripts: [(name: String, text: String)] = []
    /// Programs of fencing devices: plugins and agents by their file's name, in stonith.d.
    package var devices: [(name: String, text: String)] = []
    /// Whether the router of the first bridge is a ping node.
    package var pingsRouter = false

    package init() {}

    /// ha.cf for a node with these interfaces and ttys.
    func haConfig(nodes: [String], interfaces: [String], ttys: [String]) -> String {
        var lines = [
            "keepalive \(keepalive)", "deadtime \(deadtime)", "initdead \(initdead)", "auto_failback \(autoFailback)",
        ]
        lines += (self.interfaces ?? interfaces).map { "bcast \($0)" }
        if !ttys.isEmpty { lines.append("baud 115200") }
        lines += ttys.map { "serial \($0)" }
        if pingsRouter { lines.append("ping \(NetworkPlan.router())") }
        lines.append("node \(nodes.joined(separator: " "))")
        return (lines + directives).joined(separator: "\n") + "\n"
    }
}

/// Scripts for resource.d.
package enum ResourceScript {
    /// A resource that is a file: `NAME::KEY`. Each start and stop is a line of the file KEY.log in the cluster's
    /// folder.
    package static func recorder(folder: String) -> String {
        """
        #!/bin/sh
        # KEY start|stop|status
        state=\(folder)/$HA_CURHOST/volatile/$1
        case $2 in
        start) : >"$state"; echo "$HA_CURHOST start" >>"\(folder)/$1.log" ;;
        stop) rm -f "$state"; echo "$HA_CURHOST stop" >>"\(folder)/$1.log" ;;
        status) if [ -e "$state" ]; then echo running; else echo stopped; exit 3; fi ;;
        esac

        """
    }

    /// Takes `SECONDS` to start: `NAME::SECONDS::KEY`. Each start that has begun, and each that has come to its end, is
    /// a line of the file KEY.log.
    package static func slow(folder: String) -> String {
        """
        #!/bin/sh
        # SECONDS KEY start|stop|status
        state=\(folder)/$HA_CURHOST/volatile/$2
        case $3 in
        start)
            echo "$HA_CURHOST begin" >>"\(folder)/$2.log"
            sleep "$1"
            : >"$state"
            echo "$HA_CURHOST start" >>"\(folder)/$2.log" ;;
        stop) rm -f "$state"; echo "$HA_CURHOST stop" >>"\(folder)/$2.log" ;;
        status) if [ -e "$state" ]; then echo running; else echo stopped; exit 3; fi ;;
        esac

        """
    }

    /// Works on every node but one: `NAME::NODE::KEY`. On that one its start fails, or never ends with `hang`.
    package static func broken(folder: String, hangs: Bool = false) -> String {
        """
        #!/bin/sh
        # NODE KEY start|stop|status
        state=\(folder)/$HA_CURHOST/volatile/$2
        case $3 in
        start)
            echo "$HA_CURHOST begin" >>"\(folder)/$2.log"
            if [ "$1" = "$HA_CURHOST" ]; then \(hangs ? "sleep 1000" : "echo no such thing >&2; exit 1"); fi
            : >"$state"
            echo "$HA_CURHOST start" >>"\(folder)/$2.log" ;;
        stop) rm -f "$state"; echo "$HA_CURHOST stop" >>"\(folder)/$2.log" ;;
        status) if [ -e "$state" ]; then echo running; else echo stopped; exit 3; fi ;;
        esac

        """
    }

    /// Starts nowhere: `NAME::KEY`. Each try is a line of the file KEY.log.
    package static func hopeless(folder: String) -> String {
        """
        #!/bin/sh
        # KEY start|stop|status
        case $2 in
        start) echo "$HA_CURHOST begin" >>"\(folder)/$1.log"; exit 1 ;;
        stop) ;;
        status) echo stopped; exit 3 ;;
        esac

        """
    }

    /// Cannot be stopped on one node: `NAME::NODE::KEY`. Each attempt is a line of the file KEY.log.
    package static func unstoppable(folder: String) -> String {
        """
        #!/bin/sh
        # NODE KEY start|stop|status
        state=\(folder)/$HA_CURHOST/volatile/$2
        case $3 in
        start) : >"$state"; echo "$HA_CURHOST start" >>"\(folder)/$2.log" ;;
        stop)
            echo "$HA_CURHOST stop" >>"\(folder)/$2.log"
            if [ "$1" = "$HA_CURHOST" ]; then exit 1; fi
            rm -f "$state" ;;
        status) if [ -e "$state" ]; then echo running; else echo stopped; exit 3; fi ;;
        esac

        """
    }

    /// The web service of the rig: `NAME::FOLDER`. It listens when start ends.
    package static func web(program: String, folder: String) -> String {
        """
        #!/bin/sh
        # FOLDER start|stop|status: a small web server on port 80
        pidfile=\(folder)/$HA_CURHOST/volatile/web.pid
        runs() { [ -s "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; }
        case $2 in
        start)
            runs && exit 0
            rm -f "$pidfile"
            setsid \(program) web "$1" 80 "$pidfile" </dev/null >/dev/null 2>&1 &
            for try in $(seq 500); do runs && exit 0; sleep 0.01; done
            exit 1 ;;
        stop)
            runs || exit 0
            kill "$(cat "$pidfile")"
            for try in $(seq 500); do runs || break; sleep 0.01; done
            rm -f "$pidfile" ;;
        status) if runs; then echo running; else echo stopped; exit 3; fi ;;
        esac

        """
    }
}
