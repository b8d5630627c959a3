"""Records what kernel IPVS makes of a client's packet under its sysctls, into settings.jsonl.

One case a line: settings; protocol, forwarding method; the state of the connection before; what
was done to its real server then, `quiesced` (weight 0) or `removed`; the packet's flags; and what
/proc/net/ip_vs_conn showed after it:

    SYN_RECV new      state; `new` when a real server was chosen for this packet
    none              there is no connection (any more)
"""
import itertools
import json

from rawnet import *

VIP, PORT = '10.99.0.1', 80
METHODS = {'masq': '-m', 'route': '-g'}
DEFAULTS = {'conn_reuse_mode': 1, 'expire_nodest_conn': 0, 'sloppy_tcp': 0}
client_ports = itertools.count(20001)

# The way into each state. Direct routing hears the client alone, and leads to no TIME_WAIT.
OPEN = {'masq': [('in', 'S'), ('out', 'SA'), ('in', 'A')], 'route': [('in', 'S'), ('in', 'A')]}
ENDS = {
    'masq': {'ESTABLISHED': [], 'CLOSE': [('in', 'RA')], 'FIN_WAIT': [('out', 'FA')],
             'TIME_WAIT': [('out', 'FA'), ('in', 'FA')]},
    'route': {'ESTABLISHED': [], 'CLOSE': [('in', 'RA')], 'FIN_WAIT': [('in', 'FA')]},
}


class Connection:
    def __init__(self, protocol):
        self.protocol, self.port = protocol, next(client_ports)

    def find(self):
        """The entry; one that has been told to go is listed until the next tick."""
        while True:
            mine = [c for c in conns() if c['fport'] == self.port]
            lasting = [c for c in mine if c['expires'] > 0]
            if lasting or not mine:
                return lasting[0] if lasting else None
            time.sleep(0.01)

    def server(self):
        entry = self.find()
        return entry['dest'] if entry else None

    def send(self, way, flags):
        make = {'tcp': lambda *to: tcp4(*to, flags), 'udp': udp4}[self.protocol]
        if way == 'in':
            send('c', make(CLIENT, self.port, VIP, PORT))
        else:
            send('r', make(self.server(), PORT, CLIENT, self.port))
        # Until the kernel has taken every packet that was sent (softnet_stat's backlog).
        while int(proc('d', 'softnet_stat').split()[11], 16):
            time.sleep(0.001)


def case(settings, method, before, happened, flags, protocol='tcp'):
    """Plays one case on a fresh director with two real servers in turn."""
    director()
    for name, value in {**DEFAULTS, **settings}.items():
        sysctl('d', 'net.ipv4.vs.' + name, value)
    service = '-%s %s:%d' % (protocol[0], VIP, PORT)
    real = lambda address: '%s -r %s:%d' % (service, address, PORT)
    reals = ['-a %s %s' % (real(address), METHODS[method]) for address in REALS]
    ipvsadm('-R', input='\n'.join(['-A %s -s rr' % service] + reals) + '\n')
    raw_setup()

    connection = Connection(protocol)
    if before == 'UDP':
        connection.send('in', '')
    elif before:
        for way, segment in OPEN[method] + ENDS[method][before]:
            connection.send(way, segment)
        assert connection.find()['state'] == before
    server = connection.server()
    if happened == 'quiesced':
        ipvsadm('-e %s %s -w 0' % (real(server), METHODS[method]))
    if happened == 'removed':
        ipvsadm('-d %s' % real(server))
        time.sleep(0.1)  # connections are ended beside the command
    connection.send('in', flags)

    entry = connection.find()
    after = 'none'
    if entry:
        after = entry['state'] + (' new' if entry['dest'] != server else '')
    out.write(json.dumps({'settings': settings, 'protocol': protocol, 'method': method,
                          'before': before, 'happened': happened, 'flags': flags,
                          'after': after}) + '\n')


ends()
with open('settings.jsonl', 'w') as out:
    for method in METHODS:
        for mode in 0, 1, 2, 3:
            for state in ENDS[method]:
                case({'conn_reuse_mode': mode}, method, state, None, 'S')
        for expire in 0, 1:
            for happened in 'quiesced', 'removed':
                for mode in 0, 1:
                    settings = {'expire_nodest_conn': expire, 'conn_reuse_mode': mode}
                    case(settings, method, 'ESTABLISHED', happened, 'S')
                case({'expire_nodest_conn': expire}, method, 'ESTABLISHED', happened, 'A')
                case({'expire_nodest_conn': expire}, method, 'UDP', happened, '', 'udp')
        for sloppy in 0, 1:
            for flags in '', 'S', 'F', 'A', 'PA', 'FA', 'SA', 'R', 'RA', 'SR', 'SF':
                case({'sloppy_tcp': sloppy}, method, None, None, flags)
