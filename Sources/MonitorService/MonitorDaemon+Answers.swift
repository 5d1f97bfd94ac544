// What clients ask that needs files, passwords or the configuration (specs/mon.md 9, 10, 12).
import CSystemd
import ClusterConfig
import ClusterModel
import LinuxSystem
import Monitoring

extension MonitorDaemon {
    /// nil: it is told later, and until then the client waits.
    func answer(_ question: Question, for client: ClientNumber) -> Answer? {
        switch question {
        case .login(let user, let password, let isLocal):
            let attempt = LoginAttempt(
                user: user, password: password, isLocal: isLocal, host: server?.host(of: client) ?? "")
            return nowOrLater(client) { logIn(attempt, completion: $0) }
        case .reset(let kept):
            return nowOrLater(client) { completion in
                read { [unowned self] new, diagnostics in
                    completion(.done(problem: putInForce(new, diagnostics, kept)))
                }
            }
        case .testConfiguration:
            return nowOrLater(client) { completion in
                read { _, diagnostics in
                    completion(.done(problem: diagnostics.hasErrors ? diagnostics.rendered : nil))
                }
            }
        case .reloadAuthorization: return .done(problem: reloadAuthorization())
        case .save(let disabled, let status): return .done(problem: save(disabled: disabled, status: status))
        case .load(let disabled, let status): return .done(problem: load(disabled: disabled, status: status))
        case .downtimes: return .downtimes(StateFolder.lines(loaded.places.dtlogfile, limit: 1 << 20))
        }
    }

    /// What `find` calls back with before it returns; nil: it will, and then the client is told.
    private func nowOrLater(_ client: ClientNumber, _ find: (@escaping (Answer) -> Void) -> Void) -> Answer? {
        var (found, isLater) = (Answer?.none, false)
        find { [unowned self] answer in
            guard isLater else { return found = answer }
            deliver(.answered(client, answer))
            server?.goOn(client)
        }
        isLater = true
        return found
    }

    private func logIn(_ attempt: LoginAttempt, completion: @escaping (Answer) -> Void) {
        let globals = loaded.configuration.globals
        passwords.accepts(
            attempt, methods: globals.authtypes[...], userfile: loaded.places.userfile, pamservice: globals.pamservice
        ) { [unowned self] isAccepted in
            let origin = attempt.host.isEmpty ? "this machine" : attempt.host
            let what = "user '\(attempt.user.prefix(64))' from \(origin) \(isAccepted ? "logged in" : "refused")"
            note(LogRecord(isAccepted ? .info : .warning, "login", what))
            completion(.login(user: attempt.user, accepted: isAccepted))
        }
    }

    /// Puts a configuration in force that was read again. Returns why the old one stays; nil where the new one is.
    func putInForce(_ new: LoadedConfiguration?, _ diagnostics: [Diagnostic], _ kept: KeptState) -> String? {
        for diagnostic in diagnostics {
            note(LogRecord(diagnostic.severity == .error ? .error : .warning, "configuration", diagnostic.summary))
        }
        guard let new else {
            note(LogRecord(.error, "configuration-kept", "the configuration has errors, the one in force stays"))
            _ = sd_notify(0, "STATUS=The configuration has errors, the one in force stays")
            return diagnostics.rendered
        }
        let (old, globals) = (loaded.configuration.globals, new.configuration.globals)
        if old.serverport != globals.serverport || old.serverbind != globals.serverbind
            || old.trapport != globals.trapport || old.trapbind != globals.trapbind
        {
            note(LogRecord(.warning, "restart-needed", "ports and addresses to listen on stay until a restart"))
        }
        loaded = new
        if globals.dtlogging { beginDowntimeLog() }
        apply(kept)
        _ = sd_notify(0, "STATUS=\(new.configuration.services.count) services")
        note(LogRecord(.info, "configured", "\(new.configuration.services.count) services in force"))
        return nil
    }

    private func reloadAuthorization() -> String? {
        let (authorization, diagnostics) = ConfigurationSource.authorization(loaded.places.authfile)
        for diagnostic in diagnostics { note(LogRecord(.warning, "authorization", diagnostic.summary)) }
        // As mon: what is wrong is logged, and the old rights stay.
        guard let authorization else { return nil }
        loaded.authorization = authorization
        authorize()
        return nil
    }

    /// Writes the files that are given. Returns why one could not be; nil where all could.
    func save(disabled: String?, status: [UInt8]?) -> String? {
        let folder = StateFolder(path: loaded.places.statedir)
        do throws(SystemError) {
            if let disabled { try StateFolder.replace(folder.disabledFile, Array(disabled.utf8)) }
            if let status { try StateFolder.replace(folder.statusFile, status) }
            return nil
        } catch {
            note(LogRecord(.error, "state", "\(error)"))
            return "\(error)"
        }
    }

    /// Takes back what was saved. Files that are not there hold nothing.
    func load(disabled: Bool, status: Bool) -> String? {
        let folder = StateFolder(path: loaded.places.statedir)
        let lines = disabled ? FileSystem.text(of: folder.disabledFile, limit: 16 << 20) : nil
        let saved = status ? try? ConfigurationSource.contents(of: folder.statusFile) : nil
        deliver(.restore(disabled: lines, status: saved))
        return nil
    }
}
