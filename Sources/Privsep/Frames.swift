// The messages between the processes of one node, one enum for each direction. Descriptors ride along where a case
// says so. The version is in the arguments of every helper (`Launch.protocolVersion`).
import ClusterModel
import Failovers

/// A message that knows its bytes.
package protocol Frame: Equatable, Sendable {
    func encode(into writer: inout FrameWriter)
    init(decoding reader: inout FrameReader) throws(FrameError)
}

/// A client's connection to the control process.
package typealias ClientID = UInt32

/// One process of the node.
package struct RunningProcess: Equatable, Sendable {
    /// As its title says: `status process`.
    package var role: String
    package var pid: Int32

    package init(role: String, pid: Int32) {
        self.role = role
        self.pid = pid
    }
}

/// What the control process tells the status process.
package enum ControlToStatus: Frame {
    /// The node's own facts; rides with one descriptor, a memory file that holds a `ConfigurationBundle`. First frame;
    /// sent again after SIGHUP with the files as they are then. `confirmedFor`: of the last `confirms` on this machine;
    /// nil where none was since it was booted.
    case configure(generation: UInt64, uuid: [UInt8], confirmedFor: Duration?)
    /// A medium's new workers; rides with two descriptors: frames from its read worker, frames to its write worker.
    case medium(index: UInt16)
    /// A medium cannot be opened now, or its workers died.
    case mediumDown(index: UInt16, reason: String)
    /// Rides with one descriptor: the channel to the resource manager.
    case resourceManager
    /// A client's request, an ha_msg in wire text. `privileged`: root or a member of the administrators' group.
    case request(client: ClientID, privileged: Bool, bytes: [UInt8])
    case clientGone(client: ClientID)
    /// Rides with one descriptor: the channel to the client service.
    case clientService
    /// Rides with one descriptor: the channel to the notifier. A new one replaces the old.
    case notifier
    /// A message of the FIFO for the cluster, in classic text.
    case inject([UInt8])
    /// Release everything and finish.
    case shutdown
    /// Finish at once, keep the resources where they are.
    case handOver
    /// The node's processes as they are now, for those who ask; the first is the control process. `watchdog`: what the
    /// watchdog of ha.cf does not protect from; nil where it does, and where ha.cf names none.
    case processes([RunningProcess], watchdog: String?)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .configure(let generation, let uuid, let confirmedFor):
            writer.write(UInt8(1))
            writer.write(generation)
            writer.write(bytes: uuid)
            writer.write(confirmedFor != nil)
            writer.write(confirmedFor?.wholeNanoseconds ?? 0)
        case .medium(let index):
            writer.write(UInt8(2))
            writer.write(index)
        case .mediumDown(let index, let reason):
            writer.write(UInt8(3))
            writer.write(index)
            writer.write(reason)
        case .resourceManager: writer.write(UInt8(4))
        case .request(let client, let privileged, let bytes):
            writer.write(UInt8(5))
            writer.write(client)
            writer.write(privileged)
            writer.write(bytes: bytes)
        case .clientGone(let client):
            writer.write(UInt8(6))
            writer.write(client)
        case .shutdown: writer.write(UInt8(7))
        case .handOver: writer.write(UInt8(8))
        case .processes(let list, let watchdog):
            writer.write(UInt8(9))
            writer.write(watchdog != nil)
            writer.write(watchdog ?? "")
            writer.write(UInt16(list.count))
            for process in list {
                writer.write(process.role)
                writer.write(process.pid)
            }
        case .clientService: writer.write(UInt8(10))
        case .notifier: writer.write(UInt8(12))
        case .inject(let bytes):
            writer.write(UInt8(11))
            writer.write(bytes: bytes)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1:
            let (generation, uuid) = (try reader.read(UInt64.self), try reader.readBytes())
            let (isKnown, time) = (try reader.readBool(), try reader.read(Int64.self))
            self = .configure(
                generation: generation, uuid: uuid, confirmedFor: isKnown ? .nanoseconds(time) : nil)
        case 2: self = .medium(index: try reader.read(UInt16.self))
        case 3: self = .mediumDown(index: try reader.read(UInt16.self), reason: try reader.readString())
        case 4: self = .resourceManager
        case 5:
            self = .request(
                client: try reader.read(ClientID.self), privileged: try reader.readBool(), bytes: try reader.readBytes()
            )
        case 6: self = .clientGone(client: try reader.read(ClientID.self))
        case 7: self = .shutdown
        case 8: self = .handOver
        case 9:
            let (isLacking, watchdog) = (try reader.readBool(), try reader.readString())
            var list: [RunningProcess] = []
            for _ in 0..<(try reader.read(UInt16.self)) {
                list.append(RunningProcess(role: try reader.readString(), pid: try reader.read(Int32.self)))
            }
            self = .processes(list, watchdog: isLacking ? watchdog : nil)
        case 10: self = .clientService
        case 12: self = .notifier
        case 11: self = .inject(try reader.readBytes())
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What the status process tells the control process.
package enum StatusToControl: Frame {
    /// The node's state changed; `line` is shown as the unit's status. `active`: fully joined.
    case state(active: Bool, line: String)
    /// Part of an answer to a client. `last`: the connection may be closed.
    case response(client: ClientID, bytes: [UInt8], last: Bool)
    /// The check-in that control's watchdog waits for, with its time: one that was read late proves little.
    case alive(at: Instant)
    /// What goes out from here on binds this node for so long after its end (`Effect.confirms`).
    case confirms(for: Duration)
    /// Everything is released; the node may end.
    case finished

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .state(let active, let line):
            writer.write(UInt8(1))
            writer.write(active)
            writer.write(line)
        case .response(let client, let bytes, let last):
            writer.write(UInt8(2))
            writer.write(client)
            writer.write(bytes: bytes)
            writer.write(last)
        case .alive(let time):
            writer.write(UInt8(3))
            writer.write(time.nanoseconds)
        case .finished: writer.write(UInt8(4))
        case .confirms(let time):
            writer.write(UInt8(5))
            writer.write(time.wholeNanoseconds)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .state(active: try reader.readBool(), line: try reader.readString())
        case 2:
            self = .response(
                client: try reader.read(ClientID.self), bytes: try reader.readBytes(), last: try reader.readBool())
        case 3: self = .alive(at: Instant(nanoseconds: try reader.read(Int64.self)))
        case 4: self = .finished
        case 5: self = .confirms(for: .nanoseconds(try reader.read(Int64.self)))
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What the resource manager tells the control process.
package enum ResourceToControl: Frame {
    /// The check-in that control's watchdog waits for.
    case alive

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .alive: writer.write(UInt8(1))
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .alive
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// Names one order and its outcome. Never used twice by one status process.
package typealias OperationID = UInt64

/// What the status process tells the resource manager. Groups go by name, so that the two processes need not have
/// read the same haresources.
package enum StatusToResource: Frame {
    /// Report what this node holds, now and for every group: answered by `.inventory`. First frame on each channel.
    case takeInventory
    /// Start the group's resources in order. Answered by `.finished`. `isCold`: nobody is known to have had the group
    /// just before.
    case start(operation: OperationID, group: String, epoch: UInt64, isCold: Bool = false)
    /// Stop the group's resources in reverse, with the configured retries. Answered by `.finished`. A start of the
    /// same group that is still running is ended first and answered as failed. `isForfeit`: another node may serve the
    /// group by now, so its addresses go at once, before anything else of it is stopped.
    case stop(operation: OperationID, group: String, isForfeit: Bool = false)
    /// The group is rightly held here after a contested claim or a pause: check every resource, put back what is
    /// missing, announce addresses again. Answered by `.finished`.
    case reassert(operation: OperationID, group: String, epoch: UInt64)
    /// The configured escalation of a stop that failed: reboot this node at once.
    case reboot(reason: String)
    /// Power another node off with the devices of this one. Answered by `.fenced`; as failed, and not carried out,
    /// where it is read after `until`.
    case fence(operation: OperationID, node: String, until: Instant)
    /// An order to fence is not tried again: the node is back. It is answered as any other.
    case recall(operation: OperationID)
    /// Until when this node may hold groups, as far as it was heard; kept for the next status process.
    case entitled(until: Instant)
    /// An operator's cleanup: what failed in the group is forgotten.
    case forgetFailures(group: String)
    /// Whether a failure that a monitor finds in the group is only told: an operator wants nothing to be started or
    /// stopped. No group is suspended at the beginning of a channel.
    case suspend(group: String, Bool)
    /// A resource of a group that is held here, by its place in haresources, is reported as failed: what follows is
    /// what follows a failure that its monitor finds.
    case fail(group: String, resource: UInt32, reason: String)

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .takeInventory: writer.write(UInt8(1))
        case .start(let operation, let group, let epoch, let isCold):
            writer.write(UInt8(2))
            writer.write(operation)
            writer.write(group)
            writer.write(epoch)
            writer.write(isCold)
        case .stop(let operation, let group, let isForfeit):
            writer.write(UInt8(3))
            writer.write(operation)
            writer.write(group)
            writer.write(isForfeit)
        case .reassert(let operation, let group, let epoch):
            writer.write(UInt8(4))
            writer.write(operation)
            writer.write(group)
            writer.write(epoch)
        case .reboot(let reason):
            writer.write(UInt8(5))
            writer.write(reason)
        case .entitled(let until):
            writer.write(UInt8(6))
            writer.write(until.nanoseconds)
        case .fence(let operation, let node, let until):
            writer.write(UInt8(7))
            writer.write(operation)
            writer.write(node)
            writer.write(until.nanoseconds)
        case .recall(let operation):
            writer.write(UInt8(11))
            writer.write(operation)
        case .forgetFailures(let group):
            writer.write(UInt8(8))
            writer.write(group)
        case .suspend(let group, let isSuspended):
            writer.write(UInt8(9))
            writer.write(group)
            writer.write(isSuspended)
        case .fail(let group, let resource, let reason):
            writer.write(UInt8(10))
            writer.write(group)
            writer.write(resource)
            writer.write(reason)
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1: self = .takeInventory
        case 2:
            self = .start(
                operation: try reader.read(UInt64.self), group: try reader.readString(),
                epoch: try reader.read(UInt64.self), isCold: try reader.readBool())
        case 3:
            self = .stop(
                operation: try reader.read(UInt64.self), group: try reader.readString(),
                isForfeit: try reader.readBool())
        case 4:
            self = .reassert(
                operation: try reader.read(UInt64.self), group: try reader.readString(),
                epoch: try reader.read(UInt64.self))
        case 5: self = .reboot(reason: try reader.readString())
        case 6: self = .entitled(until: Instant(nanoseconds: try reader.read(Int64.self)))
        case 7:
            self = .fence(
                operation: try reader.read(UInt64.self), node: try reader.readString(),
                until: Instant(nanoseconds: try reader.read(Int64.self)))
        case 11: self = .recall(operation: try reader.read(UInt64.self))
        case 8: self = .forgetFailures(group: try reader.readString())
        case 9: self = .suspend(group: try reader.readString(), try reader.readBool())
        case 10:
            self = .fail(
                group: try reader.readString(), resource: try reader.read(UInt32.self), reason: try reader.readString())
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// What another machine does to an address that a group holds here.
package struct ContestedAddress: Equatable, Sendable {
    package var group: String
    package var address: String
    package var interface: String
    /// Of the other machine, in words.
    package var machine: String
    /// Claims since this was told last.
    package var count: UInt32

    package init(group: String, address: String, interface: String, machine: String, count: UInt32) {
        self.group = group
        self.address = address
        self.interface = interface
        self.machine = machine
        self.count = count
    }
}

/// What the resource manager tells the status process.
package enum ResourceToStatus: Frame {
    /// Answer to `takeInventory`: one entry for each configured group. `entitledUntil`: of the last `entitled`; nil
    /// where there was none since the machine booted.
    case inventory([GroupInventory], entitledUntil: Instant?)
    /// An order is done. `failure` is nil on success, else one line: resource, operation, its own words.
    /// After a failed start nothing of the group runs, unless `remains`; after a failed stop `remains` is true when
    /// a resource may still run.
    case finished(operation: OperationID, failure: String?, remains: Bool)
    /// A resource that should run was found lost and could not be put back.
    case lost(group: String, reason: String)
    /// A group is stopped unasked, for the right to hold it has ended and the status process is silent.
    case forfeited(group: String, reason: String)
    /// An order to fence is done. `failure` is nil where a device has said that the node was powered off.
    case fenced(operation: OperationID, failure: String?)
    /// Another machine claims an address that is held here. It was answered and stays here. At most once in ten seconds
    /// for each address.
    case contested(ContestedAddress)
    /// How the kernel ends held addresses, where it is not as ha.cf has it; sent with the inventory.
    case leaseLacks(String)
    /// All that went wrong with the resources of a group since the last cleanup.
    case failures(group: String, [ResourceFailure])
    /// What was done with the resources of groups, for the record of failovers: steps of the kinds `worked`,
    /// `addressUp` and `announced`, each with its group.
    case worked([FailoverStep])

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .leaseLacks(let reason):
            writer.write(UInt8(9))
            writer.write(reason)
        case .worked(let steps):
            writer.write(UInt8(7))
            writer.write(UInt32(steps.count))
            for step in steps { step.encode(into: &writer) }
        case .contested(let contest):
            writer.write(UInt8(5))
            writer.write(contest.group)
            writer.write(contest.address)
            writer.write(contest.interface)
            writer.write(contest.machine)
            writer.write(contest.count)
        case .inventory(let groups, let entitledUntil):
            writer.write(UInt8(1))
            writer.write(entitledUntil != nil)
            writer.write(entitledUntil?.nanoseconds ?? 0)
            writer.write(UInt32(groups.count))
            for group in groups {
                writer.write(group.group)
                writer.write(group.state.rawValue)
                writer.write(group.epoch)
            }
        case .finished(let operation, let failure, let remains):
            writer.write(UInt8(2))
            writer.write(operation)
            writer.write(failure != nil)
            writer.write(failure ?? "")
            writer.write(remains)
        case .lost(let group, let reason):
            writer.write(UInt8(3))
            writer.write(group)
            writer.write(reason)
        case .forfeited(let group, let reason):
            writer.write(UInt8(8))
            writer.write(group)
            writer.write(reason)
        case .fenced(let operation, let failure):
            writer.write(UInt8(4))
            writer.write(operation)
            writer.write(failure != nil)
            writer.write(failure ?? "")
        case .failures(let group, let failures):
            writer.write(UInt8(6))
            writer.write(group)
            writer.write(UInt32(failures.count))
            for failure in failures {
                writer.write(failure.resource)
                writer.write(UInt64(max(0, failure.count)))
                writer.write(failure.operation)
                writer.write(failure.reason)
                writer.write(failure.output)
                writer.write(failure.at.nanoseconds)
            }
        }
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        switch try reader.read(UInt8.self) {
        case 1:
            let isEntitled = try reader.readBool()
            let until = Instant(nanoseconds: try reader.read(Int64.self))
            var groups: [GroupInventory] = []
            for _ in 0..<(try reader.read(UInt32.self)) {
                let name = try reader.readString()
                guard let state = GroupInventory.State(rawValue: try reader.read(UInt8.self)) else {
                    throw FrameError(reason: "unknown state of a group")
                }
                groups.append(GroupInventory(group: name, state: state, epoch: try reader.read(UInt64.self)))
            }
            self = .inventory(groups, entitledUntil: isEntitled ? until : nil)
        case 2:
            let operation = try reader.read(UInt64.self)
            let failed = try reader.readBool()
            let text = try reader.readString()
            self = .finished(operation: operation, failure: failed ? text : nil, remains: try reader.readBool())
        case 3: self = .lost(group: try reader.readString(), reason: try reader.readString())
        case 9: self = .leaseLacks(try reader.readString())
        case 8: self = .forfeited(group: try reader.readString(), reason: try reader.readString())
        case 4:
            let operation = try reader.read(UInt64.self)
            let failed = try reader.readBool()
            let text = try reader.readString()
            self = .fenced(operation: operation, failure: failed ? text : nil)
        case 5:
            self = .contested(
                ContestedAddress(
                    group: try reader.readString(), address: try reader.readString(),
                    interface: try reader.readString(), machine: try reader.readString(),
                    count: try reader.read(UInt32.self)))
        case 6:
            let group = try reader.readString()
            var failures: [ResourceFailure] = []
            for _ in 0..<(try reader.read(UInt32.self)) {
                failures.append(
                    ResourceFailure(
                        resource: try reader.readString(), count: Int(clamping: try reader.read(UInt64.self)),
                        operation: try reader.readString(), reason: try reader.readString(),
                        output: try reader.readString(), at: Instant(nanoseconds: try reader.read(Int64.self))))
            }
            self = .failures(group: group, failures)
        case 7:
            var steps: [FailoverStep] = []
            for _ in 0..<(try reader.read(UInt32.self)) { steps.append(try FailoverStep(decoding: &reader)) }
            self = .worked(steps)
        case let type: throw FrameError(reason: "unknown frame type \(type)")
        }
    }
}

/// A message that a read worker took from its medium, with the time of its arrival.
package struct ReceivedDatagram: Frame {
    package var arrival: Instant
    /// One message in wire text, as it came.
    package var bytes: [UInt8]

    package init(arrival: Instant, bytes: [UInt8]) {
        self.arrival = arrival
        self.bytes = bytes
    }

    package func encode(into writer: inout FrameWriter) {
        writer.write(arrival.nanoseconds)
        writer.write(bytes: bytes)
    }

    package init(decoding reader: inout FrameReader) throws(FrameError) {
        arrival = Instant(nanoseconds: try reader.read(Int64.self))
        bytes = try reader.readBytes()
    }
}
