// Fencing devices of the rig: programs that ask the test for a power cut by a file, and wait until it was made.

/// A remote-controlled power switch, in the cluster's folder.
package struct PowerSwitch {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// Calls of the devices since the beginning, one a line: `alpha reset beta`.
    package var calls: [String] { Folder.read(folder + "/power.log").split(separator: "\n").map(String.init) }

    /// Whether a device waits for the node to be cut off.
    package func isAsked(for node: String) -> Bool { !Folder.read("\(folder)/\(node).power-off").isEmpty }

    /// Tells the device that the node is off.
    package func confirm(_ node: String) throws { try Folder.write("off\n", to: "\(folder)/\(node).is-off") }

    /// A plugin of cluster-glue for the parameters `hostlist` and `folder`.
    package static let plugin = """
        #!/bin/sh
        case $1 in
        getconfignames) echo "hostlist folder" ;;
        gethosts) echo "$hostlist" | tr ',' '\\n' ;;
        status) exit 0 ;;
        reset)
            echo "$HA_CURHOST reset $2" >>"$folder/power.log"
            echo asked >"$folder/$2.power-off"
            while [ ! -e "$folder/$2.is-off" ]; do sleep 0.05; done
            rm -f "$folder/$2.is-off" "$folder/$2.power-off" ;;
        *) exit 1 ;;
        esac

        """

    /// A fence agent with the options `folder` and `failures`: so many of its first calls fail.
    package static let agent = """
        #!/bin/sh
        while IFS='=' read -r name value; do
            case $name in
            action) action=$value ;;
            plug) plug=$value ;;
            folder) folder=$value ;;
            failures) failures=$value ;;
            esac
        done
        echo "$HA_CURHOST $action $plug" >>"$folder/power.log"
        [ "$action" = reboot ] || exit 1
        if [ "$(wc -l <"$folder/power.log")" -le "${failures:-0}" ]; then echo "Unable to connect/login" >&2; exit 4; fi
        echo asked >"$folder/$plug.power-off"
        while [ ! -e "$folder/$plug.is-off" ]; do sleep 0.05; done
        rm -f "$folder/$plug.is-off" "$folder/$plug.power-off"
        echo "Success: Rebooted"

        """

    /// A plugin that fails, and one that never ends.
    package static let broken = """
        #!/bin/sh
        case $1 in
        getconfignames) ;;
        gethosts) echo alpha; echo beta ;;
        *) echo "no route to the switch" >&2; exit 1 ;;
        esac

        """

    package static let hanging = """
        #!/bin/sh
        case $1 in
        getconfignames) ;;
        gethosts) echo alpha; echo beta ;;
        *) sleep 1000 ;;
        esac

        """
}
