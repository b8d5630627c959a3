"""Records what kernel IPVS makes of persistent services, into persistence.jsonl.

One case a line, each on a fresh director. Its steps are events as `xlvs simulate` reads them
(docs/simulate.md), and `{"op": "set", "name": …, "value": …}` for a sysctl; with each step stands
what there was after it:

    rows      /proc/net/ip_vs_conn: protocol, client, virtual service, destination, state, seconds
              until it expires
    counts    by real server weight, persistent, active and inactive connections, as
              `ipvsadm -Ln --persistent-conn` prints them
"""
import itertools
import json

from rawnet import *

VIP, VIP6 = '10.99.0.1', '2001:db8:99::1'
A, B = REALS
A6, B6 = '2001:db8:2::11', '2001:db8:2::12'
NEAR, FAR = '172.16.0.5', '172.16.1.9'
# Beyond the kernel's ticks, so that what has expired is gone.
REST = 0.3


def address(text):
    if ':' in text:
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text.strip('[]')))
    return socket.inet_ntoa(bytes.fromhex(text))


def rows():
    made = []
    for line in proc('d', 'ip_vs_conn').splitlines()[1:]:
        pro, *ends, state, expires = line.split()[:9]
        named = [show(address(a), int(p, 16)) for a, p in zip(ends[::2], ends[1::2])]
        # One that has been told to go is listed until the next tick.
        if expires != '0' or state in ('NONE', 'ASSURED'):
            made.append([pro, *named, state, int(expires)])
    return sorted(made)


def server_counts():
    made = {}
    for line in ipvsadm('-Ln --persistent-conn')[1].splitlines():
        f = line.split()
        if f[0] == '->' and f[1] != 'RemoteAddress:Port':
            made[f[1]] = [int(n) for n in f[2:]]
    return made


class Case:
    def __init__(self, name, *rules):
        self.name, self.steps, self.held = name, [], []
        director()
        raw_setup()
        for args in rules:
            self.rule(args)

    def step(self, event):
        self.steps.append({'event': event, 'rows': rows(), 'counts': server_counts()})

    def rule(self, args):
        ipvsadm(args)
        time.sleep(0.05)
        self.step({'op': 'rule', 'args': args})

    def set(self, name, value):
        sysctl('d', 'net.ipv4.vs.' + name, value)
        self.step({'op': 'set', 'name': name, 'value': value})

    def wait(self, seconds):
        time.sleep(seconds + REST)
        self.step({'op': 'advance', 'seconds': seconds + REST})

    def packet(self, src, sport, dport, flags='S', way='in', proto='tcp', vip=VIP, **more):
        """One packet of a client; or of the server that its connection is with."""
        make = {'tcp': lambda *to: tcp4(*to, flags), 'udp': udp4}[proto]
        if way == 'in':
            send('c', make(src, sport, vip, dport))
        else:
            of = [r for r in rows() if r[1] == show(src, sport) and r[2] == show(vip, dport)][0]
            server, port = of[3].rsplit(':', 1)
            send('r', make(server, int(port), src, sport))
        while int(proc_softnet(), 16):
            time.sleep(0.001)
        time.sleep(0.02)
        self.step({'op': 'packet', 'proto': proto, 'src': src, 'sport': sport, 'dst': vip,
                   'dport': dport, 'dir': way, 'flags': flags if proto == 'tcp' else '', **more})

    def open(self, src, sport, dport, vip=VIP):
        for flags, way in (('S', 'in'), ('SA', 'out'), ('A', 'in')):
            self.packet(src, sport, dport, flags, way, vip=vip)

    def close(self, src, sport, dport):
        for flags, way in (('FA', 'in'), ('FA', 'out'), ('A', 'in')):
            self.packet(src, sport, dport, flags, way)

    def connect(self, src, sport, dport):
        """A real one, of IPv6."""
        s, who = tcp(src, sport, VIP6, dport)
        self.held.append(s)
        time.sleep(0.05)
        self.step({'op': 'connect', 'proto': 'tcp', 'src': src, 'sport': sport, 'dst': VIP6,
                   'dport': dport})

    def done(self):
        for s in filter(None, self.held):
            rst(s)
        out.write(json.dumps({'name': self.name, 'steps': self.steps}) + '\n')
        out.flush()


def proc_softnet():
    return proc('d', 'softnet_stat').split()[11]


def service(options, name='-t %s:80' % VIP, reals=(A + ':80', B + ':80'), method='-m', scheduler='rr'):
    return ['-A %s -s %s %s' % (name, scheduler, options)] + \
        ['-a %s -r %s %s' % (name, real, method) for real in reals]


def sticks():
    c = Case('the second connection of a client goes where the first went', *service('-p 300'))
    c.open(CLIENT, 20001, 80)
    c.packet(CLIENT, 20002, 80)
    c.packet(NEAR, 20001, 80)
    c.packet(CLIENT, 20003, 80)
    c.packet(FAR, 20003, 80)
    c.done()


def masks():
    c = Case('a mask makes one client of many', *service('-p 300 -M 255.255.255.0'))
    for src in NEAR, '172.16.0.77', FAR, '172.16.0.200', '172.16.1.1':
        c.packet(src, 20001, 80)
    c.done()
    c = Case('a mask of an IPv6 prefix', *service(
        '-p 300 -M 64', '-t [%s]:80' % VIP6, ('[%s]:80' % A6, '[%s]:80' % B6)))
    for src in '2001:db8:16::1', '2001:db8:16::2:3', '2001:db8:16:1::1', '2001:db8:16:1:ffff::1':
        c.connect(src, 20001, 80)
    c.done()
    c = Case('every address of IPv6 is a client', *service(
        '-p 300', '-t [%s]:80' % VIP6, ('[%s]:80' % A6, '[%s]:80' % B6)))
    for src in '2001:db8:16::1', '2001:db8:16::2', '2001:db8:16::1':
        c.connect(src, 20001 + len(c.steps), 80)
    c.done()


def ports():
    c = Case('a service at port 0 has all ports', *service(
        '-p 300', '-t %s:0' % VIP, (A, B)))
    for sport, dport in (20001, 22), (20002, 80), (20003, 8080):
        c.open(CLIENT, sport, dport)
    c.packet(NEAR, 20001, 443)
    c.done()
    c = Case('a service at port 0 ignores the port of its real server', *service(
        '-p 300', '-t %s:0' % VIP, (A + ':8080', B + ':8080')))
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20002, 81)
    c.done()
    c = Case('services of one address do not share templates', *service('-p 300'), *service(
        '-p 60', '-t %s:22' % VIP, (A + ':22', B + ':22')))
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20002, 22)
    c.packet(NEAR, 20001, 22)
    c.packet(NEAR, 20002, 80)
    c.done()
    c = Case('the exact port goes before port 0', *service('-p 300', '-t %s:0' % VIP, (A, )), *service(
        '', '-t %s:80' % VIP, (B + ':80', )))
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20002, 81)
    c.done()
    c = Case('a real server at another port', *service('-p 300', reals=(A + ':8080', B + ':8080')))
    c.open(CLIENT, 20001, 80)
    c.packet(CLIENT, 20002, 80)
    c.done()
    c = Case('tcp and udp are apart at port 0', *service('-p 300', '-t %s:0' % VIP, (A, B)), *service(
        '-p 300', '-u %s:0' % VIP, (A, B)))
    c.packet(CLIENT, 20001, 53)
    c.packet(CLIENT, 20001, 53, proto='udp')
    c.packet(NEAR, 20001, 53, proto='udp')
    c.done()


def ftp():
    c = Case('a service at port 21 has the data ports, too', *service(
        '-p 300', '-t %s:21' % VIP, (A + ':21', B + ':21'), '-g'))
    for src, dport in (CLIENT, 21), (CLIENT, 2000), (CLIENT, 20), (CLIENT, 80), (NEAR, 5000), (NEAR, 21):
        c.packet(src, 20001, dport)
    c.done()
    c = Case('data ports go to port 21 before port 0', *service(
        '-p 300', '-t %s:21' % VIP, (A + ':21', ), '-g'), *service('-p 300', '-t %s:0' % VIP, (B, ), '-g'))
    for dport in 2000, 80, 20:
        c.packet(CLIENT, 20001, dport)
    c.done()
    c = Case('a service at port 21 without persistence keeps data ports from port 0', *service(
        '', '-t %s:21' % VIP, (A + ':21', ), '-g'), *service('-p 300', '-t %s:0' % VIP, (B, ), '-g'))
    for dport in 2000, 80, 21:
        c.packet(CLIENT, 20001, dport)
    c.done()


def times():
    c = Case('a template expires', *service('-p 8'))
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20001, 80, 'R')
    c.open(NEAR, 20001, 80)
    c.packet(NEAR, 20001, 80, 'R')
    c.wait(3)
    c.packet(NEAR, 20002, 80)
    c.wait(13)
    c.packet(NEAR, 20003, 80)
    c.packet(CLIENT, 20004, 80)
    c.done()
    c = Case('a template outlives its timeout while connections hang on it', *service('-p 2'))
    c.open(CLIENT, 20001, 80)
    c.wait(2)
    c.packet(CLIENT, 20002, 80)
    c.packet(CLIENT, 20001, 80, 'R')
    c.wait(3)
    c.packet(CLIENT, 20003, 80)
    c.wait(12)
    c.done()
    c = Case('a longer timeout is for templates to come', *service('-p 50'))
    c.packet(CLIENT, 20001, 80)
    c.rule('-E -t %s:80 -s rr -p 100' % VIP)
    c.packet(CLIENT, 20002, 80)
    c.packet(NEAR, 20001, 80)
    c.rule('-E -t %s:80 -s rr -p 100 -M 255.255.0.0' % VIP)
    c.packet(NEAR, 20002, 80)
    c.packet(FAR, 20002, 80)
    c.rule('-E -t %s:80 -s rr' % VIP)
    c.packet(CLIENT, 20003, 80)
    c.packet(CLIENT, 20004, 80)
    c.done()


def states():
    c = Case('a template is assured by a connection that is established', *service('-p 300'))
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20001, 80, 'SA', 'out')
    c.packet(CLIENT, 20001, 80, 'A')
    c.close(CLIENT, 20001, 80)
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20001, 80, 'SA', 'out')
    c.packet(CLIENT, 20001, 80, 'R')
    c.packet(CLIENT, 20001, 80, 'S')
    c.done()
    c = Case('a template of UDP is assured by a reply', *service('-p 300', '-u %s:80' % VIP))
    c.packet(CLIENT, 20001, 80, proto='udp')
    c.packet(CLIENT, 20001, 80, proto='udp')
    c.packet(CLIENT, 20001, 80, '', 'out', proto='udp')
    c.packet(CLIENT, 20002, 80, proto='udp')
    c.done()
    c = Case('direct routing sees no reply', *service('-p 300', '-u %s:80' % VIP, method='-g'), *service(
        '-p 300', method='-g'))
    c.packet(CLIENT, 20001, 80, proto='udp')
    c.packet(CLIENT, 20001, 80, proto='udp')
    c.packet(CLIENT, 20001, 80)
    c.packet(CLIENT, 20001, 80, 'A')
    c.packet(CLIENT, 20001, 80, 'FA')
    c.packet(CLIENT, 20001, 80)
    c.done()


def destinations():
    for expire in 0, 1:
        c = Case('a quiesced destination, expire_quiescent_template=%d' % expire, *service('-p 300'))
        c.set('expire_quiescent_template', expire)
        c.open(CLIENT, 20001, 80)
        for real in A, B:
            c.rule('-e -t %s:80 -r %s:80 -m -w 0' % (VIP, real))
            c.packet(CLIENT, 20002 + len(c.steps), 80)
            c.packet(NEAR, 20002 + len(c.steps), 80)
            c.rule('-e -t %s:80 -r %s:80 -m -w 1' % (VIP, real))
            c.packet(CLIENT, 20002 + len(c.steps), 80)
        c.done()
    for expire in 0, 1:
        c = Case('a removed destination, expire_nodest_conn=%d' % expire, *service('-p 300'))
        c.set('expire_nodest_conn', expire)
        c.open(CLIENT, 20001, 80)
        server = [r for r in rows() if r[1].endswith(':20001')][0][3]
        c.rule('-d -t %s:80 -r %s' % (VIP, server))
        time.sleep(0.1)
        c.packet(CLIENT, 20002, 80)
        c.packet(CLIENT, 20001, 80, 'A')
        c.rule('-a -t %s:80 -r %s -m' % (VIP, server))
        c.packet(CLIENT, 20003, 80)
        c.packet(CLIENT, 20001, 80, 'A')
        c.packet(NEAR, 20003, 80)
        c.done()
    c = Case('a removed destination that comes back before its client', *service('-p 300'))
    c.packet(CLIENT, 20001, 80)
    for args in '-d -t %s:80 -r %s:80', '-a -t %s:80 -r %s:80 -m':
        c.rule(args % (VIP, B))
    c.packet(CLIENT, 20002, 80)
    c.done()
    c = Case('thresholds do not hold for templates', *service('-p 300'))
    for real in A, B:
        c.rule('-e -t %s:80 -r %s:80 -m -x 2' % (VIP, real))
    for sport in range(20001, 20005):
        c.packet(CLIENT, sport, 80)
    c.packet(NEAR, 20001, 80)
    c.packet(FAR, 20001, 80)
    c.packet(FAR, 20002, 80)
    c.packet('172.16.2.2', 20001, 80)
    c.done()


def schedulers():
    for scheduler in 'sh', 'sh -b sh-port', 'mh', 'dh', 'wlc', 'lblc':
        c = Case('scheduler ' + scheduler, *service('-p 300 -M 255.255.255.0', scheduler=scheduler))
        for host in range(1, 13):
            c.packet('172.16.%d.%d' % (host // 3, host), 20000 + host, 80)
        c.done()


def marks():
    c = Case('a firewall mark of two addresses', *service('-p 300', '-f 7', (A, B + ':8080')))
    other = '10.99.0.2'
    for vip in VIP, other:
        divert(7, vip + '/32')
    for src, sport, dport, proto, vip in (
            (CLIENT, 20001, 80, 'tcp', VIP), (CLIENT, 20002, 443, 'tcp', other),
            (CLIENT, 20003, 53, 'udp', VIP), (NEAR, 20001, 443, 'tcp', VIP), (NEAR, 20002, 8080, 'tcp', other)):
        c.packet(src, sport, dport, proto=proto, vip=vip, mark=7)
    c.done()


ends()
with open('persistence.jsonl', 'w') as out:
    server('r', [80])
    for cases in (sticks, masks, ports, ftp, times, states, destinations, schedulers, marks):
        cases()
