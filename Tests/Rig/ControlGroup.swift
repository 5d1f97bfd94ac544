// A control group of the host that holds the processes of one node: frozen, or with next to no processor time.
import CLinux
import LinuxSystem

/// What a control group does to the processes in it.
package enum ControlGroupKind: String, Sendable, CaseIterable {
    /// None of them runs.
    case frozen
    /// All of them together run for 1 ms in each second, which they share with processes that take all they get.
    case starved

    /// Where the host has the controller; nil where it has none.
    fileprivate var hierarchy: String? {
        switch self {
        case .frozen: SystemdBoot.controlGroups
        case .starved: access("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", W_OK) == 0 ? "/sys/fs/cgroup/cpu" : nil
        }
    }

    /// Whether it can be tried here.
    package var isPossible: Bool { hierarchy != nil }
}

/// Processes in a control group, until `release`.
package struct ControlGroup {
    private let kind: ControlGroupKind
    private let hierarchy: String
    private let folder: String
    private var hogs: [pid_t] = []

    /// Takes processes in and does to them what the kind says. Real-time processes cannot be starved.
    package init(_ kind: ControlGroupKind, name: String, pids: [Int32]) throws {
        guard let hierarchy = kind.hierarchy else {
            throw SystemError(code: ENODEV, operation: "use control group \(kind.rawValue)")
        }
        self.kind = kind
        self.hierarchy = hierarchy
        folder = "\(hierarchy)/\(name)-\(getpid())"
        try Folder.make(folder)
        do {
            if kind == .starved {
                try set("cpu.cfs_period_us", "1000000")
                try set("cpu.cfs_quota_us", "1000")
                // Whoever ends the test from outside leaves them 5 s.
                let hog = Command(["sh", "-c", "ulimit -t 5; while :; do :; done"])
                for _ in 0..<4 { hogs.append(try hog.start()) }
            }
            for pid in pids + hogs { try set("cgroup.procs", "\(pid)") }
            if kind == .frozen { try set("cgroup.freeze", "1") }
        } catch {
            release()
            throw error
        }
    }

    private func set(_ file: String, _ value: String) throws { try Folder.write(value, to: "\(folder)/\(file)") }

    /// Lets the processes go on; more than once is no error.
    package mutating func release() {
        // What gets no time cannot end either.
        if kind == .starved { try? set("cpu.cfs_quota_us", "-1") }
        for hog in hogs {
            try? Children.signal(hog, SIGKILL)
            _ = try? Children.wait(hog)
        }
        hogs = []
        guard access(folder, F_OK) == 0 else { return }
        if kind == .frozen { try? set("cgroup.freeze", "0") }
        for pid in Folder.read("\(folder)/cgroup.procs").split(separator: "\n") {
            try? Folder.write(String(pid), to: "\(hierarchy)/cgroup.procs")
        }
        rmdir(folder)
    }
}
