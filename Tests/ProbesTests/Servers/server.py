# One small server for a test: `server.py KIND [ARGUMENT...]`. Prints its port, then serves until it is ended.
import http.server
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time

KIND, ARGUMENTS = sys.argv[1], sys.argv[2:]


def announce(port):
    print(port, flush=True)


class Web(http.server.BaseHTTPRequestHandler):
    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(ARGUMENTS[0], "wb") as file:
            file.write(body)
        self.reply(204 if self.path == "/hook" else 500, b"")

    def do_GET(self):
        if self.path == "/error":
            self.reply(500, b"the disk is full\n")
        elif self.path == "/move":
            self.reply(302, b"", [("Location", "/")])
        elif self.path == "/away":
            self.reply(302, b"", [("Location", "http://www.lab.invalid/")])
        elif self.path == "/round":
            self.reply(302, b"", [("Location", "/round")])
        elif self.path == "/host":
            self.reply(200, ("host=%s agent=%s" % (self.headers["Host"], self.headers["User-Agent"])).encode())
        elif self.path == "/flood":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
        elif self.path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(1)
            except OSError:
                pass
        else:
            self.reply(200, b"all is well\n")

    def log_message(self, *_):
        pass


class Threads(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def web(secure):
    server = Threads(("127.0.0.1", 0), Web)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ARGUMENTS[0], ARGUMENTS[1])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    announce(server.server_address[1])
    server.serve_forever()


def tcp(serve):
    server = socket.create_server(("127.0.0.1", 0), backlog=1024)
    announce(server.getsockname()[1])
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def guarded(body):
    def serve(connection):
        try:
            body(connection)
        except OSError:
            pass
        finally:
            connection.close()

    return serve


def greet(connection):
    connection.sendall(ARGUMENTS[0].encode().decode("unicode_escape").encode("latin-1"))
    while connection.recv(4096):
        pass


def flood(connection):
    while True:
        connection.sendall(b"y" * 65536)


def drip(connection):
    while True:
        connection.sendall(b".")
        time.sleep(1)


def garbage(connection):
    connection.sendall(bytes(range(256)) * 8)


def mute(connection):
    while connection.recv(4096):
        pass


def mail(connection):
    stream = connection.makefile("rwb")

    def say(text):
        stream.write((text + "\r\n").encode())
        stream.flush()

    say(ARGUMENTS[0] + " mail.example.com ESMTP")
    while True:
        line = stream.readline()
        if not line:
            return
        word = line.split()[0].upper()
        if word == b"EHLO":
            say("250-mail.example.com")
            say("250 STARTTLS")
        elif word == b"STARTTLS" and len(ARGUMENTS) > 1:
            say("220 go on")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(ARGUMENTS[1], ARGUMENTS[2])
            connection = context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rwb")
        elif word == b"QUIT":
            say("221 bye")
            return
        else:
            say("502 what?")


def answer(query):
    name = query[12:query.index(b"\0", 12) + 1]
    kind = struct.unpack("!H", query[12 + len(name):14 + len(name)])[0]
    code, records = 0, []
    label = name[1:1 + name[0]]
    if label == b"nosuch":
        code = 3
    elif label == b"broken":
        code = 2
    elif kind == 1:
        records = [bytes([192, 0, 2, 10]), bytes([192, 0, 2, 11])]
    elif kind == 15:
        records = [struct.pack("!H", 10) + b"\4mail\xc0\x0c"]
    elif kind == 16:
        records = [b"\5hello\5world"]
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for data in records)
    flags = 0x8400 if label == b"own" else 0x8180
    header = query[:2] + struct.pack("!HHHHH", flags | code, 1, len(records), 0, 0)
    return header + name + query[12 + len(name):16 + len(name)] + body


def dns():
    stream = socket.create_server(("127.0.0.1", 0))
    port = stream.getsockname()[1]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))

    def streams():
        while True:
            connection, _ = stream.accept()
            length = struct.unpack("!H", connection.recv(2))[0]
            reply = answer(connection.recv(length))
            connection.sendall(struct.pack("!H", len(reply)) + reply)
            connection.close()

    threading.Thread(target=streams, daemon=True).start()
    announce(port)
    while True:
        query, peer = datagrams.recvfrom(4096)
        if ARGUMENTS != ["mute"]:
            datagrams.sendto(b"junk" if ARGUMENTS == ["junk"] else answer(query), peer)


KINDS = {
    "http": lambda: web(False), "https": lambda: web(True), "dns": dns,
    "greet": lambda: tcp(guarded(greet)), "flood": lambda: tcp(guarded(flood)), "drip": lambda: tcp(guarded(drip)),
    "garbage": lambda: tcp(guarded(garbage)), "mute": lambda: tcp(guarded(mute)), "mail": lambda: tcp(guarded(mail)),
}
KINDS[KIND]()
