// The environment that heartbeat 3.0.6 gives to resource scripts (specs/heartbeat.md 5.6).
import ClusterModel
import LinuxSystem

/// What scripts find in their environment (specs/heartbeat.md 5.6).
package enum ScriptEnvironment {
    /// `NAME=VALUE` entries, each name once. Parameters and `env` lines of ha.cf come as HA_NAME; what the daemon
    /// itself sets wins over parameters, an `env` line wins over both.
    package static func entries(_ configuration: Configuration, configurationDirectory: String) -> [String] {
        var settings: [Setting] = []
        func set(_ name: String, _ value: String?) {
            guard let value, isName(name), !value.utf8.contains(0) else { return }
            if let index = settings.firstIndex(where: { $0.name == name }) {
                settings[index].value = value
            } else {
                settings.append(Setting(name: name, value: value))
            }
        }
        for parameter in configuration.parameters { set("HA_\(parameter.name)", parameter.value) }
        set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        set("OCF_ROOT", InstalledFiles.ocfRoot)
        set("HA_CURHOST", configuration.localName)
        set("HA_DIR", configurationDirectory)
        set("HA_FUNCS", "\(configurationDirectory)/shellfuncs")
        set("HA_DATEFMT", "%Y/%m/%d_%T\t")
        set("HA_LOGD", "no")
        set("HA_LOGFACILITY", configuration.logging.facility)
        set("HA_LOGFILE", configuration.logging.logfile)
        set("HA_DEBUGLOG", configuration.logging.debugfile)
        if configuration.logging.debug > 0 { set("HA_debug", String(configuration.logging.debug)) }
        switch configuration.autoFailback {
        case .on, .off: set("HA_NICEFAILBACK", "yes")
        case .legacy: break
        }
        for setting in configuration.processes.environment { set("HA_\(setting.name)", setting.value) }
        return settings.map { "\($0.name)=\($0.value)" }
    }

    /// What an OCF agent finds besides: how much time it has, in milliseconds, and at which interval it is monitored; a
    /// status that is asked for once has the interval 0, which agents take for a probe (specs/agents.md 3).
    static func ofAgent(_ operation: ResourceOperation, _ timeout: Duration, _ monitor: MonitorPolicy?) -> [String] {
        let name = operation.asks ? ResourceOperation.monitor.rawValue : operation.rawValue
        let interval = monitor?.interval.wholeMilliseconds ?? 0
        return [
            "OCF_RESKEY_CRM_meta_timeout=\(timeout.wholeMilliseconds)", "OCF_RESKEY_CRM_meta_interval=\(interval)",
            "OCF_RESKEY_CRM_meta_name=\(name)",
        ]
    }

    private static func isName(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
