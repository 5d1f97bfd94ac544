// The words that may begin a line of ha.cf (specs/heartbeat.md 6.1), and what is known of each without its values.

/// A directive of ha.cf.
package enum HADirective: String, CaseIterable, Sendable {
    // Membership and time.
    case node, witness, keepalive, deadtime, warntime, initdead, deadping, lease, quorum
    // Media.
    case udpport, baud, bcast, udp, mcast, ucast, mcast6, ucast6, serial, ping, ping6, hopfudge
    case pingGroup = "ping_group"
    // Resources.
    case autoFailback = "auto_failback"
    case stopRetries = "stop_retries"
    case stopFailure = "stop_failure"
    case operationTimeout = "operation_timeout"
    case addressProbe = "address_probe"
    case monitor
    case stonith
    case stonithHost = "stonith_host"
    case watchdog, env, notify, announce, connections
    // Messages.
    case msgfmt, hbgenmethod, uuidfrom, cluster
    case maxRexmitDelay = "max_rexmit_delay"
    // Logs.
    case logfacility, logfile, debugfile, debug, syslogmsgfmt
    case logBadpack = "log_badpack"
    // Processes and clients.
    case realtime, rtprio, coredumps, apiauth, respawn, failfast
    // Refused, unless they say what is the case anyway.
    case autojoin, crm, pacemaker, hbaping, rds, tipc
    // Accepted without effect.
    case niceFailback = "nice_failback"
    case useLogd = "use_logd"
    case connLogdTime = "conn_logd_time"
    case memreserve, coreroot, compression
    case compressionThreshold = "compression_threshold"
    case traditionalCompression = "traditional_compression"
    case quorumServer = "quorum_server"
    case useApphbd = "use_apphbd"
    case crmDaemonDir = "crm_daemon_dir"
    case crmdSpawnsPengine = "crmd_spawns_pengine"
    case recordConfigChanges = "record_config_changes"
    case recordPengineInputs = "record_pengine_inputs"
    case enableConfigWrites = "enable_config_writes"
    case normalpoll

    /// Whether its values are the words of the rest of the line, separated by blanks alone. Those of the others are
    /// separated by commas too, and each stands for itself.
    package var takesLine: Bool {
        switch self {
        case .ucast, .ucast6, .mcast, .mcast6, .pingGroup, .stonith, .stonithHost, .apiauth, .respawn, .failfast,
            .operationTimeout, .monitor, .notify, .announce:
            true
        default: false
        }
    }

    /// Whether it may be given more than once without the later one replacing the earlier.
    package var accumulates: Bool {
        switch self {
        case .node, .witness, .bcast, .udp, .serial, .ping, .ping6, .env, .udpport, .baud, .watchdog, .crm,
            .pacemaker:
            true
        default: takesLine
        }
    }

    /// Why a directive of heartbeat 3.0.6 has no effect here; nil for one that has.
    package var reasonForNoEffect: String? {
        switch self {
        case .niceFailback: "auto_failback has replaced it"
        case .useLogd, .connLogdTime: "there is no logging daemon, messages go to the journal"
        case .memreserve: "memory is locked, not reserved"
        case .coreroot: "core dumps go where the system's core pattern says"
        case .compression, .compressionThreshold, .traditionalCompression:
            "only a message that is too long otherwise is sent compressed, by zlib"
        case .quorumServer: "votes come from the nodes and from ping nodes, see quorum"
        case .useApphbd: "the daemon's watchdog is systemd's, and the watchdog directive"
        case .crmDaemonDir, .crmdSpawnsPengine, .recordConfigChanges, .recordPengineInputs, .enableConfigWrites:
            "it is for a cluster resource manager, which is not part of this heartbeat"
        case .normalpoll: "nothing is polled"
        default: nil
        }
    }}
