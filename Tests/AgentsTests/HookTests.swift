// harc and shellfuncs, as scripts of a site call them.
import LinuxSystem
import Rig
import Testing

@Suite("hooks of rc.d") struct HookTests {
    @Test("harc runs the hook of a type with its arguments and environment, and fails where there is none")
    func harc() throws {
        let stage = try AgentStage()
        try stage.sh(
            """
            mkdir -p \(stage.path)/rc.d
            printf '#!/bin/sh\\necho "$0 $* $HA_st $HA_src"; exit 7\\n' >\(stage.path)/rc.d/status
            chmod +x \(stage.path)/rc.d/status
            echo text >\(stage.path)/rc.d/other
            """)
        let settings = ["HA_DIR=\(stage.path)", "HA_st=dead", "HA_src=beta", "HA_LOGFILE=\(stage.path)/log"]
        let outcome = try stage.script("harc", "STATUS", "more", environment: settings)
        #expect(outcome.status == 7)
        #expect(outcome.output == "\(stage.path)/rc.d/status status more dead beta\n")
        #expect(try stage.sh("cat \(stage.path)/log").contains("info: Running \(stage.path)/rc.d/status status more"))
        for type in ["other", "nothing", "../harc", ""] {
            #expect(try stage.script("harc", type, environment: settings).status == 1)
        }
    }

    @Test("shellfuncs: a message to the cluster, a parameter of ha.cf, a line in the log")
    func shellFunctions() throws {
        let stage = try AgentStage()
        try stage.sh("printf 'keepalive  200ms # x\\nnode alpha beta\\n' >\(stage.path)/ha.cf")
        let text = try stage.sh(
            """
            export HA_DIR=\(stage.path) HA_FIFO=\(stage.path)/fifo HA_LOGFILE=\(stage.path)/log
            . \(Checkout.folder)/Resources/ha.d/shellfuncs
            echo t=x | ha_clustermsg; cat $HA_FIFO; ha_parameter keepalive; ha_parameter node; ha_log info: told
            cat $HA_LOGFILE
            """)
        #expect(text.hasPrefix(">>>\nt=x\n<<<\n200ms\nalpha beta\n"))
        #expect(text.hasSuffix("info: told\n"))
    }
}
