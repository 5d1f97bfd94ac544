// Why a medium cannot be used, in words that an operator can act on.
import ClusterModel
import LinuxSystem

/// A medium that could not be opened.
package struct MediumError: Error, Equatable, CustomStringConvertible {
    /// The medium as in ha.cf and in `ps`: `bcast eth7`.
    package var medium: String
    /// What failed, and why.
    package var reason: String
    /// What an operator can do; nil where nothing is known to help.
    package var remedy: String?

    /// An error of this medium.
    package init(_ medium: Medium, _ reason: String, remedy: String? = nil) {
        self.medium = medium.title
        self.reason = reason
        self.remedy = remedy
    }

    /// `bcast eth7: no such interface; ...`.
    package var description: String { remedy.map { "\(medium): \(reason); \($0)" } ?? "\(medium): \(reason)" }
}

extension Medium {
    /// The medium's directive and link name, `bcast eth0`: how logs, `ps` and errors call it.
    package var title: String { "\(directive) \(linkName)" }
}
