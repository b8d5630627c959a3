"""Records which destination kernel IPVS's hash schedulers choose: one case a line into tables.jsonl.

A case is a service, and events in the order in which they happened to it:

    add A 5 4 2  destination A is added with weight 5, an upper threshold of 4, a lower one of 2
    edit A 0     its weight is changed, and its thresholds are none
    delete A     it is removed; a later add revives it, with its connections
    flags sh-port,sh-fallback    the service gets other flags
    choose 7 BA- three new connections, the first ones of flows(7): chosen were B, A, then nobody
    expire 0 2   the first and the third connection of the case are gone
    reset        all of them are

Destination A is 10.2.0.11:80 or [2001:db8:2::11]:80, B the next, and so on: mh hashes that. Services
are at 10.99.0.1 or 2001:db8:99::1; those of dh have a firewall mark each, and take every address of
10.100.0.0/16 or 2001:db8:100::/48.
"""
import json
import random
import time

from labnet import *

LETTERS = 'ABCDEFGH'
PROTOCOLS = {'tcp': 6, 'udp': 17}
# Linux ip_vs.h: numbers of the socket options that change IPv4 rules.
ADD, EDIT, DELETE, ADD_DEST, DELETE_DEST, EDIT_DEST, TIMEOUT = [
    1152 + n for n in (2, 3, 4, 7, 8, 9, 10)]
FLAGS = {'sh-fallback': 8, 'sh-port': 16, 'mh-fallback': 8, 'mh-port': 16, 'flag-3': 32}
VIPS = {4: '10.99.0.1', 6: '2001:db8:99::1'}
REAL = {4: '10.2.0.%d', 6: '2001:db8:2::%d'}
MARKED = {4: '10.100.0.0/16', 6: '2001:db8:100::/48'}


def flows(seed, family):
    """Clients' addresses and ports, and, for dh, virtual addresses."""
    def number():
        nonlocal seed
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        return seed >> 16
    while True:
        n = [number() for _ in range(7)]
        if family == 4:
            client = '172.%d.%d.%d' % (16 + n[0] % 16, n[1] >> 8, n[1] & 255)
            virtual = '10.100.%d.%d' % (n[3] >> 8, n[3] & 255)
        else:
            client = '2001:db8:16:%x:%x:%x:%x:1' % tuple(n[0:2] + n[3:5])
            virtual = '2001:db8:100:%x:%x:%x:%x:1' % tuple(n[3:7])
        yield client, 1024 + n[2] % 60000, virtual


class Case:
    """One service and what happens to it."""
    count = 0

    def __init__(self, name, scheduler, flags='', protocol='tcp', family=4):
        self.name, self.scheduler, self.protocol, self.family = name, scheduler, protocol, family
        self.flags = self.first = flags
        self.events, self.held = [], []
        self.port = 1000 + Case.count
        Case.count += 1
        self.mark = self.port if scheduler == 'dh' else 0
        if self.mark:
            sh('%s-legacy -t mangle -R PREROUTING 1 -d %s -j MARK --set-mark %d' % (
                'ip6tables' if family == 6 else 'iptables', MARKED[family], self.mark), ns='d')
        self.rule(ADD)

    def rule(self, option, letter=None, weight=0, upper=0, lower=0):
        """By socket option for IPv4, since a run of ipvsadm takes 40 ms; by ipvsadm for IPv6."""
        if self.family == 6:
            return self.ipvsadm(option, letter, weight)
        flags = sum(FLAGS[flag] for flag in self.flags.split(',') if flag)
        service = struct.pack('H2x4sH2xI16sII4s', PROTOCOLS[self.protocol],
                              socket.inet_aton(VIPS[4]), socket.htons(self.port), self.mark,
                              self.scheduler.encode(), flags, 0, b'\xff' * 4)
        if letter:
            service += struct.pack('4sH2xIiII', socket.inet_aton(self.real(letter)),
                                   socket.htons(80), 0, weight, upper, lower)
        enter('d')
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) as s:
            s.setsockopt(socket.IPPROTO_IP, option, service)

    def ipvsadm(self, option, letter, weight):
        what = {ADD: '-A', EDIT: '-E', DELETE: '-D',
                ADD_DEST: '-a', EDIT_DEST: '-e', DELETE_DEST: '-d'}
        args = '%s -%s [%s]:%d' % (what[option], self.protocol[0], VIPS[6], self.port)
        if self.mark:
            args = '%s -f %d -6' % (what[option], self.mark)
        if option in (ADD, EDIT):
            args += ' -s ' + self.scheduler + (' -b ' + self.flags if self.flags else '')
        if letter:
            args += ' -r [%s]:80' % self.real(letter)
        if option in (ADD_DEST, EDIT_DEST):
            args += ' -m -w %d' % weight
        ipvsadm(args)

    def real(self, letter):
        return REAL[self.family] % (11 + LETTERS.index(letter))

    def add(self, letter, weight, *thresholds):
        self.events.append(' '.join(map(str, ('add', letter, weight) + thresholds)))
        self.rule(ADD_DEST, letter, weight, *thresholds)

    def edit(self, letter, weight, *thresholds):
        self.events.append(' '.join(map(str, ('edit', letter, weight) + thresholds)))
        self.rule(EDIT_DEST, letter, weight, *thresholds)

    def delete(self, letter):
        self.events.append('delete ' + letter)
        self.rule(DELETE_DEST, letter)

    def reflag(self, flags):
        self.events.append('flags ' + flags)
        self.flags = flags
        self.rule(EDIT)

    def choose(self, count):
        seed = len(self.events) + 100 * Case.count
        of = flows(seed, self.family)
        chosen = ''.join(self.connect(*next(of)) for _ in range(count))
        self.events.append('choose %d %s' % (seed, chosen))

    def connect(self, client, port, virtual):
        vip = virtual if self.scheduler == 'dh' else VIPS[self.family]
        args = client, port, vip, self.port
        s, who = tcp(*args) if self.protocol == 'tcp' else (None, udp(*args))
        if who in ('ECONNREFUSED', '(ECONNREFUSED)'):
            return '-'
        letters = [l for l in LETTERS if who == show(self.real(l), 80)]
        if not letters:
            raise RuntimeError('%s: %r answered' % (self.name, who))
        self.held.append([letters[0], s, args])
        return letters[0]

    def reset(self):
        self.events.append('reset')
        self.end()

    def expire(self, *numbers):
        """Shortens the timeout of UDP for one more packet of each."""
        self.events.append(' '.join(['expire'] + ['%d' % n for n in numbers]))
        timeouts(0, 0, 1)
        for n in numbers:
            udp(*self.held[n][2])
            self.held[n][0] = None
        timeouts(0, 0, 300)
        time.sleep(1.2)

    def of(self, letters=LETTERS):
        """Connections of these destinations that are not gone."""
        return [n for n, (letter, _, _) in enumerate(self.held) if letter and letter in letters]

    def end(self):
        for one in self.held:
            if one[1]:
                rst(one[1])
            one[1] = None

    def done(self, out):
        self.end()
        out.write(json.dumps({'name': self.name, 'scheduler': self.scheduler, 'flags': self.first,
                              'protocol': self.protocol, 'family': self.family,
                              'events': self.events}) + '\n')
        self.rule(DELETE)


def timeouts(*seconds):
    enter('d')
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) as s:
        s.setsockopt(socket.IPPROTO_IP, TIMEOUT, struct.pack('iii', *seconds))


WEIGHTS = [[1], [0], [1, 1], [1, 1, 1], [3, 1], [5, 3, 2], [0, 0, 0], [0, 3, 1], [3, 0, 1],
           [4, 2, 2], [9, 6, 3], [65535, 1], [1, 65535], [2147483647, 2147483646], [100, 1, 1, 1],
           [1, 2, 3, 4, 5, 6, 7, 8]]


def fresh(out, scheduler, flags, weights, protocol='tcp', family=4):
    """Destinations of these weights, nothing changed afterwards."""
    name = '%s(%s) of %s, %s, IPv%d' % (
        scheduler, flags, ':'.join(map(str, weights)), protocol, family)
    case = Case(name, scheduler, flags, protocol, family)
    for letter, weight in zip(LETTERS, weights):
        case.add(letter, weight)
    case.choose(100 if max(weights) else 5)
    case.done(out)


def quiesce(out, scheduler, flags):
    """One after the other, and back; and one that is added with weight 0."""
    case = Case('%s(%s) quiesces' % (scheduler, flags), scheduler, flags)
    for letter, weight in zip('ABCD', (2, 5, 1, 0)):
        case.add(letter, weight)
    case.choose(30)
    for letter in 'BAC':
        case.edit(letter, 0)
        case.choose(30)
    for letter in 'CDAB':
        case.edit(letter, 3)
        case.choose(30)
    case.edit('A', 0)
    case.delete('A')
    case.add('A', 0)
    case.choose(30)
    case.done(out)


def limit(out, scheduler, flags):
    """Thresholds are reached, left and edited."""
    dice = random.Random('limits %s %s' % (scheduler, flags))
    case = Case('%s(%s) with limits' % (scheduler, flags), scheduler, flags, 'udp')
    for letter in 'ABC':
        upper = dice.randint(3, 12)
        case.add(letter, dice.randint(1, 4), upper, dice.randint(0, upper))
    for step in range(12):
        case.choose(dice.randint(5, 15))
        if step in (4, 8):
            case.expire(*sorted(dice.sample(case.of(), len(case.of()) // 2)))
        else:
            upper = dice.choice([0, 5, 9, 20, 30, 50])
            case.edit(dice.choice('ABC'), dice.randint(0, 4), upper, dice.randint(0, upper))
    case.done(out)


def history(out, scheduler, flags, seed, protocol='tcp', family=4):
    """A random sequence of changes, with connections in between."""
    dice = random.Random('%s %s %s %s %d' % (scheduler, flags, protocol, family, seed))
    name = '%s(%s) history %d, %s, IPv%d' % (scheduler, flags, seed, protocol, family)
    case = Case(name, scheduler, flags, protocol, family)
    present = []
    for _ in range(12):
        absent = [l for l in LETTERS if l not in present]
        weight = dice.choice([0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 12, 40, 300])
        step = dice.choice(['add', 'add', 'edit', 'edit', 'delete', 'flags', 'more'])
        if absent and (step == 'add' or len(present) < 2):
            letter = dice.choice(absent)
            present.append(letter)
            case.add(letter, weight)
        elif step == 'edit':
            case.edit(dice.choice(present), weight)
        elif step == 'delete':
            letter = dice.choice(present)
            present.remove(letter)
            case.delete(letter)
        elif step == 'flags':
            case.reflag(dice.choice(COMBINATIONS[scheduler]))
        case.choose(dice.randint(10, 40))
        case.reset()
    case.done(out)


COMBINATIONS = {
    'dh': [''],
    'sh': ['', 'sh-port', 'sh-fallback', 'sh-fallback,sh-port'],
    'mh': ['', 'mh-port', 'mh-fallback', 'mh-fallback,mh-port', 'flag-3'],
}

ends()
director()
# Refusals are ICMP errors: each is to come.
for ns in None, 'c', 'd':
    for name in 'msgs_per_sec', 'msgs_burst':
        if os.path.exists('/proc/sys/net/ipv4/icmp_' + name):
            sysctl(ns, 'net.ipv4.icmp_' + name, 1000000)
server('r', [80])
for prefix in MARKED.values():
    divert(1, prefix)
with open('tables.jsonl', 'w') as out:
    for scheduler, combinations in COMBINATIONS.items():
        for flags in combinations:
            for weights in WEIGHTS:
                fresh(out, scheduler, flags, weights)
            for weights in [[1, 1, 1], [5, 3, 2]]:
                fresh(out, scheduler, flags, weights, 'udp')
                fresh(out, scheduler, flags, weights, 'tcp', 6)
                fresh(out, scheduler, flags, weights, 'udp', 6)
            quiesce(out, scheduler, flags)
            limit(out, scheduler, flags)
            for seed in range(6):
                history(out, scheduler, flags, seed)
            history(out, scheduler, flags, 0, 'udp')
            # A refused TCP connection of IPv6 takes a second.
            history(out, scheduler, flags, 0, 'udp', 6)
