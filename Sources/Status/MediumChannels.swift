// The channels to the read and write workers. A medium without workers is silent; what cannot be taken now is dropped,
// for the next status message repairs it.
import ClusterModel
import LinuxSystem
import Privsep
import Reactor

final class MediumChannels {
    private struct Pair {
        let reader: Channel
        let writer: Channel
        let source: EventSource
    }

    /// Frames taken from one medium in one call, so that a flooded one does not silence the others.
    private static let readMax = 32

    private let loop: EventLoop
    private let received: (MediumID, ReceivedDatagram) -> Void
    private var pairs: [Pair?]
    /// Messages that a medium's writer could not take.
    private(set) var overruns: [UInt64]

    init(count: Int, loop: EventLoop, received: @escaping (MediumID, ReceivedDatagram) -> Void) {
        self.loop = loop
        self.received = received
        pairs = Array(repeating: nil, count: count)
        overruns = Array(repeating: 0, count: count)
    }

    /// Takes new channels into use; those of earlier workers are dropped, which ends the workers.
    func open(_ medium: MediumID, reader: Channel, writer: Channel) throws(SystemError) {
        guard pairs.indices.contains(medium.index) else { return }
        let source = try loop.onReadable(reader.raw, priority: Turn.incoming) { [unowned self] in
            read(medium, atMost: MediumChannels.readMax)
        }
        pairs[medium.index] = Pair(reader: reader, writer: writer, source: source)
    }

    func close(_ medium: MediumID) {
        guard pairs.indices.contains(medium.index) else { return }
        pairs[medium.index] = nil
    }

    func send(_ bytes: [UInt8], on medium: MediumID) {
        guard let pair = pairs[medium.index] else { return }
        do throws(SystemError) {
            switch try pair.writer.send(bytes: bytes) {
            case .sent: break
            case .wouldBlock: overruns[medium.index] += 1
            case .closed: close(medium)
            }
        } catch {
            overruns[medium.index] += 1
        }
    }

    /// Takes everything that the read workers have handed over until now.
    func drain() {
        for index in pairs.indices { read(MediumID(index), atMost: 4096) }
    }

    private func read(_ medium: MediumID, atMost limit: Int) {
        for _ in 0..<limit {
            guard let reader = pairs[medium.index]?.reader else { return }
            do {
                switch try reader.receive() {
                case .empty: return
                case .closed: return close(medium)
                case .frame(let bytes, _): received(medium, try ReceivedDatagram(decoding: bytes))
                }
            } catch {
                continue
            }
        }
    }
}
