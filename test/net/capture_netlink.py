"""Records what a kernel says over rtnetlink, for netlink.test.ts.

    unshare -n /usr/bin/python3 test/net/capture_netlink.py > test/net/netlink_capture.json

Runs in a network namespace of its own, which vanishes with it. Fixed MACs and indices, so that
a second run differs only in counters and cache times.
"""
import json
import socket
import struct
import subprocess

A, B = '02:00:5e:00:53:01', '02:00:5e:00:53:02'


def ip(*words):
    subprocess.run(['ip', *words], check=True)


def attribute(number, value):
    return struct.pack('=HH', 4 + len(value), number) + value + bytes(-len(value) % 4)


def ask(number, flags, body, seq):
    """Sends one request; returns it with the datagrams that answer it."""
    request = struct.pack('=IHHII', 16 + len(body), number, flags | 1, seq, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.settimeout(0.3)
        s.send(request)
        answers = []
        try:
            while True:
                answers.append(s.recv(65536).hex())
        except socket.timeout:
            pass
    return {'request': request.hex(), 'answers': answers}


def route(destination, source=None, iif=None, flags=0):
    family = socket.AF_INET6 if ':' in destination else socket.AF_INET
    to = socket.inet_pton(family, destination)
    frm = socket.inet_pton(family, source) if source else b''
    body = struct.pack('=8BI', family, len(to) * 8, len(frm) * 8, 0, 0, 0, 0, 0, flags)
    body += attribute(1, to)
    if frm:
        body += attribute(2, frm)
    if iif:
        body += attribute(3, struct.pack('=I', iif))
    return ask(26, 0, body, 7)


def resolve(address, flags, extra=b''):
    to = socket.inet_aton(address)
    body = struct.pack('=BBHiHBB', socket.AF_INET, 0, 0, 10, 0, flags, 0) + attribute(1, to) + extra
    return ask(28, 0x404, body, 9)


def notices(action):
    """What the groups LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE say."""
    groups = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.bind((0, groups))
        s.settimeout(0.3)
        action()
        heard = []
        try:
            while True:
                heard.append(s.recv(65536).hex())
        except socket.timeout:
            return heard


for name, value in (('ipv6/conf/default/accept_dad', '0'), ('ipv4/ip_forward', '1')):
    with open('/proc/sys/net/' + name, 'w') as f:
        f.write(value)
ip('link', 'set', 'lo', 'up')
ip('link', 'add', 'eth0', 'index', '10', 'address', A, 'type', 'veth',
   'peer', 'name', 'eth1', 'index', '11', 'address', B)
ip('link', 'set', 'eth0', 'up')
ip('link', 'set', 'eth1', 'up')
ip('addr', 'add', '192.0.2.1/24', 'dev', 'eth0')
ip('addr', 'add', '2001:db8::1/64', 'dev', 'eth0')
ip('route', 'add', 'default', 'via', '192.0.2.254')
ip('route', 'add', '198.51.100.0/24', 'via', 'inet6', '2001:db8::fe', 'dev', 'eth0')
ip('route', 'add', 'unreachable', '203.0.113.0/24')
ip('-6', 'route', 'add', 'default', 'via', '2001:db8::fe')
ip('neigh', 'add', '192.0.2.2', 'lladdr', B, 'dev', 'eth0', 'nud', 'permanent')
ip('neigh', 'add', '2001:db8::2', 'lladdr', B, 'dev', 'eth0', 'nud', 'stale', 'router')

empty = bytes
print(json.dumps({
    'links': ask(18, 0x300, empty(16), 1),
    'addresses': ask(22, 0x300, empty(8), 2),
    'neighbours': ask(30, 0x300, empty(12), 3),
    'onLink': route('192.0.2.9'),
    'byGateway': route('192.88.99.1'),
    'byGateway6': route('2001:db8:1::1'),
    'byVia': route('198.51.100.7'),
    'local': route('192.0.2.1'),
    'unreachable': route('203.0.113.1'),
    'arrived': route('192.88.99.1', '192.0.2.77', 10),
    'fibMatch': route('192.88.99.1', flags=0x2000),
    'use': resolve('192.0.2.3', 1),
    'managed': resolve('192.0.2.4', 0, attribute(15, struct.pack('=I', 1))),
    'resolving': ask(30, 0x300, empty(12), 3),
    'linkDown': notices(lambda: ip('link', 'set', 'eth1', 'down')),
    'addressGone': notices(lambda: ip('addr', 'del', '192.0.2.1/24', 'dev', 'eth0')),
    'bridgePort': notices(lambda: (ip('link', 'add', 'br0', 'index', '12', 'type', 'bridge'),
                                   ip('link', 'set', 'eth1', 'master', 'br0'),
                                   ip('link', 'set', 'eth1', 'nomaster'))),
    'linkGone': notices(lambda: ip('link', 'del', 'eth0')),
}, indent=1))
