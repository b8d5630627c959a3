"""Records what kernel IPVS puts into tunnels, into tunnels.jsonl.

One packet a line, as it came from the client and as it left for the real server, from the IP header on, in
hexadecimal; `outer` is the real server's family, `tunnel` the options of ipvsadm. A line with `mtu` is a packet
as long as the tunnel takes, or, with `error`, one that the director answered with an ICMP error. `settings` are
sysctls that are not the default.

What the kernel makes up is 0: the identification of an outer IPv4 header that may be fragmented, and the source
port of GUE, both with the checksum that comes of it.
"""
import itertools
import json

from packets import *

DIRECTOR = {4: '10.2.0.254', 6: '2001:db8:2::254'}
TUNNELS = {
    'ipip': '',
    'gue': '--tun-type gue --tun-port 6080',
    'gue csum': '--tun-type gue --tun-port 6080 --tun-csum',
    'gue remcsum': '--tun-type gue --tun-port 6080 --tun-remcsum',
    'gre': '--tun-type gre',
    'gre csum': '--tun-type gre --tun-csum',
}
GUE, GRE = 17, 47
LINK_MTU = 1400


def put(packet, at, value):
    return packet[:at] + struct.pack('!H', value) + packet[at + 2:]


def canonical(packet):
    """The same with 0 for what the kernel makes up; checks the sums that it replaces."""
    if packet[0] >> 4 == 4:
        assert csum(packet[:20]) == 0
        if not packet[6] & 0x40:
            packet = put(put(packet, 4, 0), 10, 0)
            packet = put(packet, 10, csum(packet[:20]))
        addresses, protocol, at = packet[12:20], packet[9], 20
    else:
        addresses, protocol, at = packet[8:40], packet[6], 40
    if protocol == GUE:
        packet = canonical_gue(packet, addresses, at)
    return packet


def canonical_gue(packet, addresses, at):
    port, _, length, checksum = struct.unpack('!HHHH', packet[at:at + 8])
    assert 32768 <= port <= 60999, port
    packet = put(packet, at, 0)
    if checksum == 0:
        return packet
    covered = addresses + struct.pack('!II', length, GUE)
    packet = put(packet, at + 6, 0)
    assert checksum == (csum(covered + struct.pack('!H', port) + packet[at + 2:]) or 0xffff)
    return put(packet, at + 6, csum(covered + packet[at:]) or 0xffff)


def tunnel_service(family, outer, protocol, options):
    """A fresh director whose real server is reached by a tunnel."""
    client, vip, _ = ADDRESSES[family]
    real = ADDRESSES[outer][2]
    director()
    width, outer_width = (128 if f == 6 else 32 for f in (family, outer))
    ip('''addr add %(vip)s/%(width)d dev lo
          route add %(client)s/%(width)d dev c0
          route add %(real)s/%(outer_width)d dev r0
          neigh replace %(client)s lladdr %(nobody)s dev c0 nud permanent
          neigh replace %(real)s lladdr %(nobody)s dev r0 nud permanent
       ''' % dict(locals(), nobody=NOBODY), 'd')
    # Sums are to be on the wire, and not left to a device that is none.
    sh('ip netns exec d ethtool -K r0 tx off')
    ipvsadm('-A -%s %s -s rr' % (protocol[0], show(vip, VPORT)))
    ipvsadm('-a -%s %s -r %s -i %s' % (protocol[0], show(vip, VPORT), show(real, VPORT), options))
    wires.update(c=Wire('c', 'c0'), r=Wire('r', 'r0'))


def outer_protocol(family, tunnel):
    return GUE if tunnel.startswith('gue') else GRE if tunnel.startswith('gre') else 4 if family == 4 else 41


# Of the other tunnels; more than one chunk of what is summed at a time.
FEW = 'plain', 'odd payload', 'wrong transport checksum', 'no DF'


def tunnel_variations(family, protocol, tunnel):
    for name, kw in variations(family, protocol):
        if tunnel == 'ipip' or name in FEW:
            yield name, kw
    if tunnel == 'ipip':
        for tos in 1, 2, 3, 0xfc:
            yield 'TOS %d' % tos, {'tos': tos}
    if 'csum' in tunnel:
        yield 'long', {'payload': LONG[:777]}


def tunnelled(family, outer, protocol, tunnel):
    peer = Peer(family, protocol)
    facts = dict(family=family, outer=outer, protocol=protocol, tunnel=tunnel)
    expected = [outer_protocol(family, tunnel)]

    def through(**kw):
        packet = peer.packet('in', **kw)
        wires['c'].send(packet)
        return packet, canonical(wires['r'].receive(expected))

    through(flags='S')
    for name, kw in tunnel_variations(family, protocol, tunnel):
        before, after = through(**kw)
        record(name=name, **facts, before=before.hex(), after=after.hex())
    sysctl('d', 'net.ipv4.vs.pmtu_disc', 0)
    before, after = through()
    record(name='plain', **facts, settings={'pmtu_disc': 0}, before=before.hex(), after=after.hex())
    sysctl('d', 'net.ipv4.vs.pmtu_disc', 1)
    too_long(facts, peer, expected)


def too_long(facts, peer, expected):
    """One byte more than the link takes, and as many as it takes."""
    outer, family = facts['outer'], facts['family']
    ip('route change %s dev r0 mtu %d' % (ADDRESSES[outer][2], LINK_MTU), 'd')
    head = len(peer.packet('in', payload=b''))
    wires['c'].send(peer.packet('in', payload=bytes(LINK_MTU - head)))
    error = wires['c'].receive_error()
    told = struct.unpack('!H', error[26:28] if family == 4 else error[46:48])[0]
    for name, size in ('longest', told), ('too long', told + 1):
        before = peer.packet('in', payload=bytes(size - head))
        wires['c'].send(before)
        if size == told:
            after = canonical(wires['r'].receive(expected))
            # All alike but for their length.
            if facts['tunnel'] != 'ipip' or facts['protocol'] != 'tcp':
                continue
            answer = dict(after=after.hex())
        else:
            # The kernel has counted the hop already, and quotes the packet so.
            before = peer.packet('in', payload=bytes(size - head), ttl=63)
            answer = dict(error='mtu', after=wires['c'].receive_error().hex())
        record(name=name, **facts, mtu=told, before=before.hex(), **answer)


def record(**line):
    out.write(json.dumps(line) + '\n')


if __name__ == '__main__':
    ends()
    sysctl('c', 'net.ipv6.icmp.ratelimit', 0)
    with open('tunnels.jsonl', 'w') as out:
        for family, outer, (tunnel, options) in itertools.product((4, 6), (4, 6), TUNNELS.items()):
            for protocol in ('tcp', 'udp') if tunnel == 'ipip' else ('tcp',):
                tunnel_service(family, outer, protocol, options)
                tunnelled(family, outer, protocol, tunnel)
