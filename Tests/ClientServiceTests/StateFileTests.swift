// What a node keeps between two runs of its daemon.
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@testable import Control

@Suite("Files that outlive a daemon")
struct StateFileTests {
    @Test("Generations only grow, with hbgenmethod time too: within a second, and after the clock was set back")
    func generations() throws {
        let folder = "/tmp/heartbeat-state-\(getpid())"
        #expect(mkdir(folder, 0o700) == 0)
        defer {
            unlink(folder + "/hb_generation")
            rmdir(folder)
        }
        let files = StateFiles(directory: folder, runDirectory: folder)
        let second = UInt64(Clock.wallNanoseconds() / 1_000_000_000)
        var last = try files.nextGeneration(fromTime: true)
        #expect(last >= second)
        for _ in 0..<20 {
            let next = try files.nextGeneration(fromTime: true)
            #expect(next > last)
            last = next
        }
        let file = try Descriptor.open(folder + "/hb_generation", O_WRONLY | O_TRUNC)
        let future = "9999999999\n"
        #expect(write(file.raw, future, future.utf8.count) == future.utf8.count)
        #expect(try files.nextGeneration(fromTime: true) == 10_000_000_000)
        #expect(try files.nextGeneration(fromTime: false) == 10_000_000_001)
    }
}
