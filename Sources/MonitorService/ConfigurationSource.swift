// Reads mon.cf and auth.cf from their files, through m4 where that is wanted, and says everything that is wrong.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import MonitorConfig
import Monitoring
import Reactor

/// What a configuration comes to on this machine.
struct LoadedConfiguration {
    var configuration: MonitorConfiguration
    var programs: ProgramTable
    var authorization: Authorization
    var places: MonitorPlaces
}

struct ConfigurationSource {
    /// Takes everything, or nil where a diagnostic is an error.
    typealias Completion = (_ loaded: LoadedConfiguration?, _ diagnostics: [Diagnostic]) -> Void

    let options: MonitorOptions
    let native: NativeRunners

    var path: String { options.configuration ?? MonitorPlaces.configurationByDefault }

    /// Reads the files. `completion` is called once: before this returns, unless m4 has to run, whose run is returned.
    func load(on loop: EventLoop, completion: @escaping Completion) -> M4Run? {
        do throws(SystemError) {
            guard let m4 = options.m4 ?? (path.hasSuffix(".m4") ? "m4" : nil) else {
                let (loaded, diagnostics) = judge(try ConfigurationSource.contents(of: path))
                completion(loaded, diagnostics)
                return nil
            }
            return try M4Run(m4, on: path, loop: loop) { result in
                switch result {
                case .success(let bytes):
                    let (loaded, diagnostics) = judge(bytes)
                    completion(loaded, diagnostics)
                case .failure(let error): completion(nil, [unreadable(error)])
                }
            }
        } catch {
            completion(nil, [unreadable(error)])
            return nil
        }
    }

    /// Reads the files and waits for m4: nothing else is to be done yet.
    func load() -> (loaded: LoadedConfiguration?, diagnostics: [Diagnostic]) {
        var outcome: (LoadedConfiguration?, [Diagnostic])?
        do throws(SystemError) {
            let loop = try EventLoop()
            let run = load(on: loop) { loaded, diagnostics in
                outcome = (loaded, diagnostics)
                loop.stop()
            }
            if run != nil { _ = try loop.run() }
        } catch {
            return (nil, [unreadable(error)])
        }
        return outcome ?? (nil, [])
    }

    private func unreadable(_ error: SystemError) -> Diagnostic {
        Diagnostic(.error, Excerpt(file: path), "cannot be read: \(error)", help: "see mon.cf(5)")
    }

    private func judge(_ bytes: [UInt8]) -> (loaded: LoadedConfiguration?, diagnostics: [Diagnostic]) {
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
