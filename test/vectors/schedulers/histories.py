"""Records what kernel IPVS's schedulers choose in random histories: one a line.

Many services live side by side, and the same happens to all of them at the same time: in each phase some
rules change, some connections end, and a burst of clients comes. What was chosen is read from
/proc/net/ip_vs_conn afterwards, so a choice costs little. Events of a line, in their order:

    add A 5 4 2  destination A is added with weight 5, an upper threshold of 4, a lower one of 2
    edit A 0     its weight is changed, and its thresholds are none
    delete A     it is removed; a later add revives it, with its connections
    scheduler sh sh-port     the service gets another scheduler, with these flags
    choose 7 BA- three new connections, the first ones of flows(7): chosen were B, A, then nobody
    close 0 2-4  the first connection of the line, and the third to fifth, are closed by their clients
    reset 1      the second one is reset
    expire 0-1   the first and the second one are gone
    wait 12      seconds pass

Destination A is 10.2.0.11:80 or [2001:db8:2::11]:80, B the next, and so on. The service has a firewall mark,
and so every address of its slot. TCP connections are established, and opened without an answer; of UDP
there is one datagram each. lblcr_expiration is EXPIRATION.

With SC_LONG, also what lblc and lblcr do over half an hour goes into expiry.jsonl.
SC_SEED, SC_FIRST and SC_ROUNDS say which rounds of histories, SC_ONLY of which schedulers; a round of a seed is
always the same.
"""
import json
import random

from labnet import *

SEED = os.environ.get('SC_SEED', '1')
FIRST = int(os.environ.get('SC_FIRST', '0'))
ROUNDS = int(os.environ.get('SC_ROUNDS', '16'))
ONLY = os.environ.get('SC_ONLY', '').split()
LONG = os.environ.get('SC_LONG')

FLAGS = {'sh': ['', 'sh-port', 'sh-fallback', 'sh-fallback,sh-port'],
         'mh': ['', 'mh-port', 'mh-fallback', 'mh-fallback,mh-port', 'flag-3']}
SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh']
KINDS = [('tcp', 4), ('tcp', 4), ('tcp', 6), ('udp', 4), ('udp', 6)]
LETTERS = 'ABCDEFGHIJKLMNOP'
REAL = {4: '10.2.0.%d', 6: '2001:db8:2::%d'}
WEIGHTS = [[1] * 4, [1] * 16, [3, 1], [5, 3, 2], [2, 3, 5], [0, 3, 1], [3, 0, 1], [0, 0], list(range(1, 17)),
           list(range(16, 0, -1)), [65535, 1], [1, 65535], [7, 5, 3], [11, 13, 17], [4, 2, 2], [100, 1, 1, 1],
           [2147483647, 2147483646, 1], [40, 60, 20]]
PHASES, PAUSE, PAUSE_S = 16, 9, 12
# Only in the pause, connections that were reset are gone after their 10 s, and sets of lblcr expire. A case is
# left out where it was otherwise: the machine was too slow.
EXPIRATION, LONGEST_S = 10, 9


def flows(seed, family, slot, spread):
    """Clients' addresses and ports, and virtual addresses: so many of the slot's."""
    def number():
        nonlocal seed
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        return seed >> 16
    while True:
        n = [number() for _ in range(7)]
        low = n[3] % spread
        if family == 4:
            client = '172.%d.%d.%d' % (16 + n[0] % 16, n[1] >> 8, n[1] & 255)
            virtual = '10.%d.%d.%d' % (128 + slot, low >> 8, low & 255)
        else:
            client = '2001:db8:16:%x:%x:%x:%x:1' % tuple(n[0:2] + n[4:6])
            virtual = '2001:db8:%x::%x' % (0x100 + slot, low)
        yield client, 1024 + n[2] % 60000, virtual


class Case:
    """One service and what happens to it."""

    def __init__(self, round, slot, scheduler):
        self.dice = random.Random('%s %d %d' % (SEED, round, slot))
        self.round, self.slot, self.scheduler, self.begun = round, slot, scheduler, scheduler
        self.protocol, self.family = self.dice.choice(KINDS)
        self.flags = self.first = self.dice.choice(FLAGS.get(scheduler, ['']))
        self.name = '%s %s.%d.%d' % (scheduler, SEED, round, slot)
        self.spread = self.dice.choice([1, 2, 5, 40] if scheduler.startswith('lblc') else [1, 300, 65536])
        self.big = self.dice.choice([1, 12])
        self.weights = self.dice.choice(WEIGHTS)
        # With the heaviest overloaded, wrr of LVS goes through all 2147483647 weights: for minutes.
        self.limits = max(self.weights) <= 65535 and self.dice.random() < 0.4
        self.events, self.rules = [], ['-A %s %s' % (self.id(), self.how())]
        self.present, self.chosen, self.keys, self.packets = [], [], [], []
        self.settings = {}
        self.ended, self.expiring, self.known, self.broken = set(), set(), set(), False

    def id(self):
        return '-f %d%s' % (self.slot + 1, ' -6' if self.family == 6 else '')

    def how(self):
        return '-s %s%s' % (self.scheduler, ' -b ' + self.flags if self.flags else '')

    def rule(self, what, letter, weight=None, *limits):
        name = {'add': '-a', 'edit': '-e', 'delete': '-d'}[what]
        real = REAL[self.family] % (11 + LETTERS.index(letter))
        text = '%s %s -r %s' % (name, self.id(), ('[%s]:80' if self.family == 6 else '%s:80') % real)
        if weight is not None:
            text += ' -m -w %d' % weight
        if limits:
            text += ' -x %d -y %d' % limits
        self.rules.append(text)
        self.events.append(' '.join(map(str, [what, letter] + ([] if weight is None else [weight]) + list(limits))))

    def add(self, letter, weight):
        self.present.append(letter)
        self.rule('add', letter, weight, *self.thresholds())

    def thresholds(self):
        if not self.limits or self.dice.random() < 0.4:
            return ()
        upper = self.dice.choice([1, 2, 4, 5, 8, 20, 60])
        return upper, self.dice.choice([0, 0, 1, upper // 2, upper])

    def change(self, phase):
        """Rules first, then ends of connections; the burst follows."""
        if phase == 0:
            for letter, weight in zip(LETTERS, self.weights):
                self.add(letter, weight)
        else:
            for _ in range(self.dice.choice([0, 0, 1, 1, 2, 4])):
                self.change_rule()
            if self.dice.random() < 0.6:
                self.end(self.dice.choice(['close', 'close', 'reset']))

    def change_rule(self):
        dice = self.dice
        absent = [l for l in LETTERS[:max(4, len(self.weights) + 1)] if l not in self.present]
        weight = dice.choice([0, 1, 1, 2, 3, 4, 5, 6, 9, 12, 40, 300, 65535, dice.choice(self.weights)])
        step = dice.choice(['add', 'add', 'edit', 'edit', 'edit', 'delete', 'scheduler'])
        if absent and (step == 'add' or len(self.present) < 2):
            self.add(dice.choice(absent), weight)
        elif step == 'edit':
            self.rule('edit', dice.choice(self.present), weight, *self.thresholds())
        elif step == 'delete':
            letter = dice.choice(self.present)
            self.present.remove(letter)
            self.rule('delete', letter)
        elif step == 'scheduler' and dice.random() < 0.3:
            self.scheduler = dice.choice([self.scheduler, dice.choice(SCHEDULERS)])
            self.flags = dice.choice(FLAGS.get(self.scheduler, ['']))
            self.rules.append('-E %s %s' % (self.id(), self.how()))
            self.events.append(('scheduler %s %s' % (self.scheduler, self.flags)).rstrip())

    def alive(self):
        """Connections that can end: the packets of a removed destination's are dropped."""
        return [n for n, letter in enumerate(self.chosen)
                if letter in self.present and n not in self.ended and n not in self.expiring]

    def end(self, how):
        numbers = self.alive()
        if self.protocol == 'udp' or not numbers:
            return
        numbers = sorted(self.dice.sample(numbers, self.dice.randint(1, len(numbers))))
        self.events.append('%s %s' % (how, ranges(numbers)))
        for n in numbers:
            self.ended.add(n)
            if how == 'reset':
                self.expiring.add(n)
            self.packets.append(self.packet(self.keys[n], 'FA' if how == 'close' else 'R'))

    def burst(self, phase):
        seed = phase + 100 * self.slot + 10000 * self.round + 1
        self.come(seed, self.dice.choice([1, 3, 6, 10]) * self.big)

    def come(self, seed, count):
        of = flows(seed, self.family, self.slot, self.spread)
        new = [next(of) for _ in range(count)]
        self.keys += new
        self.events.append('choose %d ' % seed)
        for flow in new:
            self.packets.append(self.packet(flow, 'S'))
            if self.protocol == 'tcp':
                self.packets.append(self.packet(flow, 'A'))

    def look(self, table):
        """Who was chosen, and whether nothing ended by itself."""
        for n, key in enumerate(self.keys):
            dest = table.get(hexadecimal(key))
            if n == len(self.chosen):
                letter = LETTERS[dest - 11] if dest else '-'
                self.chosen.append(letter)
                self.events[-1] += letter
            elif (dest is None) != (self.chosen[n] == '-' or n in self.known):
                self.broken = True

    def pause(self):
        """What is to expire during the pause: of UDP some, of TCP all that were reset."""
        if self.protocol == 'udp' and self.alive():
            numbers = self.alive()
            self.expiring |= set(self.dice.sample(numbers, self.dice.randint(1, len(numbers))))
            self.packets += [self.packet(self.keys[n], 'S') for n in self.expiring]
        gone = sorted(self.expiring - self.known)
        self.events.append('wait %d' % PAUSE_S)
        if gone:
            self.events.append('expire ' + ranges(gone))
        self.known |= self.expiring
        self.ended |= self.expiring

    def packet(self, flow, flags):
        client, port, virtual = flow
        if self.protocol == 'udp':
            return ip_packet(client, virtual, 17, struct.pack('!HHHH', port, 80, 8, 0))
        bits = sum({'F': 1, 'S': 2, 'R': 4, 'A': 16}[flag] for flag in flags)
        return ip_packet(client, virtual, 6, struct.pack(
            '!HHIIBBHHH', port, 80, 1000, 0, 0x50, bits, 65535, 0, 0))

    def line(self):
        return json.dumps({'name': self.name, **self.settings, 'scheduler': self.begun, 'flags': self.first,
                           'protocol': self.protocol, 'family': self.family, 'slot': self.slot,
                           'spread': self.spread, 'events': self.events}, separators=(',', ':'))


def ranges(numbers):
    """1 2 3 5 is 1-3 5."""
    parts = []
    for n in numbers:
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ' '.join('%d' % a if a == b else '%d-%d' % (a, b) for a, b in parts)


def binary(address):
    return socket.inet_pton(socket.AF_INET6 if ':' in address else socket.AF_INET, address)


def ip_packet(source, target, protocol, payload):
    """The director does not look at checksums of what it only forwards."""
    if ':' in source:
        return 0x86dd, struct.pack('!IHBB', 6 << 28, len(payload), protocol, 64) + \
            binary(source) + binary(target) + payload
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0,
                       binary(source), binary(target))
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    return 0x0800, head[:10] + struct.pack('!H', ~(total + (total >> 16)) & 0xffff) + head[12:] + payload


def hexadecimal(flow):
    client, port, virtual = flow
    return binary(client).hex(), '%04x' % port, binary(virtual).hex()


def connections():
    """Every connection, and the last number of its destination's address."""
    table = {}
    for line in proc('d', 'ip_vs_conn').splitlines()[1:]:
        _, client, port, virtual, _, dest = line.lower().replace(':', '').split()[:6]
        # IPv6 addresses of destinations are decimal numbers in hexadecimal.
        table[client, port, virtual] = int(dest[-2:], 16) if len(dest) == 8 else int(dest[-2:])
    return table


def expire_udp(seconds):
    ipvsadm('--set 0 0 %d' % seconds)


class Wire:
    """The client's side."""

    def __init__(self):
        link = sh('ip -br link show c0', ns='d')[1]
        self.mac = bytes.fromhex(link.split()[2].replace(':', ''))
        enter('c')
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind(('d0', 0))

    def send(self, packets):
        for kind, packet in packets:
            self.socket.send(self.mac + b'\2\0\0\0\0\1' + struct.pack('!H', kind) + packet)
        packets.clear()


def fresh_director(slots):
    director()
    mark4 = ''.join('-A PREROUTING -d 10.%d.0.0/16 -j MARK --set-mark %d\n' % (128 + i, i + 1) for i in range(slots))
    mark6 = ''.join('-A PREROUTING -d 2001:db8:%x::/48 -j MARK --set-mark %d\n' % (0x100 + i, i + 1)
                    for i in range(slots))
    sh('iptables-legacy-restore', input='*mangle\n%sCOMMIT\n' % mark4, ns='d')
    sh('ip6tables-legacy-restore', input='*mangle\n%sCOMMIT\n' % mark6, ns='d')
    sh('ip route add local 10.128.0.0/9 dev lo; ip -6 route add local 2001:db8:100::/40 dev lo', ns='d')
    sysctl('d', 'net.ipv4.vs.lblcr_expiration', EXPIRATION)
    return Wire()


def play(round, out):
    """One round of cases, four of each scheduler."""
    schedulers = [s for s in SCHEDULERS * 4 if not ONLY or s in ONLY]
    cases = [Case(round, slot, scheduler) for slot, scheduler in enumerate(schedulers)]
    wire = fresh_director(len(cases))
    since, slow = time.monotonic(), False
    for phase in range(PHASES):
        for case in cases:
            case.change(phase)
        ipvsadm('-R', input=''.join(rule + '\n' for case in cases for rule in case.rules))
        for case in cases:
            case.rules.clear()
            wire.send(case.packets)
            case.burst(phase)
            wire.send(case.packets)
        table = connections()
        for case in cases:
            case.look(table)
        if phase == PAUSE:
            slow |= time.monotonic() - since > LONGEST_S
            expire_udp(1)
            for case in cases:
                case.pause()
                wire.send(case.packets)
            expire_udp(300)
            time.sleep(PAUSE_S)
            since = time.monotonic()
    slow |= time.monotonic() - since > LONGEST_S
    for case in cases:
        if not case.broken and not (slow and 'lblcr' in case.line()):
            out.write(case.line() + '\n')
    out.flush()


class LongCase(Case):
    """Of UDP, and nothing changes but time."""

    def __init__(self, slot):
        super().__init__(0, slot, ['lblc', 'lblcr'][slot % 2])
        self.name = '%s over half an hour, %d' % (self.scheduler, slot)
        self.protocol, self.family, self.limits = 'udp', 4 if slot % 3 else 6, False
        self.has_many = slot >= LONG_CASES - 2
        self.spread = 65536 if self.has_many else 40
        self.weights = [[9, 9], [1, 1, 1], [3, 1, 2], [1000000, 1000000]][3 if self.has_many else slot % 4]
        self.settings = {'expirationS': LONG_EXPIRATION}
        self.rules = ['-A %s %s' % (self.id(), self.how())]
        self.change(0)

    def wait(self, seconds):
        self.events.append('wait %d' % seconds)
        gone = [n for n, letter in enumerate(self.chosen) if letter != '-' and n not in self.known]
        if seconds > 300 and gone:  # the timeout of UDP
            self.known.update(gone)
            self.events.append('expire ' + ranges(gone))


LONG_CASES, LONG_EXPIRATION = 24, 60
# Connections that come, to few addresses and to many, and the second at which they do.
LONG_PHASES = [(20, 60, 36000), (450, 20, 3000), (1690, 6, 2000), (1930, 60, 3000)]


def play_long(out):
    """lblc and lblcr forget addresses, after half an hour or because there are too many: 33 minutes."""
    cases = [LongCase(slot) for slot in range(LONG_CASES)]
    wire = fresh_director(LONG_CASES)
    for scheduler in 'lblc', 'lblcr':
        sysctl('d', 'net.ipv4.vs.%s_expiration' % scheduler, LONG_EXPIRATION)
    begin, last = time.monotonic(), 0
    ipvsadm('-R', input=''.join(rule + '\n' for case in cases for rule in case.rules))
    for phase, (second, few, many) in enumerate(LONG_PHASES):
        time.sleep(max(0, begin + second - time.monotonic()))
        for case in cases:
            case.wait(second - last)
            case.come(1 + case.slot + 100 * phase, many if case.has_many else few)
            wire.send(case.packets)
        last, table = second, connections()
        for case in cases:
            case.look(table)
    for case in cases:
        out.write(case.line() + '\n')


ends()
sh('/run/modprobe -a ip_vs_lblc ip_vs_lblcr')  # their settings are there only then
for tables in 'iptables', 'ip6tables':
    sh('%s-legacy -A INPUT -p tcp -j DROP; %s-legacy -A INPUT -p udp -j DROP' % (tables, tables), ns='r')
with open('histories.jsonl', 'w') as out:
    for round in range(FIRST, FIRST + ROUNDS):
        play(round, out)
        print('round', round, flush=True)
if LONG:
    with open('expiry.jsonl', 'w') as out:
        play_long(out)
