// From the bytes of mon.cf and auth.cf to values, and everything there is to say about them.
import ClusterConfig
import ClusterModel
import Monitoring

/// Reads the files of the service monitor.
package enum MonitorConfigReader {
    /// Largest file, in bytes.
    package static let sizeMax = 16 << 20

    /// Reads and checks a mon.cf. The configuration is nil if and only if a diagnostic is an error. Diagnostics come
    /// from top to bottom. `path`: as it is to stand in diagnostics.
    package static func read(
        path: String, bytes: [UInt8]
    ) -> (configuration: MonitorConfiguration?, diagnostics: [Diagnostic]) {
        guard bytes.count <= sizeMax else {
            let message = "\(bytes.count) bytes long, \(sizeMax) at most are read"
            return (nil, [Diagnostic(.error, Excerpt(file: path), message)])
        }
        var parser = MonConfigParser()
        parser.parse(ConfigLine.lines(of: bytes, path: path))
        parser.check()
        let sorted = parser.diagnostics.enumerated().sorted { a, b in
            let (first, second) = (a.element.location, b.element.location)
            let keys = ([first.line, first.column, a.offset], [second.line, second.column, b.offset])
            return keys.0.lexicographicallyPrecedes(keys.1)
        }.map(\.element)
        return (sorted.hasErrors ? nil : parser.configuration, sorted)
    }

    /// Reads an auth.cf. The value is nil if and only if a diagnostic is an error. Names of hosts are not resolved.
    package static func readAuthorization(
        path: String, bytes: [UInt8]
    ) -> (authorization: Authorization?, diagnostics: [Diagnostic]) {
        var parser = AuthConfigParser()
        for line in ConfigLine.lines(of: bytes, path: path) where !line.isBlank { parser.read(line) }
        return (parser.diagnostics.hasErrors ? nil : parser.authorization, parser.diagnostics)
    }
}

extension MonConfigParser {
    /// What can only be judged when all has been read.
    mutating func check() {
        for (index, group) in configuration.groups.enumerated() where !configuration.watches.contains(group.name) {
            report(.warning, groupPlaces[index], "hostgroup \(group.name): no watch is for it")
        }
        for (index, watch) in configuration.watches.enumerated() {
            if configuration.group(watch) == nil {
                report(.warning, watchPlaces[index],
                    "watch group \(watch) defined with no corresponding hostgroup",
                    help: "it is taken for a group whose only host is \(watch)")
                configuration.groups.append(HostGroup(name: watch, hosts: [HostGroup.Host(name: watch)]))
                groupPlaces.append(watchPlaces[index])
            }
            if !configuration.services.contains(where: { $0.group == watch }) {
                report(.warning, watchPlaces[index], "watch \(watch): has no service")
            }
        }
        for (index, service) in configuration.services.enumerated() { check(service, servicePlaces[index]) }
        for (_, expression, place) in dependencyPlaces {
            for name in expression.services where !isKnown(name) {
                report(.warning, place, "\(name): there is no such service, it counts as failing")
            }
        }
    }

    private mutating func check(_ service: ServiceDefinition, _ place: Excerpt) {
        if service.interval != nil, service.monitor == nil {
            report(.warning, place, "service \(service.name): has an interval and no monitor, nothing is checked")
        }
        if service.interval == nil, service.monitor != nil {
            report(.warning, place, "service \(service.name): has a monitor and no interval, it runs on demand only")
        }
    }

    private func isKnown(_ name: ServiceName) -> Bool {
        configuration.services.contains { $0.group == name.group && $0.name == name.service }
    }
}
