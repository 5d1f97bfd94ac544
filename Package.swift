// swift-tools-version: 6.2
// Targets stand in the order of their dependencies: what is pure first, then what touches the system, then one
// executable for each process and one for the tools. What a process may do is what its target may import.
import PackageDescription

/// Swift 6 without exceptions; a warning is an error.
let edge: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Pure targets import the standard library only and contain no unsafe code.
let pure: [SwiftSetting] = edge + [.strictMemorySafety()]

let package = Package(
    name: "heartbeat",
    // What is loaded before the programs of a test's nodes.
    products: [.library(name: "ClockStep", type: .dynamic, targets: ["ClockStep"])],
    targets: [
        // System libraries and the C declarations that Swift lacks.
        .target(name: "CLinux", linkerSettings: [.linkedLibrary("m")]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CGcrypt", pkgConfig: "libgcrypt", providers: [.apt(["libgcrypt20-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CPAM", pkgConfig: "pam", providers: [.apt(["libpam0g-dev"])]),
        .target(name: "CMount"),
        .systemLibrary(name: "CNetfilter", pkgConfig: "libnftnl", providers: [.apt(["libnftnl-dev", "libmnl-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
        .systemLibrary(name: "CTLS", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),

        // Pure.
        .target(name: "ClusterModel", swiftSettings: pure),
        .target(name: "Messaging", swiftSettings: pure),
        .target(name: "ClusterConfig", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "Failovers", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "ClusterCore", dependencies: ["ClusterModel", "Failovers", "Messaging"], swiftSettings: pure),
        .target(name: "Timeliness", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "Monitoring", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(
            name: "MonitorConfig", dependencies: ["ClusterConfig", "ClusterModel", "Monitoring"], swiftSettings: pure),
        .target(
            name: "Simulation",
            dependencies: ["ClusterCore", "ClusterModel", "Messaging"],
            swiftSettings: pure),

        // The edge of the system.
        .target(name: "JSON", dependencies: ["CJansson"], swiftSettings: edge),
        .target(name: "Compression", dependencies: ["CBzip2", "CZlib", "Messaging"], swiftSettings: edge),
        .target(
            name: "Digests", dependencies: ["CGcrypt", "ClusterModel", "Compression", "Messaging"],
            swiftSettings: edge),
        .target(name: "LinuxSystem", dependencies: ["CLinux", "ClusterModel"], swiftSettings: edge),
        .target(
            name: "Journal",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem"],
            swiftSettings: edge),
        .target(
            name: "Reactor",
            dependencies: ["CLinux", "CSystemd", "ClusterModel", "LinuxSystem"],
            swiftSettings: edge),
        .target(
            name: "Privsep",
            dependencies: ["CLinux", "ClusterConfig", "ClusterModel", "Failovers", "LinuxSystem"],
            swiftSettings: edge),
        .target(
            name: "Leases",
            dependencies: ["CLinux", "CNetfilter", "ClusterModel", "LinuxSystem"],
            swiftSettings: edge),
        .target(
            name: "Media",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem"],
            swiftSettings: edge),
        .target(
            name: "ResourceAgents",
            dependencies: [
                "CLinux", "CMount", "ClusterModel", "Failovers", "Leases", "LinuxSystem", "Reactor",
            ],
            swiftSettings: edge),
        .target(
            name: "Agents", dependencies: ["CExpat", "CLinux", "LinuxSystem", "ResourceAgents", "ClusterModel"],
            swiftSettings: edge),
        .target(
            name: "Admin",
            dependencies: [
                "CLinux", "ClusterConfig", "ClusterModel", "Failovers", "LinuxSystem", "Messaging", "Timeliness",
            ],
            swiftSettings: edge),
        .target(
            name: "Notifications",
            dependencies: [
                "CLinux", "ClusterModel", "Journal", "LinuxSystem", "Privsep", "Reactor", "ResourceAgents",
            ],
            swiftSettings: edge),
        .target(
            name: "WebTransfers", dependencies: ["CCurl", "CLinux", "LinuxSystem", "Reactor", "ClusterModel"],
            swiftSettings: edge),
        .target(
            name: "Probes",
            dependencies: [
                "CCares", "CLinux", "CTLS", "ClusterConfig", "ClusterModel", "LinuxSystem", "Reactor", "WebTransfers",
            ],
            swiftSettings: edge),
        .target(
            name: "Alerts",
            dependencies: [
                "Admin", "CLinux", "ClusterConfig", "ClusterModel", "JSON", "LinuxSystem", "Messaging", "Probes",
                "Reactor", "WebTransfers",
            ],
            swiftSettings: edge),

        // One target for each process: what a process may do is what its target may import.
        .target(
            name: "Control",
            dependencies: [
                "Admin", "CLinux", "CSystemd", "ClusterConfig", "ClusterModel", "Journal", "LinuxSystem", "Media",
                "Messaging", "Notifications", "Privsep", "Reactor",
            ],
            swiftSettings: edge),
        .target(
            name: "Status",
            dependencies: [
                "Admin", "CLinux", "ClusterCore", "ClusterModel", "Digests", "Failovers", "Journal", "LinuxSystem",
                "Messaging", "Privsep", "Reactor", "Timeliness",
            ],
            swiftSettings: edge),
        .target(
            name: "ClientService",
            dependencies: [
                "Admin", "CLinux", "ClusterConfig", "ClusterModel", "Journal", "LinuxSystem", "Messaging", "Privsep",
                "Reactor",
            ],
            swiftSettings: edge),
        .target(
            name: "Workers",
            dependencies: ["CLinux", "ClusterModel", "Journal", "LinuxSystem", "Media", "Messaging", "Privsep"],
            swiftSettings: edge),
        .target(
            name: "Resources",
            dependencies: [
                "CLinux", "ClusterModel", "Journal", "Leases", "LinuxSystem", "Privsep", "Reactor", "ResourceAgents",
            ],
            swiftSettings: edge),

        .target(
            name: "MonitorService",
            dependencies: [
                "Admin", "CCrypt", "CLinux", "CPAM", "CSystemd", "ClusterConfig", "ClusterModel", "Journal",
                "LinuxSystem", "MonitorConfig", "Monitoring", "Reactor",
            ],
            swiftSettings: edge),

        // The daemon, whose processes share one program, the service monitor, and the tools.
        .executableTarget(
            name: "heartbeat",
            dependencies: [
                "CLinux", "ClientService", "Control", "Notifications", "ResourceAgents", "Resources", "Status",
                "Workers",
            ],
            swiftSettings: edge,
            // Functions of libraries are looked up when the program starts, not in the middle of its first takeover.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),
        .executableTarget(
            name: "hb_webhook", dependencies: ["CCurl", "CLinux", "JSON", "LinuxSystem"], swiftSettings: edge),
        .executableTarget(
            name: "mon",
            dependencies: [
                "Admin", "Alerts", "CLinux", "ClusterModel", "Journal", "LinuxSystem", "MonitorService", "Monitoring",
                "Probes", "Reactor",
            ],
            swiftSettings: edge),
        .executableTarget(
            name: "hb",
            dependencies: [
                "Admin", "Agents", "CLinux", "ClusterConfig", "ClusterModel", "Compression", "Digests", "Failovers",
                "JSON", "LinuxSystem", "Messaging", "Reactor", "ResourceAgents", "Simulation", "Timeliness",
            ],
            swiftSettings: edge),

        // Tests, and the programs that developers run.
        .target(
            name: "Fuzzing",
            dependencies: [
                "CLinux", "ClusterCore", "ClusterModel", "Compression", "Digests", "LinuxSystem", "Messaging",
            ],
            path: "Tests/Fuzzing", swiftSettings: edge),
        .executableTarget(
            name: "hb_fuzz",
            dependencies: ["CLinux", "ClusterModel", "Fuzzing", "LinuxSystem"],
            path: "Tests/Fuzz",
            swiftSettings: edge),
        .testTarget(
            name: "MessagingTests",
            dependencies: ["ClusterModel", "Compression", "Digests", "Fuzzing", "Messaging"],
            exclude: ["Fixtures"], swiftSettings: edge),
        .testTarget(
            name: "ClusterConfigTests",
            dependencies: ["ClusterConfig", "ClusterModel"],
            exclude: ["Cases"],
            swiftSettings: edge),
        .testTarget(
            name: "MonitoringTests", dependencies: ["ClusterConfig", "ClusterModel", "MonitorConfig", "Monitoring"],
            exclude: ["Fixtures"], swiftSettings: edge),
        .testTarget(
            name: "MonitorConfigTests", dependencies: ["ClusterConfig", "ClusterModel", "MonitorConfig", "Monitoring"],
            swiftSettings: edge),
        .testTarget(
            name: "ClusterCoreTests",
            dependencies: ["ClusterCore", "ClusterModel", "Digests", "LinuxSystem", "Messaging"],
            swiftSettings: edge),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["ClusterCore", "ClusterModel", "Messaging", "Simulation"],
            swiftSettings: edge),
        .executableTarget(
            name: "hb_seeds", dependencies: ["Simulation"], path: "Tests/Seeds", swiftSettings: edge),
        .testTarget(
            name: "LinuxSystemTests",
            dependencies: ["CLinux", "ClusterModel", "Failovers", "Journal", "LinuxSystem", "Privsep"],
            swiftSettings: edge),
        .testTarget(
            name: "MediaTests",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "Media", "Privsep"],
            swiftSettings: edge),
        .testTarget(
            name: "ResourceAgentsTests",
            dependencies: [
                "CLinux", "CSystemd", "ClusterModel", "Leases", "LinuxSystem", "Privsep", "Reactor", "ResourceAgents",
                "Resources",
            ],
            swiftSettings: edge),
        .testTarget(
            name: "NotificationsTests",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "Notifications", "Privsep"],
            swiftSettings: edge),
        .testTarget(
            name: "AgentsTests",
            dependencies: ["Agents", "CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            swiftSettings: edge),
        .target(
            name: "Rig",
            dependencies: ["Admin", "CLinux", "ClusterModel", "LinuxSystem"],
            path: "Tests/Rig",
            swiftSettings: edge),
        .executableTarget(
            name: "hb_demo",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            path: "Tests/Demo", swiftSettings: edge),
        .testTarget(
            name: "MonitorServiceTests",
            dependencies: ["Admin", "CLinux", "ClusterModel", "LinuxSystem", "MonitorService", "Rig"],
            swiftSettings: edge),
        .target(name: "ClockStep", path: "Tests/ClockStep"),
        .executableTarget(
            name: "hb_torture",
            dependencies: ["Admin", "CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            path: "Tests/Torture",
            swiftSettings: edge),
        .testTarget(
            name: "ProbesTests",
            dependencies: [
                "Admin", "Alerts", "CLinux", "ClusterModel", "LinuxSystem", "Messaging", "Probes", "Reactor",
            ],
            exclude: ["Servers"],
            swiftSettings: edge),
        .testTarget(
            name: "AdminTests",
            dependencies: [
                "Admin", "CLinux", "ClusterConfig", "ClusterModel", "Compression", "Digests", "Failovers", "Fuzzing",
                "JSON", "LinuxSystem", "Messaging", "Timeliness",
            ],
            swiftSettings: edge),
        .testTarget(name: "FailoversTests", dependencies: ["ClusterModel", "Failovers"], swiftSettings: edge),
        .testTarget(
            name: "TimelinessTests",
            dependencies: ["ClusterModel", "Timeliness"],
            swiftSettings: edge),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Admin", "CLinux", "ClusterModel", "Digests", "Failovers", "LinuxSystem", "Messaging", "Rig",
            ],
            swiftSettings: edge),
        .testTarget(
            name: "PeerTests",
            dependencies: ["Admin", "CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            swiftSettings: edge),
        .testTarget(
            name: "ClientServiceTests",
            dependencies: [
                "Admin", "CLinux", "CSystemd", "ClientService", "ClusterModel", "Control", "LinuxSystem", "Messaging",
                "Privsep", "Reactor", "Status",
            ],
            swiftSettings: edge),
        .testTarget(
            name: "SystemdTests",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            swiftSettings: edge),
        .testTarget(
            name: "MachineTests",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "Rig"],
            swiftSettings: edge),
        .testTarget(name: "TidyTests", dependencies: ["LinuxSystem"], swiftSettings: edge),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        .target(name: "Measuring", path: "Tests/Measuring", swiftSettings: edge),
        .testTarget(name: "MeasuringTests", dependencies: ["Measuring"], swiftSettings: edge),
        .executableTarget(
            name: "hb_bench",
            dependencies: [
                "Admin", "AllocationCount", "CLinux", "ClusterCore", "ClusterModel", "Digests", "Failovers",
                "LinuxSystem", "Measuring", "Messaging", "Privsep", "ResourceAgents", "Rig",
            ],
            path: "Tests/Benchmarks",
            swiftSettings: edge),
    ]
)
