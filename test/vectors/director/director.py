"""Records what kernel IPVS answers to rules, and what it makes of them, into director.jsonl.

One case a line, each on a fresh director. Its steps, in the order in which they happened:

    {"operation": …, "answer": ""}       a rule (ts/lvs/operation.ts) and the message, if any
    {"connect": "10.2.0.11:80"}          a new TCP connection to 10.99.0.1:80, held open, and who
                                         was chosen
    {"list": …}                          services; their destinations, newest first
    {"timeouts": [900, 120, 300]}        what --timeout shows
"""
import itertools
import json

from labnet import *

VIP, VIP6 = '10.99.0.1', '2001:db8:99::1'
PROTOCOLS = {'tcp': 6, 'udp': 17}
METHODS = {'masq': ('-m', 0), 'route': ('-g', 3)}
COMMANDS = {'addService': '-A', 'editService': '-E', 'deleteService': '-D', 'flush': '-C',
            'addDestination': '-a', 'editDestination': '-e', 'deleteDestination': '-d',
            'zero': '-Z', 'setTimeouts': '--set'}
# Linux ip_vs.h: numbers of the socket options of the same commands.
OPTIONS = {'addService': 1154, 'addDestination': 1159, 'editDestination': 1161, 'setTimeouts': 1162}
source_ports = itertools.count(20001)


def service(scheduler=None, address=VIP, port=80, protocol='tcp'):
    family = 6 if ':' in address else 4
    made = {'protocol': protocol, 'family': family, 'address': address, 'port': port}
    return dict(made, scheduler=scheduler) if scheduler else made


def destination(address, weight=1, method='masq', port=80):
    return {'address': address, 'port': port, 'method': method, 'weight': weight}


def A(weight=1):
    return destination('10.2.0.11', weight)


def B(weight=1):
    return destination('10.2.0.12', weight)


def C(weight=1):
    return destination('10.2.0.13', weight)


class Case:
    def __init__(self, name):
        self.name, self.steps, self.held, self.stale = name, [], [], False
        director()

    def do(self, op, of=None, to=None, raw=False):
        """An operation, by ipvsadm; or, where that has its own opinion, by socket option."""
        operation = {'op': op}
        if op == 'setTimeouts':
            operation['timeouts'] = dict(zip(('tcpS', 'tcpFinS', 'udpS'), of))
        elif of:
            operation['service'] = of
        if to:
            operation['destination'] = to
        answer = by_option(op, of, to) if raw else by_ipvsadm(op, of, to)
        self.steps.append({'operation': operation, 'answer': answer})

    def connect(self, count=1):
        for _ in range(count):
            s, who = tcp('172.16.0.1', next(source_ports), VIP, 80)
            self.held.append(s)
            self.steps.append({'connect': who})
            self.stale = True

    def list(self):
        """Everything that is listed; also to be called before a rule that zeroes counters, since
        the kernel adds up every 2 s, and what it zeroes is the sum of the last time."""
        if self.stale:
            time.sleep(2.3)
            self.stale = False
        services = {}
        for line in ipvsadm('-L -n --nosort')[1].splitlines()[3:]:
            f = line.split()
            if f[0] == '->':
                last['destinations'].append({'name': f[1], 'method': f[2], 'weight': int(f[3]),
                                             'active': int(f[4]), 'inactive': int(f[5])})
            else:
                last = services[f[1]] = {'name': f[1], 'scheduler': f[2], 'destinations': []}
        for line in ipvsadm('-L -n --nosort --stats')[1].splitlines()[3:]:
            f = line.split()
            if f[0] == '->':
                named = [d for d in last['destinations'] if d['name'] == f[1]]
                named[0]['connections'] = int(f[2])
            else:
                last = services[f[1]]
                last['connections'] = int(f[2])
        self.steps.append({'list': list(services.values())})

    def timeouts(self):
        shown = ipvsadm('-L --timeout')[1].split(':')[1]
        self.steps.append({'timeouts': [int(n) for n in shown.split()]})

    def done(self, out):
        for s in self.held:
            rst(s)
        out.write(json.dumps({'name': self.name, 'steps': self.steps}) + '\n')


def endpoint(of):
    return ('[%s]:%d' if ':' in of['address'] else '%s:%d') % (of['address'], of['port'])


def by_ipvsadm(op, of, to):
    args = [COMMANDS[op]]
    if op == 'setTimeouts':
        args += map(str, of)
    elif of:
        args += ['-' + of['protocol'][0], endpoint(of)]
        args += ['-s', of['scheduler']] if 'scheduler' in of else []
    if to:
        args += ['-r', endpoint(to)]
        args += [METHODS[to['method']][0], '-w', str(to['weight'])] if 'weight' in to else []
    return ipvsadm(' '.join(args), check=False)[2].strip()


def by_option(op, of, to):
    if op == 'setTimeouts':
        data = struct.pack('iii', *of)
    else:
        data = struct.pack('H2x4sH2xI16sII4s', PROTOCOLS[of['protocol']],
                           socket.inet_aton(of['address']), socket.htons(of['port']), 0,
                           of.get('scheduler', '').encode(), 0, 0, b'\xff' * 4)
    if to:
        data += struct.pack('4sH2xIiII', socket.inet_aton(to['address']), socket.htons(to['port']),
                            METHODS[to['method']][1], to['weight'], 0, 0)
    enter('d')
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 255) as s:
        try:
            s.setsockopt(socket.IPPROTO_IP, OPTIONS[op], data)
            return ''
        except OSError as e:
            return os.strerror(e.errno)


def services(case):
    case.do('addService', service('rr'))
    case.do('addService', service('rr'))
    case.do('addService', service('nosuch'))
    case.do('addService', service('nosuch', port=81))
    case.do('addService', service('wlc', protocol='udp'))
    case.do('editService', service('wrr', port=82))
    case.do('editService', service('nosuch', port=82))
    case.do('editService', service('nosuch'))
    case.do('editService', service('wrr'))
    case.do('zero', service(port=82))
    case.do('zero', service())
    case.do('zero')
    case.do('deleteService', service(port=82))
    case.do('deleteService', service())
    case.do('deleteService', service())
    case.do('addService', service('lc', '0.0.0.0'))
    case.do('addService', service('lc', '224.0.0.1'))
    case.do('addService', service('lc', '::'))
    case.do('addService', service('lc', port=0), raw=True)
    case.do('flush')
    case.do('deleteService', service(protocol='udp'))
    case.do('flush')


def destinations(case):
    case.do('addDestination', service(), A())
    case.do('editDestination', service(), A())
    case.do('deleteDestination', service(), {'address': '10.2.0.11', 'port': 80})
    case.do('addService', service('rr'))
    case.do('editDestination', service(), A())
    case.do('deleteDestination', service(), {'address': '10.2.0.11', 'port': 80})
    case.do('addDestination', service(), A())
    case.do('addDestination', service(), A(2))
    case.do('addDestination', service(), destination('10.2.0.11', port=81))
    case.do('addDestination', service(), destination('10.2.0.11', port=0))
    case.do('addDestination', service(), destination('10.2.0.12', 1, 'route', 8080), raw=True)
    case.do('editDestination', service(), A(7))
    case.do('deleteDestination', service(), {'address': '10.2.0.11', 'port': 80})
    case.do('editDestination', service(), A())
    case.do('deleteDestination', service(), {'address': '10.2.0.11', 'port': 80})


def weights(case):
    case.do('addService', service('rr'))
    case.do('addDestination', service(), A(0))
    case.do('addDestination', service(), B(2147483647))
    case.do('addDestination', service(), C(-1), raw=True)
    case.do('addDestination', service(), A(-1), raw=True)
    case.do('addDestination', service(), destination('224.1.1.1', -1), raw=True)
    case.do('addDestination', service(port=81), C(-1), raw=True)
    case.do('editDestination', service(), C(-1), raw=True)
    case.do('editDestination', service(), A(-1), raw=True)


def addresses(case):
    case.do('addService', service('rr'))
    for address in ['0.0.0.0', '0.1.2.3', '127.0.0.1', '192.0.2.1', '223.255.255.255', '224.1.1.1',
                    '239.255.255.255', '240.0.0.1', '255.255.255.254', '255.255.255.255']:
        case.do('addDestination', service(), destination(address))
    six = service(address=VIP6)
    case.do('addService', dict(six, scheduler='rr'))
    for address in ['::', '::1', '::2', '::c000:201', '::ffff:c000:201', '64:ff9b::1',
                    '2001:db8::1', 'fc00::1', 'fe7f::1', 'fe80::1', 'febf::1', 'fec0::1',
                    'ff02::1', 'ffff::1']:
        case.do('addDestination', six, destination(address))
    case.do('addDestination', six, A())
    case.do('addDestination', service(), destination('2001:db8::1'))


def timeouts(case):
    case.timeouts()
    for wanted in [(10, 0, 0), (0, 20, 0), (0, 0, 30), (0, 0, 0), (1, 2, 3), (2678400, 0, 0)]:
        case.do('setTimeouts', wanted)
        case.timeouts()
    case.do('setTimeouts', (5, -1, 6), raw=True)
    case.do('setTimeouts', (2147483647, 5, 6), raw=True)
    case.timeouts()


def order(case):
    case.do('addService', service('wrr'))
    for to in A(1), B(2), C(3):
        case.do('addDestination', service(), to)
    case.do('editDestination', service(), B(5))
    case.list()
    case.do('deleteDestination', service(), {'address': '10.2.0.12', 'port': 80})
    case.do('addDestination', service(), destination('10.2.0.12', 4, 'route'))
    case.do('editService', service('rr'))
    case.list()


def counters(case):
    case.do('addService', service('rr'))
    case.do('addDestination', service(), A())
    case.do('addDestination', service(), B())
    case.connect(5)
    case.list()
    case.do('zero', service())
    case.connect(3)
    case.list()
    case.do('zero')
    case.connect()
    case.list()


def revival(case):
    gone = {'address': '10.2.0.11', 'port': 80}
    case.do('addService', service('rr'))
    case.do('addDestination', service(), A())
    case.do('addDestination', service(), B())
    case.connect(6)
    case.do('deleteDestination', service(), gone)
    case.connect(1)
    case.list()
    case.do('addDestination', service(), A(3))
    case.connect(2)
    case.list()
    case.do('deleteDestination', service(), gone)
    case.do('zero', service())
    case.do('addDestination', service(), A())
    case.list()
    case.connect(2)
    case.list()
    case.do('deleteService', service())
    case.do('addService', service('rr'))
    case.do('addDestination', service(), A())
    case.list()
    case.connect(2)
    case.do('addDestination', service(), B())
    case.connect(2)
    case.list()
    case.do('deleteDestination', service(), gone)
    case.do('flush')
    case.do('addService', service('lc'))
    case.do('addDestination', service(), A())
    case.do('addDestination', service(), B())
    case.list()


ends()
server('r', [80])
with open('director.jsonl', 'w') as out:
    for play in services, destinations, weights, addresses, timeouts, order, counters, revival:
        case = Case(play.__name__)
        play(case)
        case.done(out)
