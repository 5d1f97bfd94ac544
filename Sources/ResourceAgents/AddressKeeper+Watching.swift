// What others do to held addresses: the kernel tells of those that are removed, copied or found taken, and of their
// interfaces; other machines tell by claiming them.
import CLinux
import ClusterModel
import Leases
import LinuxSystem
import Reactor

extension AddressKeeper {
    /// An address is put back this often within `putBackWindow`; then somebody wants it gone, and it is given up.
    private static let putBackMax = 5
    private static let putBackWindow: Duration = .seconds(10)

    func take(_ events: [NetworkEvent]) {
        var hasOtherLinks = false
        // Hundreds of addresses that were brought up are told of one by one.
        let own = Set(events.count > 1 ? held.map { Form($0.address) } : [])
        for event in events {
            switch event {
            case .address(let event):
                if !event.isRemoved, !event.address.isDuplicate, own.contains(Form(event.address)) { continue }
                changed(event)
            case .link(let event):
                changed(event)
                hasOtherLinks = true
            case .overrun:
                checkAll()
                hasOtherLinks = true
            }
        }
        if hasOtherLinks { conflicts.interfacesChanged() }
    }

    /// What tells two addresses of the kernel's table apart.
    private struct Form: Hashable {
        var address: IPAddress
        var interface: UInt32
        var prefixLength: UInt8

        init(_ address: InterfaceAddress) {
            self.address = address.address
            interface = address.interface
            prefixLength = UInt8(clamping: address.prefixLength)
        }
    }

    // MARK: Addresses

    private func changed(_ event: AddressEvent) {
        guard let index = held.firstIndex(where: { $0.address.isSame(as: event.address) }) else { return copied(event) }
        if event.isRemoved, lease?.hasRemoved(by: Clock.now()) == true {
            lose(index, "\(event.address.address) has outlived this node's right to hold it")
        } else if event.isRemoved {
            putBack(index, by: Requester.text(event.requester))
        } else if event.address.isDuplicate {
            lose(index, "another machine on the link uses \(event.address.address)")
        }
    }

    /// The same address elsewhere, or with another prefix: harmless while this node has it, a second owner afterwards.
    private func copied(_ event: AddressEvent) {
        guard let index = held.firstIndex(where: { $0.address.address == event.address.address }) else { return }
        let known = held[index].copies.firstIndex { $0.isSame(as: event.address) }
        if event.isRemoved {
            if let known { held[index].copies.remove(at: known) }
        } else if known == nil, held[index].copies.count < AddressKeeper.copiesMax {
            held[index].copies.append(event.address)
            let entry = held[index]
            let name = links[event.address.interface]?.name ?? "interface \(event.address.interface)"
            log(
                LogRecord(
                    .warning, "address-copied",
                    "\(event.address.address)/\(event.address.prefixLength) was added on \(name) by "
                        + "\(Requester.text(event.requester)), where this node holds it as "
                        + "/\(entry.address.prefixLength): it will be removed with that",
                    [Setting(name: "GROUP", value: entry.group)]))
        }
    }

    private static let copiesMax = 8

    private func putBack(_ index: Int, by requester: String) {
        let now = Clock.now()
        held[index].putBacks.removeAll { now - $0 > AddressKeeper.putBackWindow }
        let entry = held[index]
        let name = "\(entry.address.address)/\(entry.address.prefixLength)"
        if entry.putBacks.count >= AddressKeeper.putBackMax {
            return lose(index, "\(name) is removed again and again, at last by \(requester)")
        }
        held[index].putBacks.append(now)
        do throws(SystemError) {
            switch try session.add([entry.address]).first {
            case 0, nil: break
            case EEXIST: return  // The event is older than what we hold.
            case .some(let code): return lose(index, "\(name) was removed by \(requester): \(SystemError.text(code))")
            }
        } catch {
            return lose(index, "\(name) was removed by \(requester): \(error)")
        }
        log(
            LogRecord(
                .warning, "address-restored",
                "\(name) was removed by \(requester): put back (\(entry.putBacks.count + 1) of "
                    + "\(AddressKeeper.putBackMax) times in \(AddressKeeper.putBackWindow.wholeMilliseconds / 1000) s)",
                [Setting(name: "GROUP", value: entry.group)]))
        announcer.announce([entry.place])
    }

    private func lose(_ index: Int, _ reason: String) {
        let entry = held.remove(at: index)
        announcer.drop([entry.place])
        conflicts.drop([entry.place])
        log(LogRecord(.error, "address-lost", reason, [Setting(name: "GROUP", value: entry.group)]))
        onLost(entry.group, reason)
    }

    /// After lost events: compares everything held with what is there.
    private func checkAll() {
        do throws(SystemError) {
            tables.distrust()
            let tables = try tables.current()
            for index in held.indices.reversed() {
                let address = held[index].address
                if !tables.forms(of: address.address).contains(where: { $0.isSame(as: address) }) {
                    putBack(index, by: "somebody else")
                }
            }
        } catch {
            log(LogRecord(.error, "netlink", "\(error)"))
        }
    }

    // MARK: Interfaces

    private func changed(_ event: LinkEvent) {
        let interface = event.interface
        guard !event.isRemoved, let before = links[interface.index] else {
            links[interface.index] = nil
            return
        }
        noteLinks([interface])
        let here = held.filter { $0.address.interface == interface.index }
        if before.name != interface.name {
            log(
                LogRecord(
                    .warning, "interface-renamed",
                    "\(before.name) is called \(interface.name) from here on: \(here.count) held addresses stay on it. "
                        + "Lines of haresources that name \(before.name) fail at their next start",
                    [Setting(name: "INTERFACE", value: interface.name)]))
        }
        let moved = before.hardwareAddress != interface.hardwareAddress
        guard interface.isRunning else { return returns[interface.index] = nil }
        if moved || event.movesPort {
            announcer.announce(here.map(\.place))
        } else if !before.isRunning {
            announceSoon(interface.index)
        }
    }

    /// The link of an interface has come back.
    private func announceSoon(_ interface: UInt32) {
        let due = Clock.now() + linkPause
        conflicts.yield(until: due)
        do throws(SystemError) {
            returns[interface] = try loop.onTime(due) { [unowned self] in
                let ended = returns.removeValue(forKey: interface)
                withExtendedLifetime(ended) {
                    announcer.announce(held.filter { $0.address.interface == interface }.map(\.place))
                }
            }
        } catch {
            log(LogRecord(.error, "announce-failed", "no announcement: \(error)"))
        }
    }

    /// Remembers how the interfaces of held addresses are.
    func noteLinks(_ interfaces: [NetworkInterface]) {
        for interface in interfaces where held.contains(where: { $0.address.interface == interface.index }) {
            links[interface.index] = LinkState(
                name: interface.name, isRunning: interface.isRunning, hardwareAddress: interface.hardwareAddress)
        }
    }

    // MARK: Other machines

    func tell(_ contest: AddressContest) {
        guard let entry = held.first(where: { $0.place == contest.claim.place }) else { return }
        onContest(entry.group, contest)
    }
}

/// Who asked the kernel for a change.
private enum Requester {
    /// Greater numbers are no process ids (PID_MAX_LIMIT).
    private static let pidMax: UInt32 = 4 << 20

    /// By what netlink tells: a port that is most often a process id. A tool that ran for a moment is gone by now.
    static func text(_ port: UInt32) -> String {
        guard port != 0 else { return "the kernel" }
        guard port <= pidMax else { return "somebody else" }
        guard let name = FileSystem.text(of: "/proc/\(port)/comm", limit: 64)?.split(separator: "\n").first else {
            return "process \(port), which has ended"
        }
        return "process \(port) (\(name))"
    }
}

extension MACAddress {
    /// In words, for an operator who is to find it.
    package var machine: String {
        virtualRouter.map { "\(self), the virtual router \($0) of VRRP," } ?? "\(self)"
    }
}
