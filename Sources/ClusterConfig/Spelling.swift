// Which word was meant: the nearest of the known ones, if it is near enough to be no guess.

/// Finds and lists words for diagnostics.
package enum Spelling {
    /// The candidate that differs least from a word, compared without regard to case; nil where none is near. A third
    /// of the letters may be wrong, one at least. Of equally near ones the first is taken.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        let typed = Array(word.lowercased().unicodeScalars.prefix(lengthMax + 1))
        guard !typed.isEmpty, typed.count <= lengthMax else { return nil }
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let known = Array(candidate.lowercased().unicodeScalars)
            let allowed = max(1, min(typed.count, known.count) / 3)
            guard abs(typed.count - known.count) <= allowed else { continue }
            let distance = distance(typed, known)
            if distance <= allowed, distance < best?.distance ?? Int.max { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// `, did you mean X?` or nothing.
    package static func hint(for word: String, among candidates: [String]) -> String {
        nearest(to: word, among: candidates).map { ", did you mean \($0)?" } ?? ""
    }

    /// `a, b or c`.
    package static func list(_ words: [String], joinedBy conjunction: String = "or") -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }

    /// Longer words are not compared.
    private static let lengthMax = 64

    /// Insertions, deletions, replacements and swaps of neighbours that make one word from the other.
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
