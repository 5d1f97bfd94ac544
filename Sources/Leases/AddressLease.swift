// A lease on addresses that the kernel ends, not this process: killed, stopped, starved or paused, a node stops
// answering for what it holds before another one takes it (design, section 5).
import ClusterModel
import LinuxSystem

/// What keeps the node's addresses from outliving its right to hold them.
package protocol AddressLease: AnyObject {
    /// What an earlier daemon held when it ended, however that came, as far as the kernel remembers it.
    var inherited: [IPAddress] { get }
    /// From here on these addresses answer only while the lease runs. MUST be said before they are added.
    func hold(_ addresses: [InterfaceAddress])
    /// These addresses are gone from here, in whatever form they were held. May take effect with what is said next.
    func release(_ addresses: [IPAddress])
    /// The lease runs until then; one that has run out is not renewed by an instant that has passed.
    func renew(until: Instant, now: Instant)
    /// Whether the lease has run out and the kernel has removed the addresses for that.
    func hasRemoved(by now: Instant) -> Bool
    /// The daemon ends: where nothing is held, nothing is left behind.
    func end()
}
