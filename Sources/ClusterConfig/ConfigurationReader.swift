// From the bytes of the three files to a configuration with every default filled in, and everything there is to say
// about them. Reading never stops at a mistake.
import ClusterModel

/// Reads the three files of a node.
package enum ConfigurationReader {
    /// Reads and checks the files. The configuration is nil if and only if a diagnostic is an error. Diagnostics come
    /// file by file in the order ha.cf, resources, keys, and within a file from top to bottom. For a user other than
    /// root keys that may not be read are a warning: they are not wrong, and this user cannot start a daemon with the
    /// configuration, which has no keys then.
    package static func read(
        files: ConfigurationFiles, facts: SystemFacts
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        var diagnostics: [Diagnostic] = []
        func source(_ file: ConfigurationFile, _ wayOut: String) -> SourceText? {
            let path = Excerpt(file: file.path)
            guard let bytes = file.bytes else {
                diagnostics.append(Diagnostic(.error, path, "cannot be read: \(file.problem)", help: wayOut))
                return nil
            }
            guard bytes.count <= SourceText.sizeMax else {
                let message = "\(bytes.count) bytes long, \(SourceText.sizeMax) at most are read"
                diagnostics.append(Diagnostic(.error, path, message))
                return nil
            }
            return SourceText(path: file.path, bytes: bytes)
        }

        var parser = HAConfigParser(facts: facts)
        let haConfig = source(files.haConfig, "see ha.cf(5), and the commented example that heartbeat comes with")
        if let haConfig { parser.parse(haConfig) }
        var resources = HAResourcesParser(facts: facts)
        let emptyFile = "a cluster without groups needs the file too: touch \(files.resources.path)"
        if let text = source(files.resources, emptyFile) { resources.parse(text) }
        var keysParser = AuthKeysParser()
        let sameFile = "see authkeys(5); the file must be the same on all nodes and have mode 600"
        var keys: AuthKeys?
        if files.keys.isForbidden && facts.userID != 0 {
            diagnostics.append(Diagnostic(
                .warning, Excerpt(file: files.keys.path), "not checked, this user may not read it",
                help: "check as root, too"))
        } else {
            keys = source(files.keys, sameFile).flatMap { keysParser.parse($0, facts: facts) }
        }

        let completed = Defaults.fillIn(parser.settings, groups: resources.groups, keys: keys, facts: facts)
        if haConfig != nil {
            var checks = CrossChecks(
                settings: parser.settings, groups: resources.groups, configuration: completed, facts: facts,
                path: files.haConfig.path)
            checks.run()
            diagnostics += checks.diagnostics
        }
        diagnostics += parser.diagnostics + resources.diagnostics + keysParser.diagnostics

        let order = [files.haConfig.path, files.resources.path, files.keys.path]
        let sorted = diagnostics.enumerated().sorted { a, b in
            sortKey(a.element, a.offset, order).lexicographicallyPrecedes(sortKey(b.element, b.offset, order))
        }.map(\.element)
        return (sorted.hasErrors ? nil : completed, sorted)
    }

    private static func sortKey(_ diagnostic: Diagnostic, _ offset: Int, _ files: [String]) -> [Int] {
        let location = diagnostic.location
        return [files.firstIndex(of: location.file) ?? files.count, location.line, location.column, offset]
    }
}

extension ConfigurationReader {
    /// Reads authkeys alone, wherever it comes from: mode and owner of the file are not judged. The keys are nil where
    /// they cannot be used at all, and must not be used where a diagnostic is an error.
    package static func readKeys(_ file: ConfigurationFile) -> (keys: AuthKeys?, diagnostics: [Diagnostic]) {
        var parser = AuthKeysParser()
        let source = SourceText(path: file.path, bytes: file.bytes ?? [])
        let keys = parser.parse(source, facts: SystemFacts(localNode: ""))
        return (keys, parser.diagnostics)
    }
}
