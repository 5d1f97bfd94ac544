// Reads mon.cf and auth.cf from their files, through m4 where that is wanted, and says everything that is wrong.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import MonitorConfig
import Monitoring

/// What a configuration comes to on this machine.
struct LoadedConfiguration {
    var configuration: MonitorConfiguration
    var programs: ProgramTable
    var authorization: Authorization
    var places: MonitorPlaces
}

struct ConfigurationSource {
    let options: MonitorOptions
    let native: NativeRunners

    /// Longest time that m4 may take.
    private static let m4Limit: Duration = .seconds(20)

    var path: String { options.configuration ?? MonitorPlaces.configurationByDefault }

    /// Everything, or nil where a diagnostic is an error.
    func load() -> (loaded: LoadedConfiguration?, diagnostics: [Diagnostic]) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try read()
        } catch {
            return (nil, [Diagnostic(.error, Excerpt(file: path), "cannot be read: \(error)", help: "see mon.cf(5)")])
        }
        var (read, diagnostics) = MonitorConfigReader.read(path: path, bytes: bytes)
        guard let read else { return (nil, diagnostics) }
        let configuration = options.applied(to: read)
        let places = MonitorPlaces(options, configuration.globals)
        if ClientFilter(configuration.globals.clientallow) == nil {
            diagnostics.append(Diagnostic(.error, Excerpt(file: path), "clientallow: no regular expression"))
        }
        if configuration.globals.authtypes.contains(.pam), !PAMLogin.isThere(configuration.globals.pamservice) {
            diagnostics.append(Diagnostic(
                .warning, Excerpt(file: path), "pamservice: PAM has no service '\(configuration.globals.pamservice)'",
                help: "its file would lie in /etc/pam.d; without it the rules of 'other' decide"))
        }
        let finder = ProgramFinder(native: native, basedir: places.basedir)
        let (programs, problems) = finder.find(configuration, file: path)
        diagnostics += problems
        let (authorization, complaints) = ConfigurationSource.authorization(
            places.authfile, looksUp: options.action == .check)
        diagnostics += complaints
        guard let authorization, !diagnostics.hasErrors else { return (nil, diagnostics) }
        let loaded = LoadedConfiguration(
            configuration: configuration, programs: programs, authorization: authorization, places: places)
        return (loaded, diagnostics)
    }

    /// auth.cf; nil where a diagnostic is an error. `looksUp`: names without an address are told, which may take as
    /// long as a name server likes.
    static func authorization(
        _ path: String, looksUp: Bool = false
    ) -> (authorization: Authorization?, diagnostics: [Diagnostic]) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try contents(of: path)
        } catch {
            return (nil, [Diagnostic(
                .error, Excerpt(file: path), "cannot be read: \(error)",
                help: "without it nobody may ask anything: see mon.cf(5)")])
        }
        var (authorization, diagnostics) = MonitorConfigReader.readAuthorization(path: path, bytes: bytes)
        for host in looksUp ? authorization?.trapSources.map(\.host) ?? [] : [] where host != "*" {
            do throws(NameError) {
                _ = try NameLookup.address(of: host, family: AF_INET)
            } catch {
                diagnostics.append(Diagnostic(.warning, Excerpt(file: path), "\(host): \(error)", help: error.remedy))
            }
        }
        return (authorization, diagnostics)
    }

    private func read() throws(SystemError) -> [UInt8] {
        guard let m4 = options.m4 ?? (path.hasSuffix(".m4") ? "m4" : nil) else {
            return try ConfigurationSource.contents(of: path)
        }
        let program = m4.contains("/") ? m4 : "/usr/bin/\(m4)"
        let output = Descriptor(owning: try retrying("memfd_create") { memfd_create("mon", UInt32(MFD_CLOEXEC)) })
        var spawn = Spawn(program: program, arguments: [m4, path])
        spawn.environment = ProgramEnvironment.own
        spawn.descriptors = [1: output.raw, 2: 2]
        spawn.leadsProcessGroup = true
        spawn.workingDirectory = ProgramEnvironment.folder
        let pid = try spawn.start()
        let deadline = Clock.now() + ConfigurationSource.m4Limit
        while true {
            if let status = try Children.poll(pid) {
                if status == .exited(0) { break }
                throw SystemError(code: EIO, operation: "\(program) ended with \(status)")
            }
            if Clock.now() > deadline {
                try Children.signalGroup(pid, SIGKILL)
                _ = try Children.wait(pid)
                throw SystemError(code: ETIMEDOUT, operation: program)
            }
            Clock.wait(.milliseconds(5))
        }
        return try MemoryFile.read(output, limit: MonitorConfigReader.sizeMax)
    }

    static func contents(of path: String) throws(SystemError) -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        let raw = file.raw
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= MonitorConfigReader.sizeMax {
            let count = try retrying("read \(path)") { CLinux.read(raw, &chunk, chunk.count) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }
}
