import LinuxSystem
import Testing

@Suite struct IdentityTests {
    @Test("names lead to their numbers; what is unknown or root becomes nobody")
    func names() {
        #expect(Confinement.Identity.named(user: "daemon", group: "daemon") == .init(user: 1, group: 1))
        #expect(Confinement.Identity.named(user: "no such user", group: "daemon") == .nobody)
        #expect(Confinement.Identity.named(user: "daemon", group: "no such group") == .nobody)
        #expect(Confinement.Identity.named(user: "root", group: "root") == .nobody)
        #expect(Confinement.Identity.named(user: "daemon", group: "root") == .nobody)
    }
}
