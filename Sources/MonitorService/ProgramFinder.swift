// Where monitors and alerts are (specs/mon.md 3.2): in the folders of the configuration first, so that what an
// administrator puts there wins; else among those that the daemon carries out itself. Looked up at the start and with
// every reset, not with every run.
import CLinux
import ClusterConfig
import LinuxSystem
import MonitorConfig
import Monitoring

struct ProgramFinder {
    /// The prefix that asks for a native one, whatever is in the folders.
    private static let nativePrefix = "native:"

    let native: NativeRunners
    let basedir: String

    /// The programs that a configuration names, and what of it is not to be found or called wrongly.
    func find(_ configuration: MonitorConfiguration, file: String) -> (table: ProgramTable, problems: [Diagnostic]) {
        var entries: [ProgramTable.Entry] = []
        var problems: [Diagnostic] = []
        func look(_ words: [String], isAlert: Bool, _ owner: String) {
            guard let name = words.first else { return }
            let folders = isAlert ? configuration.globals.alertdir : configuration.globals.mondir
            let known = entries.first { $0.isAlert == isAlert && $0.name == name }?.source
            guard let source = known ?? source(name, folders, isAlert) else {
                let kind = isAlert ? "alert" : "monitor"
                problems.append(Diagnostic(
                    .warning, Excerpt(file: file), "\(owner): no \(kind) \(name) found",
                    help: "looked in \(folders.map(absolute).joined(separator: ", "))"))
                return
            }
            if known == nil { entries.append(ProgramTable.Entry(isAlert: isAlert, name: name, source: source)) }
            guard case .native(let nativeName) = source else { return }
            let line = [nativeName] + words.dropFirst()
            let problem = isAlert ? native.alerts?.problem(line) : native.checks?.problem(line)
            if let problem { problems.append(Diagnostic(.error, Excerpt(file: file), "\(owner): \(name): \(problem)")) }
        }
        for service in configuration.services {
            let owner = service.id.description
            look(service.monitorWords, isAlert: false, owner)
            for line in service.periods.flatMap(\.alerts) {
                look([line.program] + line.arguments, isAlert: true, owner)
            }
            if let name = service.redistribute { look([name], isAlert: true, owner) }
        }
        return (ProgramTable(entries), problems)
    }

    private func source(_ name: String, _ folders: [String], _ isAlert: Bool) -> ProgramSource? {
        func knows(_ name: String) -> Bool {
            isAlert ? native.alerts?.knows(name) ?? false : native.checks?.knows(name) ?? false
        }
        if name.hasPrefix(ProgramFinder.nativePrefix) {
            let bare = String(name.dropFirst(ProgramFinder.nativePrefix.count))
            return knows(bare) ? .native(bare) : nil
        }
        let paths = name.hasPrefix("/") ? [name] : folders.map { "\(absolute($0))/\(name)" }
        for path in paths where FileSystem.kind(of: path) == .regular && access(path, X_OK) == 0 {
            return .file(path)
        }
        return knows(name) ? .native(name) : nil
    }

    private func absolute(_ folder: String) -> String { folder.hasPrefix("/") ? folder : "\(basedir)/\(folder)" }
}
