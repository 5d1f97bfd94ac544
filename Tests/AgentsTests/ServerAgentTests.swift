// Agents of the package resource-agents with the servers that they manage, and agents that misbehave, by the script
// that runs them. Each test has a machine of its own, which ends with it: the servers are over those of the host.
import Agents
import ClusterModel
import LinuxSystem
import Rig
import Testing

@Suite("OCF agents with real servers", .enabled(if: AgentPackage.isThere, AgentPackage.isMissing))
struct ServerAgentTests {
    private static let servers = Checkout.serverPackages
    private static let areThere = FileSystem.kind(of: servers + "/usr/sbin/nginx") == .regular
    private static let areMissing: Comment = "nginx, Apache and PostgreSQL of Debian are not unpacked: make servers"

    /// Runs lines in a machine with the servers in /usr, a network of its own and empty /run, /var/log and /var/lib.
    /// `operations AGENT OPERATION...` runs operations of an agent, a script with its arguments, and prints each with
    /// its exit code and what the script prints on its standard output.
    private func play(_ stage: AgentStage, _ lines: String) throws -> [String] {
        for name in ["ocf", "apache"] { try stage.sh("ln -sf \(AgentStage.program) \(stage.path)/scripts/\(name)") }
        let over = "mount -t overlay overlay -o lowerdir=/usr:\(ServerAgentTests.servers)/usr /usr"
        let body = """
            \(ServerAgentTests.areThere ? over : "")
            for folder in /run /var/log /var/lib; do mount -t tmpfs tmpfs $folder; done
            mkdir -p /run/resource-agents /run/web /var/log/nginx /var/lib/nginx
            ip link set lo up
            ocf=\(stage.path)/scripts/ocf
            operations() {
                agent=$1; shift
                for operation; do
                    # Not in a pipe: who waits for its end does not reap the servers that end meanwhile.
                    $agent $operation >/run/said 2>>/run/errors
                    echo "$operation $? $(sed 's/INFO: [^ ]* //' /run/said)"
                done
            }
            \(lines)
            """
        try stage.write("body", body)
        let machine = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "env"]
        let outcome = try Command(machine + AgentPackage.environment + ["sh", "\(stage.path)/body"])
            .run(within: .seconds(120))
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test("nginx is started, seen to die, started again and stopped", .enabled(if: areThere, areMissing))
    func nginx() throws {
        let lines = try play(
            AgentStage(),
            """
            cat >/run/web/nginx.conf <<'CONFIGURATION'
            pid /run/web/pid;
            error_log /run/web/errors;
            events {}
            http {
                access_log off; client_body_temp_path /run/web/b; proxy_temp_path /run/web/p;
                fastcgi_temp_path /run/web/f; uwsgi_temp_path /run/web/u; scgi_temp_path /run/web/s;
                server { listen 127.0.0.1:8080; location / { return 200 "hello\\n"; } }
            }
            CONFIGURATION
            nginx="$ocf nginx configfile=/run/web/nginx.conf httpd=/usr/sbin/nginx"
            operations "$nginx" status start start status
            curl -s http://127.0.0.1:8080/
            kill $(cat /run/web/pid); while [ -e /run/web/pid ]; do sleep 0.05; done
            operations "$nginx" status start status
            curl -s http://127.0.0.1:8080/
            operations "$nginx" stop stop status
            echo nonsense >>/run/web/nginx.conf
            operations "$nginx" start
            """)
        #expect(lines.dropLast() == [
            "status 7 Resource is stopped", "start 0 Success", "start 0 Success", "status 0 Running OK", "hello",
            "status 7 Resource is stopped", "start 0 Success", "status 0 Running OK", "hello",
            "stop 0 Success", "stop 0 Success", "status 7 Resource is stopped",
        ])
        #expect(lines.last?.contains("ERROR: ") == true && lines.last?.hasPrefix("start 0") == false, "\(lines)")
    }

    @Test("Apache by its classic script serves its status page and stops", .enabled(if: areThere, areMissing))
    func apache() throws {
        let lines = try play(
            AgentStage(),
            """
            cat >/run/web/apache.conf <<'CONFIGURATION'
            ServerRoot /run/web
            ServerName web
            User nobody
            PidFile /run/web/pid
            Listen 127.0.0.1:8081
            ErrorLog /run/web/errors
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            LoadModule status_module /usr/lib/apache2/modules/mod_status.so
            <Location /server-status>
            SetHandler server-status
            </Location>
            CONFIGURATION
            apache="${ocf%/*}/apache /run/web/apache.conf statusurl=http://127.0.0.1:8081/server-status"
            operations "$apache" status start start status
            curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8081/server-status
            operations "$apache" stop stop status
            """)
        #expect(lines == [
            "status 7 Resource is stopped", "start 0 Success", "start 0 Success", "status 0 Running OK", "200",
            "stop 0 Success", "stop 0 Success", "status 7 Resource is stopped",
        ])
    }

    @Test("PostgreSQL is started, queried, killed, recovered and stopped", .enabled(if: areThere, areMissing))
    func postgres() throws {
        let lines = try play(
            AgentStage(),
            """
            if ! getent passwd postgres >/dev/null; then
                for file in passwd group; do cp /etc/$file /run/$file; done
                echo 'postgres:x:987:987::/run/pg:/bin/sh' >>/run/passwd; echo 'postgres:x:987:' >>/run/group
                for file in passwd group; do mount --bind /run/$file /etc/$file; done
            fi
            mkdir -p /run/pg /run/postgresql; chown postgres /run/pg /run/postgresql
            bin=$(echo /usr/lib/postgresql/*/bin | tr ' ' '\\n' | tail -n 1)
            su postgres -s /bin/sh -c "$bin/initdb -A trust -D /run/pg/data" >/run/pg/said 2>&1 || cat /run/pg/said
            pgsql="$ocf pgsql pgctl=$bin/pg_ctl psql=$bin/psql pgdata=/run/pg/data logfile=/run/pg/log"
            operations "$pgsql" status start start status
            su postgres -s /bin/sh -c "$bin/psql -qAtc 'create table t (n int); insert into t values (42)'" 2>&1
            kill -KILL $(head -n 1 /run/pg/data/postmaster.pid) $(pgrep -P $(head -n 1 /run/pg/data/postmaster.pid))
            while kill -0 $(head -n 1 /run/pg/data/postmaster.pid) 2>/dev/null; do sleep 0.05; done
            operations "$pgsql" status start status
            su postgres -s /bin/sh -c "$bin/psql -qAtc 'select n from t'" 2>&1
            operations "$pgsql" stop stop status
            """)
        #expect(lines == [
            "status 7 Resource is stopped", "start 0 Success", "start 0 Success", "status 0 Running OK",
            "status 7 Resource is stopped", "start 0 Success", "status 0 Running OK", "42",
            "stop 0 Success", "stop 0 Success", "status 7 Resource is stopped",
        ])
    }

    @Test("Filesystem of the package mounts an image, ends who holds it, and says what device is not there")
    func filesystem() throws {
        let lines = try play(
            AgentStage(),
            """
            # Not every machine that runs these tests can load modules, and ext4 is there.
            mkdir /run/bin; ln -s /bin/true /run/bin/modprobe; PATH=$PATH:/run/bin
            truncate -s 8M /run/image; mkfs.ext4 -q /run/image; mkdir /run/there
            filesystem="$ocf Filesystem device=/run/image directory=/run/there fstype=ext4 options=loop"
            operations "$filesystem" status start start status
            mountpoint -q /run/there && echo mounted
            ( cd /run/there; exec sleep 1000 ) &
            operations "$filesystem" stop stop status
            mountpoint -q /run/there || echo gone
            operations "$ocf Filesystem device=/dev/nothing directory=/run/there fstype=ext4" start
            """)
        #expect(lines.prefix(9) == [
            "status 7 Resource is stopped", "start 0 Success", "start 0 Success", "status 0 Running OK", "mounted",
            "stop 0 Success", "stop 0 Success", "status 7 Resource is stopped", "gone",
        ])
        #expect(lines.last?.contains("ERROR: ") == true && lines.last?.contains("/dev/nothing") == true, "\(lines)")
    }

    @Test("An agent that answers outside the table, is killed or babbles: what may run is not taken for stopped")
    func misbehaving() throws {
        let stage = try AgentStage()
        try stage.write(
            "ocf/resource.d/site/odd",
            """
            #!/bin/sh
            case $OCF_RESKEY_way in
                code) exit 42;;
                killed) kill -9 $$;;
                babble) head -c 5000000 /dev/zero | tr '\\0' x; echo "is running"
                    echo "ocf-exit-reason:too much" >&2; exit 1;;
                failed) echo "ocf-exit-reason:lost its role" >&2; exit 9;;
            esac
            """)
        func run(_ way: String, _ operation: String) throws -> (status: Int32, output: String) {
            try stage.script("ocf", "site:odd", "way=\(way)", operation, environment: ["OCF_ROOT=\(stage.path)/ocf"])
        }
        for way in ["code", "killed", "babble", "failed"] {
            let status = try run(way, "status")
            #expect(status.status == 4 && status.output.contains("may be running: "), "\(way): \(status)")
            #expect(try run(way, "start").status != 0)
            #expect(try run(way, "stop").status != 0)
        }
        #expect(try run("code", "start").output.contains("start: exit code 42 is none of OCF's"))
        #expect(try run("killed", "start").output.contains("start: ended by signal 9"))
        #expect(try run("babble", "status").output.contains("may be running: too much"))
        #expect(try run("failed", "status").output.contains("may be running: lost its role"))
    }
}
