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
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CMount", pkgConfig: "mount", providers: [.apt(["libmount-dev"])]),
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
        .target(name: "Messaging", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "ClusterConfig", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "ClusterCore", dependencies: ["ClusterModel", "Messaging"], swiftSettings: pure),
        .target(name: "Timeliness", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(name: "Monitoring", dependencies: ["ClusterModel"], swiftSettings: pure),
        .target(
            name: "MonitorConfig", dependencies: ["ClusterConfig", "ClusterModel", "Monitoring"], swiftSettings: pure),
        .target(name: "Simulation", dependencies: ["ClusterCore"], swiftSettings: pure),

        // The edge of the system.
        .target(name: "Compression", dependencies: ["CBzip2", "CZlib", "Messaging"], swiftSettings: edge),
        .target(
            name: "Digests", dependencies: ["CCrypto", "ClusterModel", "Compression", "Messaging"],
            swiftSettings: edge),
        .target(name: "LinuxSystem", dependencies: ["CLinux", "ClusterModel"], swiftSettings: edge),
        .target(name: "Journal", dependencies: ["CSystemd", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .target(name: "Reactor", dependencies: ["CSystemd", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .target(
            name: "Privsep", dependencies: ["LinuxSystem", "ClusterConfig", "ClusterModel"], swiftSettings: edge),
        .target(name: "Leases", dependencies: ["CNetfilter", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .target(name: "Media", dependencies: ["LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .target(
            name: "ResourceAgents",
            dependencies: ["CMount", "CSystemd", "LinuxSystem", "Leases", "Reactor", "Journal", "ClusterModel"],
            swiftSettings: edge),
        .target(
            name: "Agents", dependencies: ["CExpat", "CLinux", "LinuxSystem", "ResourceAgents", "ClusterModel"],
            swiftSettings: edge),
        .target(
            name: "Admin",
            dependencies: ["LinuxSystem", "ClusterConfig", "ClusterModel", "Messaging", "Timeliness"],
            swiftSettings: edge),
        .target(
            name: "Notifications",
            dependencies: ["ResourceAgents", "Privsep", "Reactor", "Journal", "LinuxSystem", "ClusterModel"],
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
                "Admin", "CJansson", "CLinux", "ClusterConfig", "ClusterModel", "LinuxSystem", "Messaging", "Probes",
                "Reactor", "WebTransfers",
            ],
            swiftSettings: edge),

        // One target for each process: what a process may do is what its target may import.
        .target(
            name: "Control",
            dependencies: [
                "ClusterConfig", "Privsep", "Media", "Messaging", "Reactor", "Journal", "Admin", "CSystemd",
                "Notifications",
            ],
            swiftSettings: edge),
        .target(
            name: "Status",
            dependencies: ["ClusterCore", "Digests", "Privsep", "Reactor", "Journal", "Admin", "Timeliness"],
            swiftSettings: edge),
        .target(
            name: "ClientService",
            dependencies: ["ClusterConfig", "Messaging", "Privsep", "Reactor", "Journal", "Admin"],
            swiftSettings: edge),
        .target(name: "Workers", dependencies: ["Media", "Messaging", "Privsep", "Journal"], swiftSettings: edge),
        .target(
            name: "Resources", dependencies: ["ResourceAgents", "Privsep", "Reactor", "Journal"],
            swiftSettings: edge),

        .target(
            name: "MonitorService",
            dependencies: [
                "Admin", "CCrypt", "CLinux", "CSystemd", "ClusterConfig", "ClusterModel", "Journal", "LinuxSystem",
                "MonitorConfig", "Monitoring", "Reactor",
            ],
            swiftSettings: edge),

        // The daemon, whose processes share one program, the service monitor, and the tools.
        .executableTarget(
            name: "heartbeat",
            dependencies: ["Control", "Status", "ClientService", "Workers", "Resources", "Notifications"],
            swiftSettings: edge),
        .executableTarget(
            name: "hb_webhook", dependencies: ["CCurl", "CJansson", "CLinux", "LinuxSystem"], swiftSettings: edge),
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
                "Admin", "Agents", "CJansson", "CLinux", "ClusterConfig", "ClusterModel", "Compression", "Digests",
                "LinuxSystem", "Messaging", "Reactor", "ResourceAgents", "Simulation", "Timeliness",
            ],
            swiftSettings: edge),

        // Tests, and the programs that developers run.
        .target(
            name: "Fuzzing",
            dependencies: ["ClusterCore", "ClusterModel", "Compression", "Digests", "LinuxSystem", "Messaging"],
            path: "Tests/Fuzzing", swiftSettings: edge),
        .executableTarget(
            name: "hb_fuzz", dependencies: ["ClusterModel", "Fuzzing", "LinuxSystem"], path: "Tests/Fuzz",
            swiftSettings: edge),
        .testTarget(
            name: "MessagingTests", dependencies: ["Compression", "Digests", "Fuzzing", "LinuxSystem", "Messaging"],
            exclude: ["Fixtures"], swiftSettings: edge),
        .testTarget(
            name: "ClusterConfigTests", dependencies: ["ClusterConfig", "LinuxSystem"], exclude: ["Cases"],
            swiftSettings: edge),
        .testTarget(
            name: "MonitoringTests", dependencies: ["ClusterConfig", "ClusterModel", "MonitorConfig", "Monitoring"],
            exclude: ["Fixtures"], swiftSettings: edge),
        .testTarget(
            name: "MonitorConfigTests", dependencies: ["ClusterConfig", "ClusterModel", "MonitorConfig", "Monitoring"],
            swiftSettings: edge),
        .testTarget(
            name: "ClusterCoreTests", dependencies: ["ClusterCore", "Digests", "LinuxSystem", "Messaging"],
            swiftSettings: edge),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation"], swiftSettings: edge),
        .executableTarget(
            name: "hb_seeds", dependencies: ["Simulation"], path: "Tests/Seeds", swiftSettings: edge),
        .testTarget(
            name: "LinuxSystemTests", dependencies: ["LinuxSystem", "Reactor", "Privsep", "Journal"],
            swiftSettings: edge),
        .testTarget(name: "MediaTests", dependencies: ["Media", "Privsep"], swiftSettings: edge),
        .testTarget(
            name: "ResourceAgentsTests", dependencies: ["ResourceAgents", "Leases", "Privsep", "Reactor"],
            swiftSettings: edge),
        .testTarget(
            name: "NotificationsTests",
            dependencies: ["ClusterModel", "LinuxSystem", "Notifications", "Privsep"], swiftSettings: edge),
        .testTarget(
            name: "AgentsTests", dependencies: ["Agents", "LinuxSystem", "ResourceAgents", "Rig"],
            swiftSettings: edge),
        .target(
            name: "Rig", dependencies: ["Admin", "LinuxSystem", "Privsep", "ClusterModel"], path: "Tests/Rig",
            swiftSettings: edge),
        .executableTarget(name: "hb_demo", dependencies: ["Rig"], path: "Tests/Demo", swiftSettings: edge),
        .testTarget(
            name: "MonitorServiceTests",
            dependencies: ["CLinux", "ClusterModel", "LinuxSystem", "MonitorService", "Rig"],
            swiftSettings: edge),
        .target(name: "ClockStep", path: "Tests/ClockStep"),
        .executableTarget(
            name: "hb_torture", dependencies: ["Rig", "Admin", "ClusterModel", "LinuxSystem"], path: "Tests/Torture",
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
            dependencies: ["Admin", "Compression", "Digests", "Fuzzing", "LinuxSystem", "Messaging", "Timeliness"],
            swiftSettings: edge),
        .testTarget(name: "TimelinessTests", dependencies: ["Timeliness"], swiftSettings: edge),
        .testTarget(name: "IntegrationTests", dependencies: ["Rig", "Admin", "Messaging"], swiftSettings: edge),
        .testTarget(
            name: "PeerTests", dependencies: ["Rig", "Admin", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .testTarget(
            name: "ClientServiceTests",
            dependencies: [
                "Admin", "ClientService", "Control", "LinuxSystem", "Messaging", "Privsep", "Reactor", "Status",
            ],
            swiftSettings: edge),
        .testTarget(
            name: "SystemdTests", dependencies: ["Rig", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .testTarget(name: "MachineTests", dependencies: ["Rig", "LinuxSystem", "ClusterModel"], swiftSettings: edge),
        .testTarget(name: "TidyTests", dependencies: ["LinuxSystem"], swiftSettings: edge),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        .target(name: "Measuring", path: "Tests/Measuring", swiftSettings: edge),
        .testTarget(name: "MeasuringTests", dependencies: ["Measuring"], swiftSettings: edge),
        .executableTarget(
            name: "hb_bench",
            dependencies: [
                "AllocationCount", "Rig", "Admin", "ClusterCore", "ClusterModel", "Measuring", "Messaging", "Digests",
                "LinuxSystem", "Privsep", "ResourceAgents",
            ],
            path: "Tests/Benchmarks",
            swiftSettings: edge),
    ]
)
