import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("A service monitor that moves the group of a dead service")
    struct ServiceMonitorTests {
        private static let nginx = Checkout.serverPackages + "/usr/sbin/nginx"
        private static let programs: String = {
            let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
            return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }()
        /// What the configuration of the monitor says, and the most that a busy machine may add to it.
        private static let interval = Duration.seconds(1)
        private static let timeout = Duration.seconds(1)
        private static let slack = Duration.seconds(20)

        /// nginx on port 80, one process, which answers 500 while a file `sick-NODE` is in the cluster's folder. With a
        /// file `leave` a stop leaves it as it is: who waits for it is not told that it has gone.
        private func webServer(_ folder: String) -> String {
            """
            #!/bin/sh
            # start|stop|status
            dir=\(folder)/$HA_CURHOST/volatile
            pid=$dir/nginx.pid
            runs() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
            case $1 in
            start)
                runs && exit 0
                for old in $(cat "$dir/left" 2>/dev/null); do kill -9 "$old"; done
                cat >"$dir/nginx.conf" <<END
            user root; daemon off; master_process off; error_log $dir/nginx.log; pid $pid;
            events { worker_connections 64; }
            http {
                access_log off;
                client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
                uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
                server {
                    listen 80;
                    location / { if (-f \(folder)/sick-$HA_CURHOST) { return 500; } return 200 "page of $HA_CURHOST"; }
                }
            }
            END
                rm -f "$pid"
                setsid \(ServiceMonitorTests.nginx) -c "$dir/nginx.conf" -p "$dir" </dev/null >/dev/null 2>&1 &
                for try in $(seq 500); do runs && break; sleep 0.01; done
                echo "$HA_CURHOST start" >>"\(folder)/web.log"
                runs ;;
            stop)
                runs && if [ -e "\(folder)/leave" ]; then cat "$pid" >>"$dir/left"; else kill -9 "$(cat "$pid")"; fi
                rm -f "$pid"
                echo "$HA_CURHOST stop" >>"\(folder)/web.log" ;;
            status) if runs; then echo running; else echo stopped; exit 3; fi ;;
            esac

            """
        }

        /// The service monitor, as a resource.
        private func serviceMonitor(_ folder: String, state: String) -> String {
            """
            #!/bin/sh
            # start|stop|status
            dir=\(folder)/$HA_CURHOST
            pid=$dir/volatile/mon.pid
            runs() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
            case $1 in
            start)
                runs && exit 0
                setsid \(ServiceMonitorTests.programs)/mon -c \(folder)/mon-$HA_CURHOST.cf \\
                    -A \(folder)/auth.cf -P "$pid" -D "\(state)" -l all -L "$dir/volatile" --run-dir "$dir/run" \\
                    </dev/null >>"$dir/mon.log" 2>&1 &
                for try in $(seq 500); do runs && exit 0; sleep 0.01; done
                exit 1 ;;
            stop)
                runs && kill "$(cat "$pid")"
                for try in $(seq 500); do runs || exit 0; sleep 0.01; done
                exit 1 ;;
            status) if runs; then echo running; else echo stopped; exit 3; fi ;;
            esac

            """
        }

        /// `times`: of the check of each node. `follows`: the service monitor is the last resource of the group, and
        /// where the group is, it is with all that it knows; else it runs on every node. `services`: more of them.
        private func play(
            alert: String, times: [Duration] = [timeout, timeout], follows: Bool = true, services: String = "",
            _ scenario: (Stage) throws -> Void
        ) throws {
            try Stage.play { plan in
                plan.files.autoFailback = "off"
                plan.files.groups[0] = "alpha \(Stage.groupA) webserver" + (follows ? " servicemonitor" : "")
            } _: { stage in
                let folder = stage.cluster.folder
                for node in stage.cluster.nodes {
                    let scripts = node.configurationFolder + "/resource.d/"
                    try Folder.write(webServer(folder), to: scripts + "webserver", mode: 0o755)
                    // A folder of all nodes stands for a filesystem of the group.
                    let state = folder + (follows ? "/state" : "/\(node.name)/volatile")
                    try Folder.make(state)
                    try Folder.write(
                        serviceMonitor(folder, state: state), to: scripts + "servicemonitor", mode: 0o755)
                }
                for (node, time) in zip(stage.cluster.nodes, times) {
                    let configuration = """
                        hostgroup web \(Stage.addressA)

                        watch web
                            service http
                                interval \(ServiceMonitorTests.interval.wholeMilliseconds / 1000)s
                                monitor http.monitor -m page -t \(time.wholeMilliseconds / 1000)
                                period wd {Sun-Sat}
                                    alertevery 60s
                                    alert \(alert)

                        """
                    let more = services.replacing("FOLDER", with: folder)
                    try Folder.write(configuration + more, to: "\(folder)/mon-\(node.name).cf")
                }
                try Folder.write("command section\nlist: all\nack: all\nservertime: all\n", to: folder + "/auth.cf")
                try stage.start()
                if !follows { for node in stage.cluster.nodes { try serviceMonitor(node, "start") } }
                defer {
                    if !follows { for node in stage.cluster.nodes { try? serviceMonitor(node, "stop") } }
                }
                try scenario(stage)
            }
        }

        private func serviceMonitor(_ node: Node, _ operation: String) throws {
            let script = "\(node.configurationFolder)/resource.d/servicemonitor"
            let outcome = try node.command(["env", "HA_CURHOST=\(node.name)", script, operation]).run()
            if !outcome.succeeded { throw RigError("mon on \(node.name), \(operation): \(outcome.output)") }
        }

        /// The page that a client sees, or nothing.
        private func page(_ stage: Stage, from node: Node) -> String {
            let words = [
                "python3", "-c",
                "import urllib.request as r; print(r.urlopen('http://\(Stage.addressA)/', timeout=1).read().decode())",
            ]
            guard let outcome = try? node.command(words).run(), outcome.status == .exited(0) else { return "" }
            return outcome.output
        }

        private func pid(_ node: Node) throws -> pid_t {
            try #require(pid_t(Folder.read(node.volatileFolder + "/nginx.pid").prefix { $0.isNumber }))
        }

        @Test(
            "nginx killed, hung and answering 500: each time the group moves, and the log and hb status tell why",
            .enabled(if: FileSystem.kind(of: nginx) == .regular, "nginx is not unpacked: make servers"))
        func moves() throws {
            try play(alert: "cluster standby \(Stage.groupA)") { stage in
                let folder = stage.cluster.folder
                let faults: [(name: String, from: Node, to: Node, harm: (Node) throws -> Void)] = [
                    ("killed", stage.alpha, stage.beta, {
                        _ = try $0.command(["sh", "-c", "kill -9 \(pid($0))"]).run()
                    }),
                    ("hung", stage.beta, stage.alpha, {
                        _ = try $0.command(["sh", "-c", "kill -STOP \(pid($0))"]).run()
                    }),
                    ("sick", stage.alpha, stage.beta, { try Folder.write("", to: "\(folder)/sick-\($0.name)") }),
                ]
                for fault in faults {
                    try stage.waiting.until("a page of \(fault.from.name)") {
                        page(stage, from: fault.to).contains("page of \(fault.from.name)")
                    }
                    let start = Clock.now()
                    try fault.harm(fault.from)
                    try stage.cluster.awaitOwner(
                        fault.to.name, of: Stage.groupA, within: ServiceMonitorTests.interval
                            + ServiceMonitorTests.timeout + ServiceMonitorTests.slack)
                    let outage = Clock.now() - start
                    #expect(page(stage, from: fault.from).contains("page of \(fault.to.name)"), "\(fault.name)")
                    print("service monitor: nginx \(fault.name): moved after \(outage.wholeMilliseconds) ms")
                    let reason = "standby \(Stage.groupA): web/http: \(Stage.addressA) (mon)"
                    #expect(fault.from.log.contains(reason), "\(fault.name): \(fault.from.log)")
                    let status = try fault.from.run("hb", ["status"])
                    #expect(status.output.contains(reason), "\(fault.name): \(status.output)")
                    #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == [fault.to.name])
                }
            }
        }

        @Test(
            "a service monitor that follows its group takes with it what it knows, and gives no alert twice",
            .enabled(if: FileSystem.kind(of: nginx) == .regular, "nginx is not unpacked: make servers"))
        func follows() throws {
            let services = """
                    service ill
                        interval 1s
                        monitor process.monitor no-such-program
                        period
                            alertevery 1h
                            alert file.alert -d FOLDER alerts

                """
            try play(alert: "cluster standby \(Stage.groupA)", services: services) { stage in
                /// Asks whichever node has the address, from the other one.
                func ask(_ node: Node, _ words: String...) throws -> String {
                    try node.command(["\(ServiceMonitorTests.programs)/hb", "moncmd", "-s", Stage.addressA] + words)
                        .run().output
                }
                let alerts = stage.cluster.folder + "/alerts"
                func count() -> Int { Folder.read(alerts).split(separator: "\n").count { $0.hasPrefix("failure ") } }
                try stage.waiting.until("an alert", within: ServiceMonitorTests.slack) { count() == 1 }
                #expect(try ask(stage.beta, "ack", "web", "ill", "seen").contains("220 ack completed"))
                let first = try ask(stage.beta, "list", "opstatus", "web,ill").split(separator: " ")
                let since = try #require(first.first { $0.hasPrefix("first_failure=") })
                let standby = try stage.alpha.run("hb_standby", ["all"])
                #expect(standby.succeeded, "\(standby.output)")
                var line = ""
                try stage.waiting.until("mon on beta", within: ServiceMonitorTests.slack) {
                    line = try ask(stage.alpha, "list", "opstatus", "web,ill")
                    return line.contains("monitor_duration=0") || line.contains("monitor_duration=1")
                }
                #expect(line.contains(" opstatus=0 ") && line.contains("seen") && line.contains(since), "\(line)")
                try stage.waiting.pass(.seconds(3))
                #expect(count() == 1, "\(Folder.read(alerts))")
            }
        }

        @Test(
            "two that watch one address: each outage moves the group once, though one of them sees it too late",
            .enabled(if: FileSystem.kind(of: nginx) == .regular, "nginx is not unpacked: make servers"))
        func watchedTwice() throws {
            // What beta's check has begun to wait for on alpha ends as a failure when beta has the address already.
            let times = [Duration.seconds(1), .seconds(5)]
            try play(alert: "cluster standby \(Stage.groupA)", times: times, follows: false) { stage in
                let web = stage.cluster.folder + "/web.log"
                try Folder.write("", to: stage.cluster.folder + "/leave")
                let moves: [(from: Node, to: Node, signal: String)] = [
                    (stage.alpha, stage.beta, "STOP"), (stage.beta, stage.alpha, "KILL"),
                    (stage.alpha, stage.beta, "KILL"),
                ]
                for (index, move) in moves.enumerated() {
                    try stage.waiting.until("a page of \(move.from.name)") {
                        page(stage, from: move.to).contains("page of \(move.from.name)")
                    }
                    _ = try move.from.command(["sh", "-c", "kill -\(move.signal) \(pid(move.from))"]).run()
                    try stage.cluster.awaitOwner(
                        move.to.name, of: Stage.groupA,
                        within: ServiceMonitorTests.interval + times[1] + ServiceMonitorTests.slack)
                    // All checks that saw the outage have ended, and their alerts with them.
                    let mover = try stage.waiting.watch(times[1] + .seconds(3)) { () -> String? in
                        let holders = stage.cluster.holders(of: Stage.addressA).map(\.name)
                        return holders == [move.to.name] ? nil : "\(holders)"
                    }
                    #expect(mover == nil, "after outage \(index + 1)")
                    let starts = Folder.read(web).split(separator: "\n").filter { $0.hasSuffix(" start") }
                    #expect(starts == (["alpha"] + moves[...index].map(\.to.name)).map { "\($0) start" })
                }
                let logs = stage.cluster.nodes.map(\.log).joined()
                let late = logs.split(separator: "\n").count { $0.contains("was started here after that was seen") }
                #expect(late > 0, "nobody saw the outage too late: \(logs)")
                // The logs of mon tell the same: its order is done, and nothing was.
                let folder = stage.cluster.folder
                let told = stage.cluster.nodes.map { Folder.read("\(folder)/\($0.name)/mon.log") }.joined()
                let obsolete = told.split(separator: "\n").count {
                    $0.contains(": done, ") && $0.contains("was started here after that was seen")
                }
                #expect(obsolete == late, "\(told)")
            }
        }

        @Test(
            "a resource that is reported as failed is restarted in place, and its failure is counted",
            .enabled(if: FileSystem.kind(of: nginx) == .regular, "nginx is not unpacked: make servers"))
        func restarts() throws {
            try play(alert: "cluster fail webserver") { stage in
                try stage.waiting.until("a page") { page(stage, from: stage.beta).contains("page of alpha") }
                _ = try stage.alpha.command(["sh", "-c", "kill -STOP \(pid(stage.alpha))"]).run()
                try stage.waiting.until("nginx to be started again", within: ServiceMonitorTests.slack) {
                    Folder.read(stage.cluster.folder + "/web.log").hasSuffix("alpha start\nalpha stop\nalpha start\n")
                }
                try stage.waiting.until("a page") { page(stage, from: stage.beta).contains("page of alpha") }
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                let status = try stage.alpha.run("hb", ["status"])
                #expect(status.output.contains("mon: web/http: \(Stage.addressA)"), "\(status.output)")
                let refused = try stage.beta.run("hb", ["fail", "webserver"])
                #expect(refused.status == .exited(1), "\(refused.output)")
                #expect(refused.output.contains("is not held here"), "\(refused.output)")
            }
        }
    }
}
