// What the processes of one node must agree on before they exchange a frame.

/// The terms of a helper's start.
package enum Launch {
    /// Version of the frames, in the arguments of every helper. A helper of another version refuses to start: it
    /// belongs to another installation. MUST change with every change of a frame's coding: FrameVersionTests see to it.
    package static let protocolVersion = 9
}
