// Names that are looked up while somebody may not wait.
import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite("Host names for who may not wait")
struct HostNameTests {
    @Test("Numeric addresses and names of /etc/hosts are there at once, what is no name fails")
    func prompt() throws {
        let names = HostNames(patience: .seconds(20))
        #expect(try names.address(of: "10.0.0.1", family: AF_INET).description == "10.0.0.1")
        #expect(throws: NameError.wrongFamily(isIPv6: true)) { try names.address(of: "fd00::1", family: AF_INET) }
        for _ in 0..<2 {
            #expect(try names.address(of: "localhost", family: AF_INET).address == IPAddress("127.0.0.1"))
        }
        #expect(throws: NameError.self) { try names.address(of: "not a host", family: AF_INET) }
    }

    @Test("An answer that is late is there at a later call, and nobody has waited for it")
    func late() throws {
        let names = HostNames(patience: .zero)
        let begin = Clock.now()
        var found: SocketAddress?
        while found == nil, Clock.now() - begin < .seconds(20) {
            do throws(NameError) {
                found = try names.address(of: "localhost", family: AF_INET)
            } catch {
                #expect(error == .late)
                Clock.wait(.milliseconds(1))
            }
        }
        #expect(found?.address == IPAddress("127.0.0.1"))
    }
}
