import CLinux
import LinuxSystem
import Testing

@Suite struct MemoryFileTests {
    @Test("what was written is read, any number of times, and cannot be changed")
    func roundTrip() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try MemoryFile.write(bytes)
        #expect(try MemoryFile.read(file, limit: 200_000) == bytes)
        #expect(try MemoryFile.read(file, limit: 200_000) == bytes)
        #expect(pwrite(file.raw, "x", 1, 0) == -1)
        #expect(ftruncate(file.raw, 0) == -1)
    }

    @Test("a file above the limit is refused")
    func limit() throws {
        let file = try MemoryFile.write([1, 2, 3])
        #expect(throws: SystemError(code: EFBIG, operation: "read a memory file")) {
            try MemoryFile.read(file, limit: 2)
        }
    }

    @Test("an empty file is empty")
    func empty() throws {
        #expect(try MemoryFile.read(try MemoryFile.write([]), limit: 0) == [])
    }
}
