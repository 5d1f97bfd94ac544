import CLinux
import ClusterModel
import LinuxSystem
import Testing

@testable import Probes

@Suite("Monitors of the machine itself")
struct LocalTests {
    @Test("processes are counted by name, zombies and others are not")
    func processes() throws {
        let server = try TestServer("mute")
        let good = try Bench().run("process.monitor python3", [])
        #expect(good.exit == 0, "\(good)")
        #expect(try Bench().run("process.monitor python3:1-100000", []).exit == 0)
        let missing = try Bench().run("process.monitor python3 no-such-program", [])
        #expect(missing.exit == 1 && missing.summary == "no-such-program", "\(missing)")
        #expect(missing.detail.contains("no such process runs"))
        let many = try Bench().run("process.monitor python3:0", [])
        #expect(many.exit == 1 && many.detail.contains("expected at most 0"), "\(many)")
        #expect(try Bench().run("process.monitor -u no-such.service python3", []).exit == 1)
        withExtendedLifetime(server) {}
    }

    @Test("room on a filesystem: what this machine keeps in memory is asked here, others by a program")
    func space() throws {
        #expect(try Bench().run("freespace.monitor /:0% /dev/shm:1", []).exit == 0)
        let full = try Bench().run("freespace.monitor /:100%", [])
        #expect(full.exit == 1 && full.summary == "/" && full.detail.contains("less than 100 %"), "\(full)")
        let huge = try Bench().run("freespace.monitor /tmp:4000T", [])
        #expect(huge.exit == 1 && huge.summary == "/tmp", "\(huge)")
        // No list of mounts says that asking /proc waits for nobody.
        let other = try Bench().run("freespace.monitor /proc:0%", [])
        #expect(other.exit == 0, "\(other)")
        #expect(MountPoint.holding("/proc/self", of: MountPoint.all)?.path == "/proc")
        #expect(MountPoint.holding("relative", of: MountPoint.all) == nil)
        // The room is that of the place that a link leads to, and what is not there has none.
        let folder = try TestFolder()
        try runProgram("ln", "-s", "/proc", folder.path + "/link")
        #expect(try Bench().run("freespace.monitor \(folder.path)/link:1", []).exit == 1)
        #expect(try Bench().run("freespace.monitor \(folder.path):1", []).exit == 0)
        let missing = try Bench().run("freespace.monitor \(folder.path)/missing:0%", [])
        #expect(missing.exit == 1 && missing.detail.contains("No such file"), "\(missing)")
    }

    @Test("loads are judged each by its bound, also a processor")
    func load() throws {
        let demand = LoadDemand(bounds: [2, nil, 1], isPerProcessor: false)
        #expect(demand.finding("1.99 9.00 1.00 1/80 11206", processors: 2).failure == nil)
        #expect(demand.finding("2.01 9.00 0.50 1/80 11206", processors: 2).failure?.contains("over 1 min") == true)
        #expect(demand.finding("0.20 9.00 1.01 1/80 11206", processors: 2).failure?.contains("over 15 min") == true)
        #expect(demand.finding("nonsense", processors: 2).failure != nil)
        let shared = LoadDemand(bounds: [2], isPerProcessor: true)
        #expect(shared.finding("7.90 1.00 1.00 1/80 11206", processors: 4).failure == nil)
        #expect(try Bench().run("loadavg.monitor -m 100000,,100000", []).exit == 0)
        let high = try Bench().run("loadavg.monitor -m -,-,0", [])
        #expect(high.exit == 1 && high.summary == "loadavg" || high.detail.contains("load 0.00 0.00 0.00"), "\(high)")
    }

    @Test("arrays of software raid: whole, degraded, failed, missing")
    func raid() {
        let text = """
            Personalities : [raid1] [raid6] [raid5]
            md0 : active raid1 sdb1[1] sda1[0]
                  1048512 blocks super 1.2 [2/2] [UU]

            md1 : active raid1 sdb2[1](F) sda2[0]
                  1048512 blocks super 1.2 [2/1] [U_]
                  [==>..................]  recovery = 12.6% (132096/1048512) finish=0.5min speed=22016K/sec

            md2 : inactive sdc1[0](S)
                  1048512 blocks
            unused devices: <none>
            """
        let all = RaidDemand(arrays: []).findings(text)
        #expect(all.map(\.array) == ["md0", "md1", "md2"])
        #expect(all[0].finding.failure == nil)
        #expect(all[1].finding.failure == "degraded, members U_, recovery = 12.6%")
        #expect(all[2].finding.failure == "not active")
        #expect(RaidDemand(arrays: ["md7"]).findings(text)[0].finding.failure == "there is no such array")
        #expect(RaidDemand(arrays: []).findings(nil).isEmpty)
    }

    @Test("where systemd does not run the machine, a unit is not well")
    func unit() throws {
        guard FileSystem.kind(of: "/run/systemd/system") == nil else { return }
        let outcome = try Bench().run("unit.monitor nginx", [])
        #expect(outcome.exit == 1 && outcome.summary == "nginx.service", "\(outcome)")
    }
}
