// A start whose turn comes after the right to hold has ended: one step of a group that is being brought up, or one of a
// restart in place. The node, or this process, has stood still since the step before it: another node may have the
// group by now, and the order to stop it is not read yet.
import ClusterModel

extension ResourceOperations {
    /// Begins what starts something when this node may have it; anything else at once. Addresses are not asked about:
    /// their lease has ended with the right.
    func whenEntitled(
        _ task: Task, _ begin: @escaping () -> (any RunningOperation)?
    ) -> (any RunningOperation)? {
        guard task.operation == .start || task.operation == .promote else { return begin() }
        let start = LateStart(begin) { task.completion(.failed("ended early")) }
        return holdsBack(task.resource, start) ? start : begin()
    }
}

/// Waits for `carryOut`, or for its end.
package final class LateStart: RunningOperation {
    /// nil from its beginning or its end on.
    private var begin: (() -> (any RunningOperation)?)?
    private let abandon: () -> Void
    private var running: (any RunningOperation)?

    init(_ begin: @escaping () -> (any RunningOperation)?, abandon: @escaping () -> Void) {
        self.begin = begin
        self.abandon = abandon
    }

    /// Without effect where nobody wants it any more.
    package func carryOut() {
        guard let begin else { return }
        self.begin = nil
        running = begin()
    }

    package func cancel() {
        if begin == nil { return running?.cancel() ?? () }
        begin = nil
        abandon()
    }
}
