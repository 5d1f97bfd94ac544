import CLinux
import ClusterModel
import LinuxSystem
import Testing

@Suite("http.monitor and https.monitor, against real servers")
struct HTTPTests {
    @Test("a status of 2xx or 3xx is well, unless another is asked for")
    func status() throws {
        let server = try TestServer("http")
        let good = try Bench().run("http.monitor -p \(server.port)")
        #expect(good.exit == 0 && good.summary == "", "\(good)")
        #expect(good.detail.contains("127.0.0.1: ok, status 200, 12 bytes"), "\(good)")
        let bad = try Bench().run("http.monitor -p \(server.port) -u /error")
        #expect(bad.exit == 1 && bad.summary == "127.0.0.1", "\(bad)")
        #expect(bad.detail.contains("status 500 after ") && bad.detail.contains("the disk is full"), "\(bad)")
        #expect(try Bench().run("http.monitor -p \(server.port) -u error -s 500-503").exit == 0)
        #expect(try Bench().run("http.monitor -p \(server.port) -s 204,404").exit == 1)
    }

    @Test("the text is searched, and words that must not occur are found")
    func text() throws {
        let server = try TestServer("http")
        #expect(try Bench().run(["http.monitor", "-p", "\(server.port)", "-m", "all is w.ll"], ["127.0.0.1"]).exit == 0)
        let missing = try Bench().run("http.monitor -p \(server.port) -m nothing")
        #expect(missing.detail.contains("'nothing' is not found"), "\(missing)")
        #expect(try Bench().run("http.monitor -p \(server.port) --refuse well").exit == 1)
        #expect(try Bench().run("http.monitor -p \(server.port) -o").text == "\n")
    }

    @Test("redirections are followed as far as is said, another host and agent are asked for")
    func redirections() throws {
        let server = try TestServer("http")
        let line = "http.monitor -p \(server.port)"
        #expect(try Bench().run(line + " -u /move").exit == 0)
        #expect(try Bench().run(line + " -u /move -s 200").exit == 1)
        #expect(try Bench().run(line + " -u /move -s 200 --redirects 1").exit == 0)
        #expect(try Bench().run(line + " -u /round --redirects 3").exit == 1)
        let seen = "^host=www.example.com:\(server.port).agent=me"
        let host = try Bench().run(line + " -u /host --host www.example.com -a me -m \(seen)")
        #expect(host.exit == 0, "\(host)")
        #expect(try Bench().run(line + " -6", ["127.0.0.1"]).exit == 1)
        #expect(try Bench().run(line + " -4", ["localhost"]).exit == 0)
    }

    @Test("a hung server, one that drips, floods, babbles or refuses")
    func faults() throws {
        let server = try TestServer("http")
        let line = "http.monitor -p \(server.port) -t 0.5"
        let drip = try Bench().run(line + " -u /drip")
        #expect(drip.exit == 1, "\(drip)")
        let flood = try Bench().run("http.monitor -p \(server.port) -t 40 -u /flood")
        #expect(flood.exit == 0, "\(flood)")
        let searched = try Bench().run("http.monitor -p \(server.port) -t 40 -u /flood -m needle")
        #expect(searched.detail.contains("in the first 1048576 bytes"), "\(searched)")
        server.signal(SIGSTOP)
        let hung = try Bench().run(line)
        #expect(hung.exit == 1 && hung.took >= .milliseconds(400), "\(hung)")
        server.signal(SIGKILL)
        Clock.wait(.milliseconds(100))
        let refused = try Bench().run(line)
        #expect(refused.exit == 1 && refused.detail.lowercased().contains("connect"), "\(refused)")
        let garbage = try TestServer("garbage")
        #expect(try Bench().run("http.monitor -p \(garbage.port) -t 20").exit == 1)
    }

    @Test("a certificate that nobody vouches for, and one that ends in three days")
    func certificates() throws {
        let folder = try TestFolder()
        let (certificate, key) = try folder.certificate(days: 3)
        let server = try TestServer("https", certificate, key)
        let line = "https.monitor -p \(server.port) -4"
        let distrusted = try Bench().run(line, ["localhost"])
        #expect(distrusted.exit == 1 && distrusted.detail.lowercased().contains("certificate"), "\(distrusted)")
        #expect(try Bench().run(line + " --insecure", ["localhost"]).exit == 0)
        #expect(try Bench().run(line + " --insecure --certificate-days 1", ["localhost"]).exit == 0)
        let expiring = try Bench().run(line + " --insecure --certificate-days 14", ["localhost"])
        #expect(expiring.exit == 1, "\(expiring)")
        #expect(expiring.detail.contains("the certificate expires in "), "\(expiring)")
        let tcp = try Bench().run("tcp.monitor --tls --insecure --certificate-days 14 -p \(server.port)")
        #expect(tcp.detail.contains("the certificate expires in "), "\(tcp)")
    }
}
