// A start that hangs in the kernel: nothing ends it, and it may succeed after everybody has given it up.
import CLinux
import ClusterModel
import LinuxSystem
import Reactor
import Testing

@testable import ResourceAgents

@Suite("Starts that hang in the kernel", .enabled(if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0))
struct HangingStartTests {
    /// A filesystem that takes requests and does not answer them: who waits for it cannot be killed.
    private final class SilentFilesystem {
        let folder: String
        private var device: Int32

        init(_ folder: String) throws {
            self.folder = folder
            device = try retrying("open /dev/fuse") { cl_open("/dev/fuse", O_RDWR | O_CLOEXEC, 0) }
            let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0"
            _ = try retrying("mount") { mount("heartbeat-test", folder, "fuse", 0, options) }
            let request = try take()
            // FUSE_INIT: a header, then version 7.31 and nothing that one could want.
            var answer = [UInt32](repeating: 0, count: 20)
            answer[0] = 80
            answer[2] = request[2]
            answer[3] = request[3]
            answer[4] = 7
            answer[5] = 31
            answer[8] = 4096
            let count = answer.withUnsafeBytes { write(device, $0.baseAddress, $0.count) }
            #expect(count == 80)
        }

        /// The next request, which nobody can take back then.
        @discardableResult
        func take() throws -> [UInt32] {
            var request = [UInt32](repeating: 0, count: 4096)
            let raw = device
            _ = try request.withUnsafeMutableBytes { bytes in
                try retrying("take a request") { read(raw, bytes.baseAddress, bytes.count) }
            }
            return request
        }

        /// All who wait are told that the filesystem is gone.
        func end() {
            close(device)
            device = -1
            umount2(folder, Int32(MNT_DETACH))
        }
    }

    @Test("A group whose start hangs is not taken for stopped before that start has ended")
    func hangs() throws {
        let folder = try TemporaryFolder()
        let place = folder.path + "/silent"
        #expect(mkdir(place, 0o700) == 0)
        let silent = try SilentFilesystem(place)
        defer { silent.end() }
        let loop = try EventLoop()
        let records = Records()
        var configuration = Configuration()
        configuration.policy.operationTimeout = .milliseconds(200)
        let operations = try ResourceOperations(
            loop: loop, settings: .init(configuration, configurationDirectory: folder.path), log: records.write)
        func run(_ operation: ResourceOperation) throws -> ResourceOutcome {
            var outcome: ResourceOutcome?
            let resource = ResourceSpecification(type: "thing", arguments: [], text: "thing")
            _ = operations.run(operation, resource) { outcome = $0 }
            // The request is taken when it comes, or nothing is there to hang.
            if operation == .start { try silent.take() }
            #expect(turn(loop, within: .seconds(20)) { outcome != nil })
            return try #require(outcome)
        }

        try folder.write(
            "resource.d/thing", "#!/bin/sh\ncase $1 in start) exec stat \(place) ;; status) echo stopped ;; esac\n")
        #expect(try run(.start).failure != nil)
        #expect(records.events.contains("program-undead"))
        #expect(try run(.stop) == .failed("an earlier start hangs in the kernel, and may succeed yet"))
        #expect(try run(.status) == .unknown("an earlier start hangs in the kernel, and may succeed yet"))
        silent.end()
        #expect(turn(loop, within: .seconds(20)) { (try? run(.stop)) == .done })
        #expect(try run(.status) == .stopped)
    }
}
