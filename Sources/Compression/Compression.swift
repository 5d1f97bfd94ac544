// The two algorithms of compressed messages (specs/heartbeat.md 1.6), each bounded: what comes out of a value is never
// larger than was allowed, and neither is the memory for it.
import CBzip2
import CZlib
import Messaging

/// zlib and bzip2 over whole values.
package enum Compression {
    /// How a call of a library ended.
    private enum Outcome {
        case done(Int)
        case tooSmall
        case damaged
    }

    /// The bytes that a value holds. Throws `.oversized` where there are more than `limit`, `.compression` where the
    /// value is damaged, cut off or followed by anything. Takes at most `limit` bytes of memory for the result, and
    /// what the library needs (bzip2: below 4 MB).
    package static func decompress(
        _ bytes: ArraySlice<UInt8>, _ method: CompressionMethod, limit: Int
    ) throws(WireError) -> [UInt8] {
        // Both libraries want the size of the result before they begin.
        var capacity = min(limit, max(4096, bytes.count * 4))
        while true {
            var result = [UInt8](repeating: 0, count: capacity)
            let outcome =
                switch method {
                case .zlib: inflate(bytes, into: &result)
                case .bz2: expand(bytes, into: &result)
                }
            switch outcome {
            case .done(let count):
                result.removeLast(capacity - count)
                return result
            case .damaged:
                throw WireError(.compression, at: 0, expected: "a value that \(method.rawValue) can decompress")
            case .tooSmall:
                guard capacity < limit else {
                    throw WireError(.oversized, at: 0, expected: "at most \(limit) bytes in a compressed value")
                }
                capacity = min(limit, capacity * 4)
            }
        }
    }

    /// The value that holds bytes. Throws `.compression` where the library finds no memory.
    package static func compress(_ bytes: [UInt8], _ method: CompressionMethod) throws(WireError) -> [UInt8] {
        // What both libraries promise to stay below.
        var result = [UInt8](repeating: 0, count: bytes.count + bytes.count / 64 + 1024)
        let count =
            switch method {
            case .zlib: deflate(bytes, into: &result)
            case .bz2: shrink(bytes, into: &result)
            }
        guard let count else { throw WireError(.compression, at: 0, expected: "memory to compress a message") }
        result.removeLast(result.count - count)
        return result
    }

    /// The corresponding C function is `uncompress2`.
    private static func inflate(_ bytes: ArraySlice<UInt8>, into result: inout [UInt8]) -> Outcome {
        var count = uLong(result.count)
        var used = uLong(bytes.count)
        let code = bytes.withUnsafeBufferPointer { uncompress2(&result, &count, $0.baseAddress, &used) }
        switch code {
        case Z_OK: return used == uLong(bytes.count) ? .done(Int(count)) : .damaged
        case Z_BUF_ERROR: return .tooSmall
        default: return .damaged
        }
    }

    /// The corresponding C function is `compress2`.
    private static func deflate(_ bytes: [UInt8], into result: inout [UInt8]) -> Int? {
        var count = uLong(result.count)
        return compress2(&result, &count, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION) == Z_OK ? Int(count) : nil
    }

    /// The corresponding C functions are those of `BZ2_bzDecompress`.
    private static func expand(_ bytes: ArraySlice<UInt8>, into result: inout [UInt8]) -> Outcome {
        var stream = bz_stream()
        guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else { return .damaged }
        defer { BZ2_bzDecompressEnd(&stream) }
        let code = bytes.withUnsafeBytes { input in
            result.withUnsafeMutableBytes { output in
                // bzip2 takes a pointer that it does not write through.
                stream.next_in = UnsafeMutablePointer(
                    mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self))
                stream.avail_in = UInt32(clamping: input.count)
                stream.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
                stream.avail_out = UInt32(clamping: output.count)
                return BZ2_bzDecompress(&stream)
            }
        }
        switch code {
        case BZ_STREAM_END where stream.avail_in == 0: return .done(result.count - Int(stream.avail_out))
        case BZ_OK where stream.avail_out == 0: return .tooSmall
        default: return .damaged
        }
    }

    /// With heartbeat's block size and work factor. The corresponding C function is `BZ2_bzBuffToBuffCompress`.
    private static func shrink(_ bytes: [UInt8], into result: inout [UInt8]) -> Int? {
        var count = UInt32(clamping: result.count)
        let code = bytes.withUnsafeBytes { input in
            result.withUnsafeMutableBytes { output in
                BZ2_bzBuffToBuffCompress(
                    output.baseAddress?.assumingMemoryBound(to: CChar.self), &count,
                    UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self)),
                    UInt32(clamping: input.count), 1, 0, 30)
            }
        }
        return code == BZ_OK ? Int(count) : nil
    }
}
