// The report as JSON. The schema is a promise, written down in hb(1): members are only ever added as long as
// schema_version stays.
import Admin
import ClusterModel
import JSON

enum StatusDocument {
    /// Grows when a member changes its meaning or goes away.
    static let schemaVersion: Int64 = 1

    static func json(_ report: ClusterReport) -> JSONValue {
        let problems = report.problems
        return .object([
            ("schema_version", .number(schemaVersion)),
            ("version", .string(report.version)),
            ("node", .string(report.localName)),
            ("status", .string(report.status.rawValue)),
            ("healthy", .bool(problems.isEmpty)),
            ("problems", strings(problems)),
            ("pid", .number(Int64(report.pid))),
            ("uptime_ms", milliseconds(report.runTime)),
            ("generation", number(report.generation)),
            ("leaving", .bool(report.isLeaving)),
            ("holdings", .string(report.holdings.rawValue)),
            ("auto_failback", .string(report.autoFailback.rawValue)),
            ("timing", timing(report.timing)),
            ("quorum", quorum(report.quorum)),
            ("lease", lease(report)),
            ("lacks", strings(report.lacks)),
            ("nodes", .array(report.nodes.map(node))),
            ("frozen", maintenance(report.frozen)),
            ("groups", .array(report.groups.map(group))),
            ("contested_addresses", .array(report.contests.map(contest))),
            ("media", .array(report.media.map(medium))),
            ("processes", .array(report.processes.map(process))),
            ("drops", .array(report.drops.map(drop))),
            ("events", .array(report.events.map(event))),
        ])
    }

    private static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    private static func optional(_ text: String?) -> JSONValue { JSONValue(text) { .string($0) } }

    private static func number(_ value: UInt64) -> JSONValue { .number(Int64(clamping: value)) }

    private static func milliseconds(_ time: Duration?) -> JSONValue {
        JSONValue(time) { .number($0.wholeMilliseconds) }
    }

    private static func timing(_ timing: TimingReport) -> JSONValue {
        .object([
            ("keepalive_ms", milliseconds(timing.keepalive)),
            ("warntime_ms", milliseconds(timing.warntime)),
            ("deadtime_ms", milliseconds(timing.deadtime)),
            ("initdead_ms", milliseconds(timing.initdead)),
            ("deadping_ms", milliseconds(timing.deadping)),
        ])
    }

    private static func quorum(_ quorum: QuorumReport) -> JSONValue {
        .object([
            ("policy", .string(quorum.policy.rawValue)),
            ("present", .bool(quorum.isPresent)),
            ("reachable_nodes", .number(Int64(quorum.reachable))),
            ("configured_nodes", .number(Int64(quorum.configured))),
            ("held_for_ms", milliseconds(quorum.heldFor)),
        ])
    }

    private static func lease(_ report: ClusterReport) -> JSONValue {
        .object([
            ("duration_ms", milliseconds(report.lease.duration)),
            ("margin_ms", milliseconds(report.timing.deadtime - report.lease.duration)),
            ("kernel", .bool(report.lease.isKernels)),
        ])
    }

    private static func node(_ node: NodeReport) -> JSONValue {
        .object([
            ("name", .string(node.name)),
            ("kind", .string(node.kind.rawValue)),
            ("local", .bool(node.isLocal)),
            ("status", .string(node.status.rawValue)),
            ("unreachable", .bool(node.isUnreachable)),
            ("leaving", .bool(node.isLeaving)),
            ("generation", number(node.generation)),
            ("age_ms", milliseconds(node.age)),
            ("dead_after_ms", milliseconds(node.deadInterval)),
            ("configuration_differs", .bool(node.differsInConfiguration)),
            ("dialect", .string(node.dialect.rawValue)),
            ("fencing", optional(node.fencing)),
            ("leaves_for_ms", milliseconds(node.leavesFor)),
            (
                "votes",
                .array(
                    node.votes.map { vote in
                        .object([
                            ("voter", .string(vote.voter)), ("hears", .bool(vote.age != nil)),
                            ("age_ms", milliseconds(vote.age)),
                        ])
                    })
            ),
            (
                "links",
                .array(
                    node.links.map { link in
                        .object([
                            ("medium", .string(link.directive)),
                            ("name", .string(link.name)),
                            ("status", .string(link.status.rawValue)),
                            ("age_ms", milliseconds(link.age)),
                        ])
                    })
            ),
        ])
    }

    private static func group(_ group: GroupReport) -> JSONValue {
        .object([
            ("name", .string(group.name)),
            ("preferred", .string(group.preferred)),
            ("resources", strings(group.resources)),
            ("owner", optional(group.owner)),
            ("state", .string(group.state.rawValue)),
            ("epoch", number(group.epoch)),
            ("wanted", optional(group.wanted)),
            ("unmanaged", maintenance(group.unmanaged)),
            (
                "failures",
                .array(
                    group.failures.map { failure in
                        .object([
                            ("node", .string(failure.node)),
                            ("count", .number(Int64(failure.count))),
                            ("reason", optional(failure.reason)),
                        ])
                    })
            ),
            (
                "resource_failures",
                .array(
                    group.resourceFailures.map { failure in
                        .object([
                            ("resource", .string(failure.resource)),
                            ("count", .number(Int64(failure.count))),
                            ("operation", .string(failure.operation)),
                            ("reason", .string(failure.reason)),
                            ("age_ms", milliseconds(failure.age)),
                            ("output", .string(failure.output)),
                        ])
                    })
            ),
            ("waits_for", strings(group.waitsFor)),
            ("waits_for_fencing", strings(group.waitsForFencing)),
        ])
    }

    private static func contest(_ contest: ContestReport) -> JSONValue {
        .object([
            ("address", .string(contest.address)),
            ("interface", .string(contest.interface)),
            ("group", .string(contest.group)),
            ("machine", .string(contest.machine)),
            ("claims", number(contest.count)),
            ("age_ms", milliseconds(contest.age)),
        ])
    }

    private static func maintenance(_ maintenance: MaintenanceReport?) -> JSONValue {
        JSONValue(maintenance) { maintenance in
            .object([
                ("node", .string(maintenance.node)),
                ("user", .string(maintenance.user)),
                ("reason", .string(maintenance.reason)),
                ("time", .number(maintenance.time)),
                ("remaining_ms", milliseconds(maintenance.remaining)),
            ])
        }
    }

    private static func medium(_ medium: MediumReport) -> JSONValue {
        .object([
            ("medium", .string(medium.directive)),
            ("name", .string(medium.name)),
            ("open", .bool(medium.isOpen)),
            ("reason", optional(medium.reason)),
        ])
    }

    private static func process(_ process: ProcessReport) -> JSONValue {
        .object([("role", .string(process.role)), ("pid", .number(Int64(process.pid)))])
    }

    private static func drop(_ drop: DropReport) -> JSONValue {
        .object([("cause", .string(drop.cause)), ("count", number(drop.count))])
    }

    private static func event(_ event: EventReport) -> JSONValue {
        .object([
            ("time", .number(event.time)),
            ("level", .string(event.level.word.lowercased())),
            ("event", .string(event.event)),
            ("text", .string(event.text)),
        ])
    }
}
