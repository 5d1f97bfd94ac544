// Whether the fencing devices of ha.cf can do what they are for. What is wrong with them would else be found when a
// node is dead: its groups would wait for a device that cannot work, or be taken without one.
import ClusterModel

extension CrossChecks {
    /// Agents whose device is the management board of one machine.
    private static let boards = [
        "fence_alom", "fence_amt", "fence_drac", "fence_idrac", "fence_imm", "fence_ipmilan", "fence_ipmilanplus",
        "fence_redfish", "fence_rsa", "fence_rsb",
    ]

    private var nodes: [String] { settings.nodes.map(\.value) }

    mutating func checkFencing() {
        for host in settings.stonithHosts where host.value != "*" && !nodes.contains(host.value) {
            let hint = Spelling.hint(for: host.value, among: nodes)
            report(
                .warning, host.excerpt, "\(host.value): no such node\(hint)",
                help: "expected the node that reaches the device, or * for every node")
        }
        for (device, excerpt) in zip(configuration.processes.stonith, settings.stonithTypes) {
            checkParameters(of: device, excerpt)
            for name in device.hosts ?? [] where !nodes.contains(name) {
                report(
                    .warning, excerpt, "\(name): no such node\(Spelling.hint(for: name, among: nodes))",
                    help: "expected the names of nodes that the device powers off, separated by commas")
            }
            if device.isUsable(from: configuration.localName) { checkFiles(of: device, excerpt) }
        }
        checkReach()
    }

    private mutating func checkParameters(of device: StonithDevice, _ excerpt: Excerpt) {
        guard device.host != nil else { return }
        switch device.method {
        case .agent(let name):
            guard let parameters = device.namedParameters else {
                if device.parameters.isEmpty { return }
                return report(
                    .error, excerpt, "\(name): expected parameters of the form NAME=VALUE",
                    help: "a value cannot contain blanks")
            }
            if let action = FenceMethod.harmlessAction(parameters) {
                report(
                    .error, excerpt, "action=\(action) powers nothing off",
                    help: "leave action out, or write action=off or action=reboot")
            }
            checkTarget(of: device, name, parameters, excerpt)
        case .plugin:
            guard device.namedParameters == nil, device.parameters.contains(where: { $0.hasPrefix("hostlist=") })
            else { return }
            report(
                .error, excerpt, "hostlist=: some parameters do not have the form NAME=VALUE",
                help: "a value cannot contain blanks: separate the names of hostlist by commas")
        case .null, .suicide, nil: break
        }
    }

    /// A line that powers off the same machine whichever node is meant.
    private mutating func checkTarget(
        of device: StonithDevice, _ agent: String, _ parameters: [Setting], _ excerpt: Excerpt
    ) {
        guard device.hosts == nil, device.host == "*" || nodes.count > 2 else { return }
        let plug = parameters.last { ["plug", "port"].contains($0.name) }?.name
        let isBoard =
            CrossChecks.boards.contains(agent) || agent.hasPrefix("fence_ilo") && agent != "fence_ilo_moonshot"
        guard plug != nil || isBoard else { return }
        let target = plug ?? "board"
        report(
            .warning, excerpt, "\(agent): its \(target) is one machine, and is powered off whichever node is dead",
            help: "say whose it is: hostlist=NODE")
    }

    private mutating func checkFiles(of device: StonithDevice, _ excerpt: Excerpt) {
        guard let kind = facts.kindOfPath else { return }
        if device.host == nil, let file = device.parameters.first, kind(file) == .missing {
            report(
                facts.missingAgents, excerpt, "\(file): there is no such file, nothing can be powered off",
                help: "write the parameters of the device into it, or write stonith_host")
        }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let programs = device.method?.candidates(folder) ?? []
        guard !programs.isEmpty, programs.allSatisfy({ kind($0) == .missing }) else { return }
        report(
            facts.missingAgents, excerpt, "\(device.type): there is no such program, nothing can be powered off",
            help: "install it as \(programs.joined(separator: " or "))")
    }

    /// Some node that no device powers off, where there are devices: most likely it was forgotten.
    private mutating func checkReach() {
        let methods = configuration.processes.stonith.compactMap(\.method).filter { $0 != .suicide }
        guard nodes.count > 1, !methods.isEmpty, configuration.groups.contains(where: configuration.needsFencing)
        else { return }
        for node in settings.nodes where !configuration.isFenceable(node.value) {
            report(
                .warning, node.excerpt, "no device powers off \(node.value), its groups are taken without that",
                help: "name it in a hostlist, or in a stonith_host line of another node")
        }
    }
}
