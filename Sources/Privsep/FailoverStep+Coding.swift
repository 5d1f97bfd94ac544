// The steps of a failover that the resource manager knows of, on their way to the status process.
import ClusterModel
import Failovers

extension FailoverStep {
    /// The kinds that the resource manager may tell, in the order of their codes.
    private static let codes: [Kind] = [.worked, .addressUp, .announced]

    /// Writes what the resource manager knows of a step; its kind MUST be one of those that it may tell.
    func encode(into writer: inout FrameWriter) {
        writer.write(UInt8(FailoverStep.codes.firstIndex(of: kind) ?? 0))
        writer.write(at.nanoseconds)
        writer.write(group ?? "")
        writer.write(resource ?? "")
        writer.write(duration?.wholeNanoseconds ?? 0)
        writer.write(text != nil)
        writer.write(text ?? "")
    }

    init(decoding reader: inout FrameReader) throws(FrameError) {
        let code = Int(try reader.read(UInt8.self))
        guard FailoverStep.codes.indices.contains(code) else { throw FrameError(reason: "unknown kind of a step") }
        self.init(FailoverStep.codes[code], at: Instant(nanoseconds: try reader.read(Int64.self)))
        group = try reader.readString()
        resource = try reader.readString()
        duration = .nanoseconds(try reader.read(Int64.self))
        let hasText = try reader.readBool()
        let words = try reader.readString()
        text = hasText ? words : nil
    }
}
