// Reads the metadata of OCF agents, which are XML. expat resolves no external entity unless it is told how to.
import CExpat

/// Takes the elements of `resource-agent` as they come.
final class MetadataParser {
    /// Longest metadata that is read; the longest of the package resource-agents is 30 kB.
    static let sizeMax = 1 << 20

    private var metadata = AgentMetadata()
    /// The names of the open elements, outermost first.
    private var path: [String] = []
    private var text = ""

    /// The metadata of a whole XML text; throws where in the text it is broken, and how.
    static func parse(_ xml: String) throws(AgentError) -> AgentMetadata {
        guard !xml.isEmpty, xml.utf8.count <= sizeMax else { throw AgentError("metadata of \(xml.utf8.count) bytes") }
        guard let expat = XML_ParserCreate(nil) else { throw AgentError("out of memory") }
        defer { XML_ParserFree(expat) }
        let parser = MetadataParser()
        XML_SetUserData(expat, Unmanaged.passUnretained(parser).toOpaque())
        XML_SetElementHandler(
            expat,
            { MetadataParser.of($0).begin($1, $2) },
            { context, _ in MetadataParser.of(context).end() })
        XML_SetCharacterDataHandler(expat) { MetadataParser.of($0).characters($1, $2) }
        let status = xml.utf8CString.withUnsafeBufferPointer { text in
            XML_Parse(expat, text.baseAddress, Int32(text.count - 1), 1)
        }
        withExtendedLifetime(parser) {}
        guard status == XML_STATUS_OK else {
            let reason = XML_ErrorString(XML_GetErrorCode(expat)).map { String(cString: $0) } ?? "broken"
            throw AgentError("metadata, line \(XML_GetCurrentLineNumber(expat)): \(reason)")
        }
        guard !parser.metadata.name.isEmpty else { throw AgentError("metadata without resource-agent") }
        return parser.metadata
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> MetadataParser {
        guard let context else { preconditionFailure("expat calls with the data that it was given") }
        return Unmanaged<MetadataParser>.fromOpaque(context).takeUnretainedValue()
    }

    private func begin(
        _ name: UnsafePointer<XML_Char>?, _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
    ) {
        guard let name else { return }
        path.append(String(cString: name))
        text = ""
        var values: [String: String] = [:]
        var next = attributes
        while let pair = next, let key = pair[0], let value = pair[1] {
            values[String(cString: key)] = String(cString: value)
            next = pair + 2
        }
        switch path {
        case ["resource-agent"]:
            metadata.name = values["name"] ?? ""
            metadata.version = values["version"] ?? ""
        case ["resource-agent", "parameters", "parameter"]:
            var parameter = AgentMetadata.Parameter(name: values["name"] ?? "")
            parameter.isRequired = MetadataParser.isTrue(values["required"])
            parameter.isUnique = MetadataParser.isTrue(values["unique"]) || values["unique-group"] != nil
            metadata.parameters.append(parameter)
        case ["resource-agent", "parameters", "parameter", "content"]:
            changeParameter {
                $0.type = values["type"] ?? "string"
                $0.defaultValue = values["default"]
            }
        case ["resource-agent", "actions", "action"]:
            metadata.actions.append(
                AgentMetadata.Action(
                    name: values["name"] ?? "", timeout: values["timeout"], interval: values["interval"],
                    depth: values["depth"], role: values["role"]))
        default: break
        }
    }

    private func end() {
        let text = MetadataParser.tidy(self.text)
        switch path {
        case ["resource-agent", "shortdesc"]: metadata.summary = text
        case ["resource-agent", "longdesc"]: metadata.description = text
        case ["resource-agent", "parameters", "parameter", "shortdesc"]: changeParameter { $0.summary = text }
        case ["resource-agent", "parameters", "parameter", "longdesc"]: changeParameter { $0.description = text }
        default: break
        }
        if !path.isEmpty { path.removeLast() }
        self.text = ""
    }

    private func characters(_ bytes: UnsafePointer<XML_Char>?, _ count: Int32) {
        guard let bytes, count > 0 else { return }
        let buffer = UnsafeRawBufferPointer(start: bytes, count: Int(count))
        text += String(decoding: buffer, as: UTF8.self)
    }

    private func changeParameter(_ change: (inout AgentMetadata.Parameter) -> Void) {
        guard !metadata.parameters.isEmpty else { return }
        change(&metadata.parameters[metadata.parameters.count - 1])
    }

    private static func isTrue(_ word: String?) -> Bool {
        guard let word else { return false }
        return ["1", "true", "yes"].contains(word.lowercased())
    }

    /// Lines without blanks around them, without empty lines at both ends.
    private static func tidy(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let head = line.drop { $0.isWhitespace }
            return head.lastIndex { !$0.isWhitespace }.map { String(head[...$0]) } ?? ""
        }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }
}
