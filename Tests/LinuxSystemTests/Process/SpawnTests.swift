import CLinux
import LinuxSystem
import Testing

/// Everything that a program writes to its standard output until it ends.
func output(of program: String, _ arguments: [String], _ change: (inout Spawn) -> Void = { _ in }) throws -> String {
    var ends: [Int32] = [-1, -1]
    #expect(pipe2(&ends, O_CLOEXEC) == 0)
    let reader = Descriptor(owning: ends[0])
    var writer: Descriptor? = Descriptor(owning: ends[1])
    var spawn = Spawn(program: program, arguments: arguments)
    spawn.descriptors[1] = ends[1]
    change(&spawn)
    let pid = try spawn.start()
    writer = nil
    _ = writer
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(reader.raw, &chunk, chunk.count)
        if count <= 0 { break }
        text.append(contentsOf: chunk[..<count])
    }
    _ = try Children.wait(pid)
    return String(decoding: text, as: UTF8.self)
}

@Suite struct SpawnTests {
    @Test("a program gets its arguments, its environment and its folder, and nothing of ours")
    func argumentsAndEnvironment() throws {
        let text = try output(of: "/bin/sh", ["sh", "-c", "echo \"$0 $1\"; pwd; env | sort", "zero", "one two"]) {
            $0.environment = ["HA_NAME=value"]
            $0.workingDirectory = "/usr"
        }
        #expect(text.hasPrefix("zero one two\n/usr\nHA_NAME=value\n"))
        #expect(!text.contains("PATH=") && !text.contains("HOME="))
    }

    @Test("a program has the descriptors of the map, crossed ones too, and no other")
    func descriptorMap() throws {
        let a = try MemoryFile.write(Array("a".utf8))
        let b = try MemoryFile.write(Array("b".utf8))
        let stray = Descriptor(owning: dup(a.raw))
        #expect(stray.raw >= 0)
        let low = min(a.raw, b.raw)
        let high = max(a.raw, b.raw)
        let script = "ls /proc/self/fd | tr '\\n' ' '; cat /proc/self/fd/\(low) /proc/self/fd/\(high)"
        let text = try output(of: "/bin/sh", ["sh", "-c", script]) {
            $0.descriptors[low] = high
            $0.descriptors[high] = low
        }
        let numbers = text.split(separator: " ").dropLast()
        // `ls` reads the folder through one descriptor of its own, the lowest that is free.
        let own = numbers.filter { !["0", "1", "2", "\(low)", "\(high)"].contains($0) }
        #expect(own.count == 1)
        #expect(text.hasSuffix(a.raw == low ? "ba" : "ab"))
    }

    @Test("standard input is empty, signals and scheduler are the ordinary ones, whatever the parent has")
    func signalsAndScheduler() throws {
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        // 1 is SIG_IGN, which Swift does not import.
        let handler = signal(SIGUSR2, unsafeBitCast(1, to: __sighandler_t?.self))
        defer {
            signal(SIGUSR2, handler)
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        let text = try output(of: "/bin/sh", ["sh", "-c", "cat; grep -E '^(SigBlk|SigIgn)' /proc/self/status"])
        let lines = text.split(separator: "\n")
        #expect(lines.first == "SigBlk:\t0000000000000000")
        // Signals 32 and 33 are the C library's own.
        #expect(["SigIgn:\t0000000000000000", "SigIgn:\t0000000180000000"].contains(lines.last))
    }

    @Test("a program that does not exist is an error that names it")
    func missingProgram() throws {
        #expect(throws: SystemError(code: ENOENT, operation: "start /nonexistent/program")) {
            try Spawn(program: "/nonexistent/program", arguments: ["program"]).start()
        }
    }

    @Test("a process group ends whole; its end by a signal is told from an exit code")
    func processGroup() throws {
        var spawn = Spawn(program: "/bin/sh", arguments: ["sh", "-c", "sleep 1000 & wait"])
        spawn.environment = ["PATH=/bin:/usr/bin"]
        spawn.leadsProcessGroup = true
        let pid = try spawn.start()
        #expect(getpgid(pid) == pid)
        #expect(try Children.poll(pid) == nil)
        try Children.signalGroup(pid, SIGKILL)
        #expect(try Children.wait(pid) == .killed(signal: SIGKILL))
        try Children.signalGroup(pid, SIGKILL)

        let code = try Spawn(program: "/bin/sh", arguments: ["sh", "-c", "exit 7"]).start()
        #expect(try Children.wait(code) == .exited(7))
    }
}
