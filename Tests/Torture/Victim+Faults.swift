// How each fault begins and ends. A fault that finds nothing to break (the node is off, the process is gone) does
// nothing: faults overlap.
import CLinux
import ClusterModel
import LinuxSystem
import Rig

extension Victim {
    /// Makes the faults at their times, and ends each at its time.
    func play(_ faults: [TimedFault]) throws {
        let begin = Clock.now()
        var events = faults.enumerated().flatMap { place, timed in
            [(timed.begin, true, place), (timed.end, false, place)]
        }
        events.sort { ($0.0, $0.2) < ($1.0, $1.2) }
        for (time, begins, place) in events {
            let rest = begin + time - Clock.now()
            let due = Clock.now() + rest
            while Clock.now() < due {
                try waiting.pass(min(due - Clock.now(), .milliseconds(50)))
                killAgain()
            }
            let fault = faults[place].fault
            story.append("  \((Clock.now() - begin).wholeMilliseconds) ms: \(begins ? "" : "end of: ")"
                + fault.describe(scenario.nodes))
            if begins { try self.begin(fault, place) } else { try end(fault, place) }
        }
    }

    /// Kills what is to be killed again, if it is there.
    func killAgain() {
        for (number, duty) in doomed.values {
            try? kill(duty, of: number)
        }
    }

    private func kill(_ duty: Duty, of number: Int) throws {
        guard let process = node(number).process(titled: duty.title) else { return }
        kills.append((Clock.now(), number))
        try Children.signal(process.pid, SIGKILL)
    }

    /// Whether so many processes of a node have died that one that dies at that time is not started again at once.
    func isRestless(_ number: Int, at time: Instant) -> Bool {
        kills.count { $0.node == number && $0.time <= time && time - $0.time < .seconds(15) } >= 4
    }

    private func begin(_ fault: Fault, _ place: Int) throws {
        switch fault {
        case .killDaemon(let node):
            mayEnd[node] = true
            for process in daemonProcesses(node) { try Children.signal(process.pid, SIGKILL) }
        case .killProcess(let node, let duty):
            if duty == .control { mayEnd[node] = true }
            try kill(duty, of: node)
        case .stopProcess(let node, let duty):
            guard let process = self.node(node).process(titled: duty.title) else { return }
            if duty == .control { mayEnd[node] = true }
            try Children.signal(process.pid, SIGSTOP)
            stopped[place] = process.pid
        case .freeze(let node): try self.node(node).freeze()
        case .cutPower(let node): try cutPower(node)
        case .cutMedium(let node, let bridge): try plug(node, [bridge], up: false)
        case .cutOff(let node): try plug(node, [0, 1], up: false)
        case .deafen(let from, let to): try lose([0, 1].map { FrameLoss(from: from, to: to, bridge: $0) }, place)
        case .split(let a, let b):
            let both = [0, 1].flatMap { bridge in
                [FrameLoss(from: a, to: b, bridge: bridge), FrameLoss(from: b, to: a, bridge: bridge)]
            }
            try lose(both, place)
        case .lose(let node, let bridge, let percent, let incoming):
            let loss = FrameLoss(
                from: incoming ? nil : node, to: incoming ? node : nil, bridge: bridge, percent: percent)
            try lose([loss], place)
        case .shuffle: try shuffle(place)
        case .garbage: noise.garbage()
        case .replay: noise.replay()
        case .restart(let node):
            mayEnd[node] = true
            if let control = self.node(node).control { try Children.signal(control.pid, SIGUSR1) }
        case .shutDown(let node):
            mayEnd[node] = true
            if let control = self.node(node).control { try Children.signal(control.pid, SIGTERM) }
        case .operate(let node, let words): try operate(node, words)
        case .breakService(let node, let key, let operation, let way):
            try Folder.write("\(operation) \(way)\n", to: ServiceJournal.orders(key, on: self.node(node)))
            guard let group = scenario.groups.first(where: { $0.service?.key == key }) else { return }
            // Something must happen to the service for that to matter.
            try operate(node, [operation == "stop" ? "hb_standby" : "hb_takeover", "--no-wait", group.name])
        case .deleteAddress(let number):
            let address = scenario.groups[number].address
            for node in cluster.holders(of: address) {
                _ = try node.command(["ip", "address", "delete", "\(address)/24", "dev", "eth0"]).run()
            }
        case .flushRules(let node):
            if self.node(node).isOn { _ = try self.node(node).command(["nft", "flush", "ruleset"]).run() }
        case .killAgain(let node, let duty):
            if duty == .control { mayEnd[node] = true }
            doomed[place] = (node, duty)
            killAgain()
        case .killAtWork(let node, let duty, let group, let after):
            if duty == .control { mayEnd[node] = true }
            try operate(node, ["hb_takeover", "--no-wait", scenario.groups[group].name])
            try waiting.pass(after)
            try kill(duty, of: node)
        case .pullCard(let node, let bridge):
            guard self.node(node).isOn, pulled.insert([node, bridge]).inserted else { return }
            try self.node(node).removeInterface(bridge)
        case .reload(let node):
            mayEnd[node] = true
            if let control = self.node(node).control { try Children.signal(control.pid, SIGHUP) }
        case .stepClock(let node, let seconds): try NodeClocks.set(scenario.nodes[node], seconds: seconds)
        case .fillDisk(let node): fillDisk(node)
        }
    }

    private func end(_ fault: Fault, _ place: Int) throws {
        switch fault {
        case .killDaemon(let node), .killProcess(let node, .control), .restart(let node), .shutDown(let node),
            .killAtWork(let node, .control, _, _):
            try revive(node)
        case .killProcess, .killAtWork, .garbage, .replay, .operate, .deleteAddress, .flushRules, .reload: break
        case .killAgain(let node, let duty):
            doomed[place] = nil
            if duty == .control { try revive(node) }
        case .pullCard(let node, let bridge):
            if self.node(node).isOn, pulled.contains([node, bridge]) { try self.node(node).insertInterface(bridge) }
            pulled.remove([node, bridge])
        // Only the next step ends it: a wall clock is wrong for long.
        case .stepClock: break
        case .stopProcess: if let pid = stopped.removeValue(forKey: place) { try Children.signal(pid, SIGCONT) }
        case .freeze(let node): try thaw(node)
        case .cutPower(let node): try returnPower(node)
        case .cutMedium(let node, let bridge): try plug(node, [bridge], up: true)
        case .cutOff(let node): try plug(node, [0, 1], up: true)
        case .deafen, .split, .lose: try lose([], place)
        case .shuffle:
            noise.shuffles = false
            try lose([], place)
        case .breakService(let node, let key, _, _): unlink(ServiceJournal.orders(key, on: self.node(node)))
        case .fillDisk(let node): unlink(filler(node))
        }
    }

    // MARK: Machines

    func thaw(_ number: Int) throws {
        try node(number).thaw()
        // What waits outside for a command in the node stops with it.
        for pid in operators { try Children.signal(pid, SIGCONT) }
    }

    private func cutPower(_ number: Int) throws {
        let node = node(number)
        guard node.isOn else { return }
        // The rig's power switch pulls all cables first, and a new machine has all its cards.
        for card in pulled.filter({ $0[0] == number }) { try node.insertInterface(card[1]) }
        pulled = pulled.filter { $0[0] != number }
        try node.cutPower()
        for journal in journals { try journal.notePowerCut(of: node.name) }
    }

    /// Switches a machine on and starts its daemon; what a reboot empties is empty.
    func returnPower(_ number: Int) throws {
        let node = node(number)
        if node.isOn { return }
        for name in FileSystem.names(in: node.runFolder) where name != "state" && name != "ha-log" {
            Folder.remove("\(node.runFolder)/\(name)")
        }
        try node.powerOn()
        try node.startDaemon()
    }

    /// Starts the daemon of a node where it has ended, as systemd does.
    func revive(_ number: Int) throws {
        let node = node(number)
        guard node.isOn else { return }
        if node.hasDaemon {
            guard let status = try node.daemonEnd() else { return }
            if (!mayEnd[number] || !Victim.ends.contains(status)) && !wasRefusedRoom(node, status) {
                findings.append("the daemon of \(node.name) ended by itself: \(status)")
            }
        }
        try node.startDaemon()
    }

    /// Ends that were asked for. A signal that comes before the daemon can obey it ends it.
    private static let ends: [ChildStatus] =
        [.exited(0)] + [SIGKILL, SIGTERM, SIGUSR1, SIGHUP].map { .killed(signal: $0) }

    /// A daemon that finds no room for its pid file says so and does not start.
    private func wasRefusedRoom(_ node: Node, _ status: ChildStatus) -> Bool {
        status == .exited(1) && node.log.split(separator: "\n").last?.hasSuffix("No space left on device") ?? false
    }

    private func daemonProcesses(_ number: Int) -> [NodeProcess] {
        node(number).processes.filter { $0.title.hasPrefix("heartbeat: ") }
    }

    private func fillDisk(_ number: Int) {
        let flags = O_WRONLY | O_CREAT | O_APPEND
        guard let file = try? Descriptor.open(filler(number), flags, mode: 0o600) else { return }
        for size in [65536, 4096, 1] {
            let bytes = [UInt8](repeating: 0, count: size)
            while write(file.raw, bytes, size) > 0 {}
        }
    }

    private func filler(_ number: Int) -> String { node(number).runFolder + "/filler" }

    // MARK: Networks

    private func plug(_ number: Int, _ bridges: [Int], up: Bool) throws {
        guard node(number).isOn else { return }
        for bridge in bridges where !pulled.contains([number, bridge]) {
            if up { try node(number).restoreLink(bridge) } else { try node(number).cutLink(bridge) }
        }
    }

    private func lose(_ frames: [FrameLoss], _ place: Int) throws {
        losses[place] = frames
        try cluster.network.disturb(losses.keys.sorted().flatMap { losses[$0] ?? [] })
    }

    /// The second medium is silent, on the first one every third message is lost, and all of them come again.
    private func shuffle(_ place: Int) throws {
        noise.shuffles = true
        var frames: [FrameLoss] = []
        for a in scenario.nodes.indices {
            for b in scenario.nodes.indices where a != b {
                frames.append(FrameLoss(from: a, to: b, bridge: 0, percent: 33, messagesOnly: true))
                frames.append(FrameLoss(from: a, to: b, bridge: 1, messagesOnly: true))
            }
        }
        try lose(frames, place)
    }

    // MARK: Operators

    /// Starts a command on a node; how it ends is not waited for.
    func operate(_ number: Int, _ words: [String]) throws {
        let node = node(number)
        guard node.isOn else { return }
        let program = "\(cluster.folder)/bin/\(words[0])"
        let arguments = words.dropFirst() + node.folderOptions(words[0])
        operators.append(try node.command([program] + arguments).start(descriptors: [1: silence.raw, 2: silence.raw]))
    }
}
