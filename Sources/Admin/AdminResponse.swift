// What the daemon answers: records, and at the end one `t=hb-end result=done text=...`.
import Messaging

/// The end of every answer.
package struct AdminResponse: Equatable, Sendable {
    /// What became of a request; raw values are the words of the wire.
    package enum Outcome: String, Sendable, CaseIterable {
        /// As asked.
        case done
        /// Not carried out: nothing was changed. The text says why.
        case refused
        /// Tried and not achieved. The text says what is now.
        case failed
        /// The user may not ask this.
        case denied
        /// The request was not understood, or the daemon cannot answer now.
        case error
    }

    /// What became of the request.
    package var outcome: Outcome
    /// For the operator: nothing, or lines separated by LF.
    package var text: String

    /// A response as given.
    package init(_ outcome: Outcome, _ text: String = "") {
        self.outcome = outcome
        self.text = text
    }

    /// The value of `t`.
    package static let type = "hb-end"

    /// The response as a message; always encodable, since a text that is too long is cut.
    package var message: HAMessage {
        var writer = RecordWriter(type: AdminResponse.type)
        writer.add("result", outcome.rawValue)
        writer.add("text", text, limit: RecordWriter.answerLengthMax)
        return writer.message
    }

    /// Reads a response. Takes any message.
    package init(_ message: HAMessage) throws(AdminMessageError) {
        let reader = try RecordReader(message, type: AdminResponse.type)
        outcome = try reader.word("result")
        text = try reader.optionalText("text") ?? ""
    }
}

/// One message of an answer.
package enum AdminAnswer: Equatable, Sendable {
    /// Data: of a status, or a parameter.
    case record(HAMessage)
    /// Nothing follows for this request.
    case end(AdminResponse)

    /// Reads a message of the daemon. Takes any message; records are not looked into.
    package init(_ message: HAMessage) throws(AdminMessageError) {
        if message.text("t") == AdminResponse.type {
            self = .end(try AdminResponse(message))
        } else {
            self = .record(message)
        }
    }
}

/// The answer to `AdminRequest.parameter`: a directive and its value.
package struct ParameterRecord: Equatable, Sendable {
    /// The directive's name.
    package var name: String
    /// Its value as written in ha.cf.
    package var value: String

    /// A record as given.
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The value of `t`.
    package static let type = "hb-parameter"

    /// The record as a message; always encodable.
    package var message: HAMessage {
        var writer = RecordWriter(type: ParameterRecord.type)
        writer.add("name", name)
        writer.add("value", value, limit: RecordWriter.answerLengthMax)
        return writer.message
    }

    /// Reads a record. Takes any message.
    package init(_ message: HAMessage) throws(AdminMessageError) {
        let reader = try RecordReader(message, type: ParameterRecord.type)
        name = try reader.text("name")
        value = try reader.text("value")
    }
}
