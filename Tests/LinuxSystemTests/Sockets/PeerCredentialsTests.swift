import CLinux
import LinuxSystem
import Testing

@Suite struct PeerCredentialsTests {
    @Test("the kernel tells process, user and groups of the other end, and nothing of what is no socket")
    func peer() throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let near = Descriptor(owning: ends[0])
        let far = Descriptor(owning: ends[1])
        let peer = try #require(PeerCredentials(near.raw))
        #expect(peer.pid == getpid())
        #expect(peer.user == geteuid())
        #expect(peer.group == getegid())
        var groups = [gid_t](repeating: 0, count: 65536)
        let count = getgroups(Int32(groups.count), &groups)
        #expect(Set(peer.otherGroups) == Set(groups.prefix(Int(max(0, count)))))
        #expect(peer.isMember(of: getegid()))
        #expect(!peer.isMember(of: gid_t.max - 1))
        _ = far.raw
        let file = try Descriptor.open("/dev/null", O_RDONLY)
        #expect(PeerCredentials(file.raw) == nil)
    }

    @Test("a primary group counts, and so do the others")
    func membership() {
        let peer = PeerCredentials(pid: 1, user: 2, group: 3, otherGroups: [4, 5])
        #expect((0..<8).filter { peer.isMember(of: $0) } == [3, 4, 5])
    }
}
