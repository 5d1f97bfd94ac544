// Where something stands in a configuration file, in the terms of an editor.

/// A place in a file.
package struct SourceLocation: Equatable, Sendable {
    package var file: String
    /// From 1; 0 where the file as a whole is meant.
    package var line: Int
    /// From 1, in characters; 0 where the file as a whole is meant.
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The file as a whole.
    package init(file: String) { self.init(file: file, line: 0, column: 0) }
}

/// A stretch of a line, with all that is needed to show it.
package struct Excerpt: Equatable, Sendable {
    package var location: SourceLocation
    /// The text that is meant; secrets are masked.
    package var text: String
    /// Length of `text` in the line, in characters.
    package var width: Int
    /// The whole line, secrets masked; nil where the file as a whole is meant.
    package var line: String?

    package init(location: SourceLocation, text: String, width: Int, line: String?) {
        self.location = location
        self.text = text
        self.width = width
        self.line = line
    }

    /// A file as a whole: it is missing, or something in it is.
    package init(file: String) {
        self.init(location: SourceLocation(file: file), text: "", width: 0, line: nil)
    }
}

/// A value, and where it was read.
struct Located<Value: Equatable & Sendable>: Equatable, Sendable {
    var value: Value
    var excerpt: Excerpt
}
