// Starts a program: with exactly the descriptors that the caller names, default signals, an empty signal mask and the
// ordinary scheduler, whatever the caller itself runs with. posix_spawn, because its cost does not grow with ours.
import CLinux

/// A program to start. Nothing but what stands here is inherited, except standard output and error where they are not
/// mapped.
package struct Spawn {
    /// Path of the executable; PATH is not searched.
    package var program: String
    /// With the program's own name first.
    package var arguments: [String]
    /// `NAME=VALUE` entries.
    package var environment: [String] = []
    /// What the child sees as a descriptor's number, and the descriptor of this process behind it. Descriptor 0 is
    /// /dev/null unless mapped. Every number above the largest of the map is closed in the child.
    package var descriptors: [Int32: Int32] = [:]
    /// The child's working directory.
    package var workingDirectory = "/"
    /// Whether the child leads a process group of its own, so that `Children.signalGroup` reaches all it starts.
    package var leadsProcessGroup = false
    /// Whether the child is no better and no worse protected from a shortage of memory than any other program:
    /// oom_score_adj 0, whatever this process has.
    package var isOrdinary = false
    /// A control group, as an open folder of cgroup v2, that the child and all that it starts is in from its first
    /// moment on; nil: that of this process.
    package var controlGroup: Int32?

    /// A program with an empty environment, in the root directory.
    package init(program: String, arguments: [String]) {
        self.program = program
        self.arguments = arguments
    }

    /// Those entries of this process's own environment that have these names.
    package static func inherited(_ names: [String]) -> [String] {
        names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
    }

    /// Starts the program and returns its process id; the caller MUST reap it. Throws where it cannot be executed.
    /// The corresponding C function is `posix_spawn`.
    package func start() throws(SystemError) -> pid_t {
        if let controlGroup { return try start(in: controlGroup) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        setAttributes(&attributes)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let sources = try addActions(&actions)
        defer { sources.forEach { _ = close($0) } }

        // Inherited, and no attribute of posix_spawn: this process goes without for the moment of the start.
        let protection = isOrdinary ? OrdinaryService.giveUpProtection() : nil
        defer { protection.map(OrdinaryService.restoreProtection) }
        var pid: pid_t = 0
        let result = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in posix_spawn(&pid, program, &actions, &attributes, argv, envp) }
        }
        if result != 0 { throw SystemError(code: result, operation: "start \(program)") }
        return pid
    }

    /// The corresponding C functions are `clone3` and `execve`.
    private func start(in controlGroup: Int32) throws(SystemError) -> pid_t {
        let last = max(2, descriptors.keys.max() ?? 2)
        let targets = descriptors.keys.sorted()
        var sources: [Int32] = []
        defer { sources.forEach { _ = close($0) } }
        for target in targets {
            let source = descriptors[target] ?? -1
            sources.append(try retrying("dup") { cl_fcntl(source, F_DUPFD_CLOEXEC, Int(last) + 1) })
        }
        let protection = isOrdinary ? OrdinaryService.giveUpProtection() : nil
        defer { protection.map(OrdinaryService.restoreProtection) }
        let pid = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                withCStrings([program, workingDirectory]) { paths in
                    targets.withUnsafeBufferPointer { targets in
                        sources.withUnsafeBufferPointer { sources in
                            var plan = cl_group_spawn()
                            plan.program = UnsafePointer(paths[0])
                            plan.arguments = argv
                            plan.environment = envp
                            plan.directory = UnsafePointer(paths[1])
                            plan.group = controlGroup
                            plan.targets = targets.baseAddress
                            plan.sources = sources.baseAddress
                            plan.count = Int32(targets.count)
                            plan.last = last
                            plan.null_input = descriptors[0] == nil ? 1 : 0
                            plan.leads_process_group = leadsProcessGroup ? 1 : 0
                            return cl_spawn_in_group(&plan)
                        }
                    }
                }
            }
        }
        if pid < 0 { throw SystemError.last("start \(program)") }
        return pid
    }

    private func setAttributes(_ attributes: inout posix_spawnattr_t) {
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSCHEDULER
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        var parameters = sched_param()
        posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER)
        posix_spawnattr_setschedparam(&attributes, &parameters)
        if leadsProcessGroup {
            flags |= POSIX_SPAWN_SETPGROUP
            posix_spawnattr_setpgroup(&attributes, 0)
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// Returns duplicates of the mapped descriptors, for the caller to close after the start: they lie above every
    /// number of the map, so that no mapping overwrites the source of a later one.
    private func addActions(_ actions: inout posix_spawn_file_actions_t) throws(SystemError) -> [Int32] {
        let last = max(2, descriptors.keys.max() ?? 2)
        var sources: [Int32] = []
        posix_spawn_file_actions_addchdir_np(&actions, workingDirectory)
        if descriptors[0] == nil { posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) }
        for number in 0...last {
            if let parent = descriptors[number] {
                do throws(SystemError) {
                    let source = try retrying("dup") { cl_fcntl(parent, F_DUPFD_CLOEXEC, Int(last) + 1) }
                    sources.append(source)
                    posix_spawn_file_actions_adddup2(&actions, source, number)
                } catch {
                    sources.forEach { _ = close($0) }
                    throw error
                }
            } else if number > 2 {
                posix_spawn_file_actions_addclose(&actions, number)
            }
        }
        posix_spawn_file_actions_addclosefrom_np(&actions, last + 1)
        return sources
    }
}

/// Calls with a NULL-terminated vector of C strings that lives as long as the call.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { vector[index] = strdup(string) }
    vector[strings.count] = nil
    defer {
        for index in strings.indices { free(vector[index]) }
        vector.deallocate()
    }
    return body(vector)
}
