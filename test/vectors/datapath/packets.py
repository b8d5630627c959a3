"""Records what kernel IPVS makes of packets on the wire, into packets.jsonl.

One packet a line, as it came and as it left, from the IP header on, in hexadecimal. Addresses and ports are those of
test/datapath/case.ts. A line is a packet of an established connection; with `error`, one
that the director answered with an ICMP error, since its only destination had weight 0, its TTL
was 1, or it was longer than the next link takes (`mtu`).
"""
import itertools
import json

from rawnet import *

NOBODY = '02:00:00:00:00:77'
CPORT, VPORT = 40000, 80
ADDRESSES = {4: ('198.51.100.7', '203.0.113.1', '10.1.2.3'),
             6: ('2001:db8:c::7', '2001:db8:a::1', '2001:db8:b:0:1:2:3:4')}
NUMBERS = {'tcp': 6, 'udp': 17}
METHODS = {'masq': '-m', 'route': '-g'}
SHORT_MTU = 1400
# More than an error quotes, and than the next link takes.
LONG = bytes(range(250)) * 5
ERRORS = {'unreachable': {'plain': {}, 'TOS': {'tos': 0xb9}, 'long': {'payload': LONG}},
          'ttl': {'plain': {'ttl': 1}, 'TOS': {'ttl': 1, 'tos': 0xb9},
                  'long': {'ttl': 1, 'payload': LONG}},
          'mtu': {'long': {'payload': LONG + LONG[:183]}}}
wires = {}


class Wire:
    """The director's link to the client (c) or the real server (r): frames in, frames out."""

    def __init__(self, ns, device):
        self.target = mac('d', device)
        enter(ns)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(('d0', 3))
        self.socket.settimeout(1)

    def send(self, packet):
        kind = b'\x08\x00' if packet[0] >> 4 == 4 else b'\x86\xdd'
        self.socket.send(self.target + b'\x02\0\0\0\0\x77' + kind + packet)

    def receive(self, protocols):
        """The next packet from the director that has one of these protocol numbers."""
        while True:
            frame, (_, _, direction, _, _) = self.socket.recvfrom(70000)
            kind, packet = frame[12:14], frame[14:]
            if direction == socket.PACKET_OUTGOING:
                continue
            if kind == b'\x08\x00' and packet[9] in protocols:
                return packet
            if kind == b'\x86\xdd' and last_header(packet) in protocols:
                return packet


    def receive_error(self):
        """The next ICMP error from the director, with 0 for IPv4's id and IPv6's flow label,
        which are whatever they like. Neighbours are asked for at any time."""
        while True:
            packet = self.receive([1, 58])
            if packet[0] >> 4 == 4:
                header = packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:20]
                return header[:10] + struct.pack('!H', csum(header)) + header[12:] + packet[20:]
            if packet[6] == 58 and packet[40] < 128:
                return b'\x60\0\0\0' + packet[4:]


def last_header(packet):
    """IPv6: what stands behind the extension headers."""
    kind, at = packet[6], 40
    while kind in (0, 43, 60):
        kind, at = packet[at], at + 8 + packet[at + 1] * 8
    return kind


def service(family, protocol, method):
    """A fresh director with one service and one real server; nobody stands behind either link."""
    client, vip, real = ADDRESSES[family]
    director()
    width = 128 if family == 6 else 32
    ip('''addr add %(vip)s/%(width)d dev lo
          route add %(client)s/%(width)d dev c0
          route add %(real)s/%(width)d dev r0
          neigh replace %(client)s lladdr %(nobody)s dev c0 nud permanent
          neigh replace %(real)s lladdr %(nobody)s dev r0 nud permanent
       ''' % dict(locals(), nobody=NOBODY), 'd')
    ipvsadm('-A -%s %s -s rr' % (protocol[0], show(vip, VPORT)))
    destination('-a', family, protocol, method)
    wires.update(c=Wire('c', 'c0'), r=Wire('r', 'r0'))


def destination(command, family, protocol, method, weight=1):
    client, vip, real = ADDRESSES[family]
    name = '-%s %s' % (protocol[0], show(vip, VPORT))
    port = 8080 if method == 'masq' else VPORT
    ipvsadm('%s %s -r %s %s -w %d' % (command, name, show(real, port), METHODS[method], weight))


class Peer:
    """Makes packets of one connection, either way."""

    def __init__(self, family, protocol, port=CPORT):
        self.family, self.protocol = family, protocol
        client, vip, real = ADDRESSES[family]
        self.ends = {'in': (client, port, vip, VPORT), 'out': (real, 8080, client, port)}

    def packet(self, way, flags='A', payload=b'hello', checksum=None, **kw):
        """`checksum` is added to the right one, or, if 0, written."""
        source, sport, target, dport = self.ends[way]
        if self.protocol == 'tcp':
            bits, at = sum(FL[c] for c in flags), 16
            segment = struct.pack('!HHIIBBHHH', sport, dport, 1, 2, 0x50, bits, 65535, 0, 0)
        else:
            at = 6
            segment = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0)
        segment += payload
        inet = socket.AF_INET if self.family == 4 else socket.AF_INET6
        addresses = socket.inet_pton(inet, source) + socket.inet_pton(inet, target)
        number = NUMBERS[self.protocol]
        right = csum(addresses + struct.pack('!II', len(segment), number) + segment)
        if self.protocol == 'udp':
            right = right or 0xffff
        total = right + (checksum or 0)
        field = 0 if checksum == 0 else (total & 0xffff) + (total >> 16)
        segment = segment[:at] + struct.pack('!H', field) + segment[at + 2:]
        header = ipv4_header if self.family == 4 else ipv6_header
        return header(addresses, number, len(segment), **kw) + segment


def ipv4_header(addresses, protocol, length, tos=0, df=True, ttl=64, options=b''):
    words, total = 5 + len(options) // 4, 20 + len(options) + length
    header = struct.pack('!BBHHHBBH', 0x40 | words, tos, total, 7, 0x4000 if df else 0, ttl,
                         protocol, 0) + addresses + options
    return header[:10] + struct.pack('!H', csum(header)) + header[12:]


def ipv6_header(addresses, protocol, length, tos=0, ttl=64, extensions=()):
    """Extension headers: (protocol, bytes), the first byte yet to be written."""
    kinds = [kind for kind, _ in extensions] + [protocol]
    chain = b''.join(bytes([kinds[i + 1]]) + rest[1:] for i, (_, rest) in enumerate(extensions))
    first = 6 << 28 | tos << 20 | 0xabcde
    return struct.pack('!IHBB', first, len(chain) + length, kinds[0], ttl) + addresses + chain


def variations(family, protocol):
    yield 'plain', {}
    yield 'no payload', {'payload': b''}
    yield 'odd payload', {'payload': b'x' * 77}
    yield 'TTL 2', {'ttl': 2}
    yield 'TTL 255', {'ttl': 255}
    yield 'TOS', {'tos': 0xb9}
    yield 'wrong transport checksum', {'checksum': 0x1234}
    if protocol == 'tcp':
        yield 'other flags', {'flags': 'PUA'}
    else:
        yield 'no checksum', {'checksum': 0}
    if family == 4:
        yield 'no DF', {'df': False}
        yield 'options', {'options': b'\x01\x01\x01\x00'}
    else:
        padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])
        yield 'destination options', {'extensions': [(60, padding)]}


def forwarded(family, protocol, method):
    ways = ['in', 'out'] if method == 'masq' else ['in']
    peer = Peer(family, protocol)

    def through(way, **kw):
        came, leaves = ('c', 'r') if way == 'in' else ('r', 'c')
        packet = peer.packet(way, **kw)
        wires[came].send(packet)
        return packet, wires[leaves].receive([NUMBERS[protocol]])

    through('in', flags='S')
    if method == 'masq':
        through('out', flags='SA')
    through('in', flags='A')
    for way in ways:
        for name, kw in itertools.chain(variations(family, protocol),
                                        vanishing(peer, through, way)):
            before, after = through(way, **kw)
            write(name=name, family=family, protocol=protocol, method=method, direction=way,
                  before=before.hex(), after=after.hex())


def vanishing(peer, through, way):
    """A payload with which the checksum of what leaves comes to zero."""
    _, after = through(way, payload=bytes(2))
    at = (20 if peer.family == 4 else 40) + (16 if peer.protocol == 'tcp' else 6)
    yield 'checksum that comes to zero', {'payload': after[at:at + 2]}


def errors(family, protocol, method):
    for error, causes in ERRORS.items():
        destination('-e', family, protocol, method, weight=0 if error == 'unreachable' else 1)
        mtu = SHORT_MTU if error == 'mtu' else 0
        if mtu:
            ip('route change %s dev r0 mtu %d' % (ADDRESSES[family][2], mtu), 'd')
        peer = Peer(family, protocol, CPORT + 1)
        for name, cause in causes.items():
            wires['c'].send(peer.packet('in', flags='S', **cause))
            # At a link that is too short the kernel has counted the hop already, and quotes the
            # packet so; RFC 1812 section 4.3.2.3 leaves that open.
            before = peer.packet('in', flags='S', **dict(cause, ttl=63) if mtu else cause)
            write(name=name, family=family, protocol=protocol, method=method, direction='in',
                  error=error, mtu=mtu, before=before.hex(),
                  after=wires['c'].receive_error().hex())


def write(**line):
    out.write(json.dumps(line) + '\n')


if __name__ == '__main__':
    ends()
    with open('packets.jsonl', 'w') as out:
        for family, protocol, method in itertools.product((4, 6), ('tcp', 'udp'), ('masq', 'route')):
            service(family, protocol, method)
            forwarded(family, protocol, method)
            errors(family, protocol, method)
