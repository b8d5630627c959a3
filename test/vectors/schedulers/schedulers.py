"""Records which destination kernel IPVS chooses: one case a line into schedulers.jsonl.

A case is a service, and events in the order in which they happened to it:

    add A 5      destination A is added with weight 5; B, C, … are others
    add A 5 4 2  the same with an upper threshold of 4 connections and a lower one of 2
    edit A 0     its weight is changed, and its thresholds are none
    delete A     it is removed; a later add revives it, with its connections
    scheduler lc the service gets another scheduler
    choose BA-   three new connections: chosen were B, then A, then nobody
    close 0 2    the first and the third connection of the case are closed, client first
    reset 1      the second one is reset by the client
    expire 0 2   the first and the third one, of UDP, are gone

Connections that are not closed are held open, so that active and inactive counts build up.
"""
import json
import random
import time

from labnet import *

SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc']
LETTERS = 'ABCDEFGH'
PROTOCOLS = {'tcp': 6, 'udp': 17}
# Linux ip_vs.h: numbers of the socket options that change IPv4 rules.
ADD, EDIT, DELETE, ADD_DEST, DELETE_DEST, EDIT_DEST, TIMEOUT = [
    1152 + n for n in (2, 3, 4, 7, 8, 9, 10)]
VIPS = {4: '10.99.0.1', 6: '2001:db8:99::1'}
CLIENTS = {4: '172.16.0.1', 6: '2001:db8:16::1'}
REAL = {4: '10.2.0.%d', 6: '2001:db8:2::%d'}


class Case:
    """One service and what happens to it."""
    count = 0

    def __init__(self, name, scheduler, protocol='tcp', family=4):
        self.name, self.scheduler, self.protocol, self.family = name, scheduler, protocol, family
        self.first, self.events, self.held, self.ports = scheduler, [], [], []
        self.port = 1000 + Case.count
        Case.count += 1
        self.rule(ADD)

    def rule(self, option, letter=None, weight=0, upper=0, lower=0):
        """By socket option for IPv4, since a run of ipvsadm takes 40 ms; by ipvsadm for IPv6."""
        if self.family == 6:
            return self.ipvsadm(option, letter, weight)
        service = struct.pack('H2x4sH2xI16sII4s', PROTOCOLS[self.protocol],
                              socket.inet_aton(VIPS[4]), socket.htons(self.port), 0,
                              self.scheduler.encode(), 0, 0, b'\xff' * 4)
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
        if option in (ADD, EDIT):
            args += ' -s ' + self.scheduler
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

    def reschedule(self, scheduler):
        self.events.append('scheduler ' + scheduler)
        self.scheduler = scheduler
        self.rule(EDIT)

    def choose(self, count):
        chosen = ''.join(self.connect() for _ in range(count))
        self.events.append('choose ' + chosen)

    def connect(self):
        args = CLIENTS[self.family], next(ports), VIPS[self.family], self.port
        s, who = tcp(*args) if self.protocol == 'tcp' else (None, udp(*args))
        if who in ('ECONNREFUSED', '(ECONNREFUSED)'):
            return '-'
        letters = [l for l in LETTERS if who == show(self.real(l), 80)]
        if not letters:
            raise RuntimeError('%s: %r answered' % (self.name, who))
        self.held.append((letters[0], s))
        self.ports.append(args[1])
        return letters[0]

    def close(self, *numbers):
        self.end('close', fin, numbers)

    def reset(self, *numbers):
        self.end('reset', rst, numbers)

    def end(self, how, do, numbers):
        self.events.append(' '.join([how] + ['%d' % n for n in numbers]))
        for n in numbers:
            do(self.held[n][1])
            self.held[n] = None, None

    def expire(self, *numbers):
        self.events.append(' '.join(['expire'] + ['%d' % n for n in numbers]))
        timeouts(0, 0, 1)
        for n in numbers:
            udp(CLIENTS[self.family], self.ports[n], VIPS[self.family], self.port)
            self.held[n] = None, None
        timeouts(0, 0, 300)
        time.sleep(1.2)

    def of(self, letters=LETTERS):
        """Connections of these destinations that are not gone."""
        return [n for n, (letter, s) in enumerate(self.held) if letter and letter in letters]

    def open(self, letters=LETTERS):
        return [n for n, (letter, s) in enumerate(self.held) if s and letter in letters]

    def done(self, out):
        for n in self.open():
            rst(self.held[n][1])
        out.write(json.dumps({'name': self.name, 'scheduler': self.first,
                              'protocol': self.protocol, 'family': self.family,
                              'events': self.events}) + '\n')
        self.rule(DELETE)


def timeouts(*seconds):
    enter('d')
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) as s:
        s.setsockopt(socket.IPPROTO_IP, TIMEOUT, struct.pack('iii', *seconds))


def client_ports():
    while True:
        yield from range(10001, 60001)


ports = client_ports()
WEIGHTS = [[1], [0], [1, 1], [1, 1, 1], [3, 1], [1, 3], [5, 3, 2], [2, 3, 5], [0, 0, 0], [0, 3, 1],
           [3, 0, 1], [4, 2, 2], [6, 4], [7, 5, 3], [9, 6, 3], [65535, 1], [1, 65535],
           [2147483647, 1], [2147483647, 2147483646], [100, 1, 1, 1], [1, 2, 3, 4, 5, 6, 7, 8]]


def fresh(out, scheduler, weights, protocol, family=4):
    """Destinations of these weights, nothing changed afterwards."""
    name = '%s of %s, %s, IPv%d' % (scheduler, ':'.join(map(str, weights)), protocol, family)
    case = Case(name, scheduler, protocol, family)
    for letter, weight in zip(LETTERS, weights):
        case.add(letter, weight)
    case.choose(min(40, max(12, 2 * sum(weights))))
    case.done(out)


def short_connections(out, scheduler, weights):
    """Each connection is closed before the next: only inactive ones count."""
    name = '%s of %s, connections closed at once' % (scheduler, ':'.join(map(str, weights)))
    case = Case(name, scheduler)
    for letter, weight in zip(LETTERS, weights):
        case.add(letter, weight)
    for n in range(12):
        case.choose(1)
        case.close(n)
    case.done(out)


def quiesce(out, scheduler):
    case = Case(scheduler + ' quiesces one after the other, and back', scheduler)
    for letter in 'ABC':
        case.add(letter, 2)
    case.choose(4)
    for letter in 'BAC':
        case.edit(letter, 0)
        case.choose(3)
    for letter in 'CAB':
        case.edit(letter, 3)
        case.choose(4)
    case.done(out)


def reach(out, scheduler, upper, lower):
    """One destination fills up beside one without thresholds, and is emptied one by one."""
    case = Case('%s up to %d, down to %d' % (scheduler, upper, lower), scheduler, 'udp')
    case.add('A', 1)
    case.add('B', 1, upper, lower)
    case.choose(2 * upper + 3)
    for n in case.of('B'):
        case.expire(n)
        case.choose(1)
    case.done(out)


def refuse(out, scheduler):
    """All are overloaded; then thresholds are edited, up, down and away."""
    case = Case(scheduler + ' with every destination overloaded', scheduler, 'udp')
    case.add('A', 2, 3)
    case.add('B', 1, 2, 2)
    case.choose(6)
    case.expire(case.of('A')[0])
    case.choose(2)
    for thresholds in (4, 2), (4, 4), (3, 1), (2, 1), (6, 0), (5, 5), (0, 0), (1, 1), (0, 0), (20, 1):
        case.edit('A', 2, *thresholds)
        case.choose(2)
    case.edit('B', 1, 2, 1)
    case.choose(1)
    case.edit('B', 1)
    case.choose(2)
    case.done(out)


def reach_tcp(out, scheduler):
    """Closed connections count until they are gone; a destination that comes back knows them."""
    case = Case(scheduler + ' overloaded by closed connections', scheduler)
    case.add('A', 1)
    case.add('B', 1, 2, 1)
    case.choose(5)
    case.close(*case.open('B'))
    case.choose(2)
    case.delete('B')
    case.choose(1)
    case.add('B', 1, 2, 1)
    case.choose(2)
    case.delete('B')
    case.add('B', 1, 3, 1)
    case.choose(4)
    case.done(out)


def limited_history(out, scheduler, seed):
    """A random sequence of changes of weights and thresholds, of connections and of their ends."""
    dice = random.Random('limited %s %d' % (scheduler, seed))
    case = Case('%s limited history %d' % (scheduler, seed), scheduler, 'udp')
    present = []
    for _ in range(12):
        absent = [l for l in LETTERS[:4] if l not in present]
        weight = dice.choice([0, 1, 1, 2, 3, 4])
        upper = dice.choice([0, 1, 2, 3, 4, 5, 8])
        lower = dice.randint(0, upper)
        step = dice.choice(['add', 'edit', 'edit', 'delete', 'expire', 'expire'])
        if absent and (step == 'add' or len(present) < 2):
            letter = dice.choice(absent)
            present.append(letter)
            case.add(letter, weight, upper, lower)
        elif step == 'edit':
            case.edit(dice.choice(present), weight, upper, lower)
        elif step == 'delete':
            letter = dice.choice(present)
            present.remove(letter)
            case.delete(letter)
        elif case.of(present):
            numbers = case.of(present)
            case.expire(*sorted(dice.sample(numbers, dice.randint(1, min(4, len(numbers))))))
        case.choose(dice.randint(1, 6))
    case.done(out)


def history(out, scheduler, seed, protocol, family=4):
    """A random sequence of changes, with connections in between."""
    dice = random.Random('%s %s %s %d' % (scheduler, protocol, family, seed))
    name = '%s history %d, %s, IPv%d' % (scheduler, seed, protocol, family)
    case = Case(name, scheduler, protocol, family)
    present = []
    for _ in range(dice.randint(6, 14)):
        absent = [l for l in LETTERS[:5] if l not in present]
        weight = dice.choice([0, 1, 1, 2, 3, 4, 5, 6, 9, 12, 40])
        step = dice.choice(['add', 'add', 'edit', 'delete', 'end', 'scheduler', 'more'])
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
        elif step == 'end' and case.open(present):
            # A removed destination's packets are dropped: its connections cannot be closed.
            numbers = case.open(present)
            numbers = sorted(dice.sample(numbers, dice.randint(1, len(numbers))))
            dice.choice([case.close, case.close, case.reset])(*numbers)
        elif step == 'scheduler' and dice.random() < 0.3:
            case.reschedule(dice.choice(SCHEDULERS))
        case.choose(dice.randint(1, 7))
    case.done(out)


ends()
director()
server('r', [80])
with open('schedulers.jsonl', 'w') as out:
    for scheduler in SCHEDULERS:
        for weights in WEIGHTS:
            fresh(out, scheduler, weights, 'tcp')
        for weights in [[1, 1, 1], [5, 3, 2]]:
            fresh(out, scheduler, weights, 'udp')
            fresh(out, scheduler, weights, 'tcp', 6)
            fresh(out, scheduler, weights, 'udp', 6)
            short_connections(out, scheduler, weights)
        quiesce(out, scheduler)
        for seed in range(40):
            history(out, scheduler, seed, 'tcp')
        for seed in range(10):
            history(out, scheduler, seed, 'udp')
        history(out, scheduler, 0, 'tcp', 6)
    for scheduler in SCHEDULERS:
        for upper, lower in [(1, 0), (1, 1), (4, 1), (4, 4), (5, 0)] if scheduler == 'rr' else [(4, 3)]:
            reach(out, scheduler, upper, lower)
        refuse(out, scheduler)
        reach_tcp(out, scheduler)
        for seed in range(3):
            limited_history(out, scheduler, seed)
