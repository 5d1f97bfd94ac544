# A filesystem of folders that answers until it gets SIGUSR1, and then nothing any more: `hang.py FOLDER`. Prints a line
# when it is mounted; what waits for it is released when it is killed.
import ctypes
import os
import signal
import struct
import sys

INIT, LOOKUP, GETATTR, STATFS = 26, 1, 3, 17
hangs = False


def hang(*_):
    global hangs
    hangs = True


def attributes(node):
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)


def answer(code, node):
    if code == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8)
    if code == GETATTR:
        return struct.pack("<Q2I", 0, 0, 0) + attributes(node)
    if code == LOOKUP:
        return struct.pack("<4Q2I", 2, 0, 0, 0, 0, 0) + attributes(2)
    if code == STATFS:
        return struct.pack("<5Q4I24x", 1000, 900, 900, 10, 9, 4096, 255, 4096, 0)
    return None


signal.signal(signal.SIGUSR1, hang)
device = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % device
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"lab", sys.argv[1].encode(), b"fuse", 0, options) != 0:
    sys.exit("mount: " + os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
while True:
    try:
        request = os.read(device, 1 << 17)
    except OSError:
        break
    length, code, unique, node = struct.unpack("<2I2Q", request[:24])
    if hangs:
        continue
    body = answer(code, node)
    error = 0 if body is not None else -38
    reply = struct.pack("<IiQ", 16 + len(body or b""), error, unique) + (body or b"")
    try:
        os.write(device, reply)
    except OSError:
        pass
