import CLinux
import LinuxSystem
import Testing

@Suite struct SocketAddressTests {
    @Test("an address is written as it is read", arguments: [
        ("10.0.0.1", 0, "10.0.0.1"), ("10.0.0.1", 694, "10.0.0.1:694"), ("fd00::1", 694, "[fd00::1]:694"),
        ("fe80::1%1", 0, "fe80::1%1"), ("fe80::1%lo", 0, "fe80::1%1"),
    ] as [(String, UInt16, String)])
    func text(numeric: String, port: UInt16, text: String) {
        #expect(SocketAddress(numeric: numeric, port: port)?.description == text)
    }

    @Test("what is no numeric address is none", arguments: [
        "", "host", "10.0.0", "10.0.0.1%1", "fe80::1%", "fe80::1%no-such", "%1", "fe80::1%0",
    ])
    func refused(text: String) {
        #expect(SocketAddress(numeric: text) == nil)
    }

    @Test("the kernel's form holds the same address", arguments: ["192.0.2.7", "fd00::94", "fe80::1%1"])
    func kernelForm(text: String) throws {
        let address = try #require(SocketAddress(numeric: text, port: 0x1234))
        let storage = address.withSockaddr { pointer, length in
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
            }
            return storage
        }
        #expect(SocketAddress(storage) == address)
        #expect(SocketAddress(sockaddr_storage()) == nil)
    }

    @Test("a host is looked up; an address of the wrong family is refused without asking anybody")
    func lookup() throws {
        #expect(try NameLookup.address(of: "localhost", family: AF_INET).description == "127.0.0.1")
        #expect(try NameLookup.address(of: "fd00::1", family: AF_UNSPEC).description == "fd00::1")
        #expect(throws: NameError.wrongFamily(isIPv6: false)) {
            try NameLookup.address(of: "10.0.0.1", family: AF_INET6)
        }
    }
}
