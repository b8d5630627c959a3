"""Records what kernel IPVS makes of a connection's segments, into states.jsonl.

One connection a line: protocol, forwarding method and its segments, in the order in which they
came. `in` is from the client, `out` from the real server; behind the colon stands what
/proc/net/ip_vs_conn then showed:

    in S: SYN_RECV 60 active new      flags, state, timeout in seconds, how it is counted;
                                      `new` when a real server was chosen for this segment
    in A: none                        there is no connection (any more)
    out -: CLOSE 10 inactive          a segment without flags, a datagram

First every state that segments lead to is found, the shortest way there; from each, every
combination of flags is sent either way. Then come long random histories.
"""
import itertools
import json
import random

from rawnet import *

VIP, PORT = '10.99.0.1', 80
METHODS = {'masq': '-m', 'route': '-g'}
# Every combination of those that count, and some with the two that do not.
FLAGS = [''.join(c) for n in range(5) for c in itertools.combinations('SFRA', n)]
FLAGS += ['PA', 'U', 'SPU', 'FPU']
client_ports = itertools.count(20001)


def service(protocol='tcp'):
    """A fresh director with two real servers in turn, so that a new choice is seen."""
    director()
    name = '-%s %s:%d' % (protocol[0], VIP, PORT)
    reals = ['-a %s -r %s:%d %s' % (name, real, PORT, METHODS[method]) for real in REALS]
    ipvsadm('-R', input='\n'.join(['-A %s -s rr' % name] + reals) + '\n')
    raw_setup()


def settle():
    """Waits until the kernel has taken every packet that was sent (softnet_stat's backlog)."""
    while int(proc('d', 'softnet_stat').split()[11], 16):
        time.sleep(0.001)


def active_connections():
    return sum(active for weight, active, inactive in counts().values())


class Connection:
    def __init__(self, protocol):
        self.protocol, self.port, self.steps = protocol, next(client_ports), []
        self.others = active_connections()
        self.state, self.server = 'none', None

    def find(self):
        """The entry; one that has been told to go is listed until the next tick."""
        while True:
            mine = [c for c in conns() if c['fport'] == self.port]
            lasting = [c for c in mine if c['expires'] > 0]
            if lasting or not mine:
                return lasting[0] if lasting else None
            time.sleep(0.01)

    def send(self, way, flags):
        make = {'tcp': lambda *to: tcp4(*to, flags), 'udp': udp4}[self.protocol]
        if way == 'in':
            send('c', make(CLIENT, self.port, VIP, PORT))
        else:
            send('r', make(self.server or REALS[0], PORT, CLIENT, self.port))
        settle()
        self.steps.append('%s %s: %s' % (way, flags or '-', self.look()))

    def look(self):
        entry = self.find()
        if not entry:
            self.state, self.server = 'none', None
            return self.state
        new = self.server != entry['dest']
        self.state, self.server = entry['state'], entry['dest']
        # A tick may have passed since the segment.
        seconds = -(-entry['expires'] // 5) * 5
        active = active_connections() > self.others
        return '%s %d %s%s' % (self.state, seconds, 'active' if active else 'inactive',
                               ' new' if new else '')

    def done(self):
        case = {'protocol': self.protocol, 'method': method, 'steps': self.steps}
        out.write(json.dumps(case) + '\n')


def play(segments, protocol='tcp'):
    connection = Connection(protocol)
    for way, flags in segments:
        connection.send(way, flags)
    connection.done()
    return connection


def every_state(ways):
    """Every segment in every state that segments lead to, the nearest states first."""
    known, wanted = {'none'}, [[]]
    while wanted:
        path = wanted.pop(0)
        service()
        # Nothing but the client's segments can come before there is a connection.
        for way in ways if path else ['in']:
            for flags in FLAGS:
                state = play(path + [(way, flags)]).state
                if state not in known:
                    known.add(state)
                    wanted.append(path + [(way, flags)])


def histories(ways, count=20, length=12):
    """Likely segments, so that connections live; each begins with one that opens it."""
    chance = random.Random(method)
    flags = ['S', 'SA', 'A', 'A', 'PA', 'FA', 'F', 'R', 'RA', '', 'SF', 'SR']
    service()
    for _ in range(count):
        play([('in', 'S')] + [(chance.choice(ways), chance.choice(flags)) for _ in range(length)])


ends()
with open('states.jsonl', 'w') as out:
    for method, ways in ('masq', ['in', 'out']), ('route', ['in']):
        every_state(ways)
        histories(ways)
        service('udp')
        play([(way, '') for way in ways * 2], 'udp')
