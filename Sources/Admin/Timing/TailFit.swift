// How often a lateness happens that is longer than any that was seen: a generalised Pareto distribution, fitted to what
// exceeds a high threshold by the method of moments (Hosking and Wallis 1987). Its shape is held between 0, an
// exponential tail, and 0.45, the end of where that method has a variance.
import CLinux
import ClusterModel
import Timeliness

/// The tail of a histogram that was recorded over some time.
package struct TailFit: Equatable, Sendable {
    /// Fewer exceedances say nothing of the tail's shape.
    private static let exceedancesMin = 20.0
    private static let shapeMax = 0.45

    /// In seconds; only beyond it the fit holds.
    let threshold: Double
    /// Exceedances of the threshold in a second of recording.
    let rate: Double
    let scale: Double
    let shape: Double

    /// nil where too little was counted.
    package init?(_ histogram: LatenessHistogram, recorded: Duration) {
        let time = recorded / .seconds(1)
        guard time > 0, Double(histogram.count) >= TailFit.exceedancesMin * 5 else { return nil }
        // A hundredth of all, or as many as are needed.
        let share = max(0.01, TailFit.exceedancesMin / Double(histogram.count))
        guard let quantile = histogram.quantile(1 - share) else { return nil }
        let buckets = histogram.buckets(from: quantile)
        let threshold = quantile / .seconds(1)
        var (number, sum, squares) = (0.0, 0.0, 0.0)
        for bucket in buckets {
            let excess = bucket.middle / .seconds(1) - threshold
            let count = Double(bucket.count)
            (number, sum, squares) = (number + count, sum + count * excess, squares + count * excess * excess)
        }
        self.threshold = threshold
        // All that is late is within one bucket: the width of a bucket stands for its spread.
        let mean = number > 0 ? sum / number : max(threshold / 8, 0.000_001)
        let variance = number > 1 ? (squares - number * mean * mean) / (number - 1) : 0
        rate = max(number, 1) / time
        let ratio = variance > 0 ? mean * mean / variance : .infinity
        let free = 0.5 * (1 - ratio)
        shape = min(max(free, 0), TailFit.shapeMax)
        scale = shape == 0 ? mean : mean * (1 - shape)
    }

    /// Times in a second that a lateness exceeds `excess`; not meant for what is below the threshold.
    package func rate(beyond excess: Duration) -> Double {
        let y = max(0, excess / .seconds(1) - threshold) / scale
        return rate * (shape == 0 ? exp(-y) : pow(1 + shape * y, -1 / shape))
    }

    /// The lateness that is exceeded so many times in a second; the threshold for all that are more often.
    package func lateness(exceeded wanted: Double) -> Duration {
        guard wanted > 0, wanted < rate else { return .seconds(threshold) }
        let ratio = rate / wanted
        let y = shape == 0 ? log(ratio) : (pow(ratio, shape) - 1) / shape
        return .seconds(min(threshold + scale * y, 86_400))
    }
}
