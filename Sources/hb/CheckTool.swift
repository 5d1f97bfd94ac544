// `hb check`: what heartbeat would say about its configuration, without starting it.
import Admin

extension Tool {
    static let check = Tool(
        verb: "check", program: nil, summary: "check the configuration, print what it comes to",
        usage: "[--config-dir DIR]",
        help: """
            Reads ha.cf, haresources and authkeys as heartbeat would at its start. Mistakes go to standard error, the
            effective configuration with every default to standard output. Needs neither root nor a running daemon.

            Exit status: 0 clean, 1 warnings, 2 errors or a wrong command line.

            """
    ) { _, arguments throws(UsageError) in
        try arguments.expectOperands(atMost: 0)
        return CheckCommand.run(ConfigurationFolder(arguments.common.paths.configurationDirectory))
    }
}
