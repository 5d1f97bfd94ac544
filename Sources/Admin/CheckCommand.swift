// `hb check` and `heartbeat -n`: what is wrong with the configuration, and what it comes to.
import ClusterConfig
import ClusterModel

/// The check of a folder of configuration files.
package enum CheckCommand {
    /// Prints diagnostics to standard error and, where the daemon could start, the effective configuration to standard
    /// output. Secrets are not printed. Returns the exit status: 0 clean, 1 warnings, 2 errors.
    package static func run(_ folder: ConfigurationFolder) -> Int32 {
        var (files, facts) = folder.read()
        facts.missingAgents = .error
        let (configuration, diagnostics) = ConfigurationReader.read(files: files, facts: facts)
        Terminal.complain(Terminal.printable(diagnostics.rendered))
        if let configuration {
            Terminal.print(Terminal.printable(text(of: configuration, resources: files.resources.path)))
        }
        return diagnostics.exitStatus
    }

    /// ha.cf and haresources as they come out, with every default.
    private static func text(of configuration: Configuration, resources: String) -> String {
        var shown = configuration
        // The parameters of stonith_host hold passwords; those of stonith are a file's name.
        for index in shown.processes.stonith.indices where shown.processes.stonith[index].host != nil {
            shown.processes.stonith[index].parameters = ["*****"]
        }
        return ConfigurationPrinter.haConfig(shown) + "\n# \(resources)\n" + ConfigurationPrinter.haresources(shown)
    }
}
