// What a failed system call leaves behind, with the call and its object, so that a log line can name both.
import CLinux

/// A failed system call: errno, what was tried, and on what.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The errno of the call, positive.
    package let code: Int32
    /// The call or the task in the words of a log line: `bind`, `open /dev/ttyS0`.
    package let operation: String

    package init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
    }

    /// Takes errno from the call that has just failed; MUST be made before any other call.
    package static func last(_ operation: String) -> SystemError {
        SystemError(code: cl_errno(), operation: operation)
    }

    package var description: String { "\(operation): \(SystemError.text(code))" }

    /// The C library's words for an errno.
    package static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Repeats a call that a signal interrupted, and throws errno where it fails (-1).
package func retrying<Result: SignedInteger>(
    _ operation: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        if cl_errno() != EINTR { throw SystemError.last(operation()) }
    }
}
