// What tests need of the kernel: a control group of their own, and a place where processes hang.
import CLinux
import LinuxSystem
import Testing

/// A control group that goes with all that is in it.
final class TestControlGroup {
    /// Where the machine has cgroup v2; nil where it has none that can be written.
    static let folder: String? = {
        let table = FileSystem.text(of: "/proc/self/mountinfo", limit: 1 << 20) ?? ""
        let path = table.split(separator: "\n").lazy.map { $0.split(separator: " ") }
            .first { $0.contains("cgroup2") && $0.count > 4 }.map { String($0[4]) }
        return path.flatMap { geteuid() == 0 && access($0 + "/cgroup.procs", W_OK) == 0 ? $0 : nil }
    }()

    let group: ControlGroup

    init() throws {
        let name = "hbd-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        group = try ControlGroup(path: TestControlGroup.folder ?? "").group(name)
    }

    deinit {
        group.kill()
        for _ in 0..<500 where !group.remove() { Clock.wait(.milliseconds(10)) }
    }
}

/// A filesystem that takes requests and does not answer them: who waits for it cannot be killed.
final class SilentFilesystem {
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
