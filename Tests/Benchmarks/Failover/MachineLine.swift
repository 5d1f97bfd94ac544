// What the figures were measured on, in one sentence, from what the kernel says.
import CLinux
import LinuxSystem

enum MachineLine {
    /// Processors, kernel, memory, distribution, and how busy the machine was at the start.
    static var text: String {
        let processors = FileSystem.text(of: "/proc/cpuinfo", limit: 1 << 20) ?? ""
        let model = value("model name", ":", in: processors) ?? "processor"
        let system = FileSystem.text(of: "/etc/os-release", limit: 8192) ?? ""
        let name = value("PRETTY_NAME", "=", in: system)?.filter { $0 != "\"" } ?? "Linux"
        let memory = value("MemTotal", ":", in: FileSystem.text(of: "/proc/meminfo", limit: 8192) ?? "")
        let megabytes = (memory?.split(separator: " ").first).flatMap { Int($0) }.map { $0 / 1024 } ?? 0
        let virtual = processors.contains(" hypervisor") ? ", virtual" : ""
        let load = FileSystem.text(of: "/proc/loadavg", limit: 64)?.split(separator: " ").first ?? "?"
        return "\(processorCount) x \(model)\(virtual), \(megabytes) MB, \(name), kernel \(kernel), load \(load)"
    }

    static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    private static var kernel: String {
        FileSystem.text(of: "/proc/sys/kernel/osrelease", limit: 256)?.filter { !$0.isNewline } ?? ""
    }

    private static func value(_ key: String, _ separator: Character, in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
            let place = line.firstIndex(of: separator)
        else { return nil }
        return String(line[line.index(after: place)...].drop { $0 == " " || $0 == "\t" })
    }
}
