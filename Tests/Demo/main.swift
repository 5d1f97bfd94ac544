import CLinux
import ClusterModel
import LinuxSystem
import Rig
if let code = RigProgram.run(Array(CommandLine.arguments.dropFirst())) { exit(code) }
let own = FileSystem.target(ofLink: "/proc/self/exe") ?? ""
var plan = Cluster.Plan(prefix: "hbdemo", binaries: own.split(separator: "/").dropLast().map { "/" + $0 }.joined())
plan.hasSerialLines = true
let t0 = Clock.now()
func say(_ s: String) { print(Clock.now() - t0, s) }
let c = try Cluster(plan)
say("cluster")
for n in c.nodes { try n.powerOn(); say("on \(n.name)") }
say("\(c.nodes[0].processes)")
let p = try c.probe("10.77.0.1")
try c.waiting.pass(.milliseconds(300))
say("answers \(p.seen.answers.count) \(p.seen.outages(after: .distantPast))")
let cut = Clock.now()
try c.nodes[0].cutPower()
say("cut took \(Clock.now() - cut)")
try c.waiting.pass(.milliseconds(100))
try c.nodes[0].powerOn()
try c.waiting.pass(.milliseconds(1500))
say("outages \(p.seen.outages(after: .distantPast)) n=\(p.seen.answers.count)")
try c.nodes[0].lose(percent: 30, bridge: 0)
try c.waiting.pass(.milliseconds(200))
try c.nodes[0].lose(percent: 0, bridge: 0)
say("outages \(p.seen.outages(after: cut, shortest: .zero).count) n=\(p.seen.answers.count)")
print(try c.nodes[0].command(["sh", "-c", "uname -n; ip -br a; ps ax; cat /tmp/hbdemo*/alpha/ttyS0 & sleep 0.2"]).run().output)
c.finish()
say("finished")
