# Listings of a director with traffic. Lines: {"stats": stdout, "exact": stdout, ...} and {"proc": /proc, ...}.
import json, os, socket, sys, time
from labnet import *
ends()
director()


def mtu(size):
    for ns, link in ('c', 'd0'), ('d', 'c0'), ('d', 'r0'), ('r', 'd0'):
        ip('link set %s mtu %d' % (link, size), ns)


mtu(65000)
if os.fork() == 0:
    enter('r')
    libc.prctl(1, 9)
    sinks = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for port in (53, 5353)]
    for sink, port in zip(sinks, (53, 5353)):
        sink.bind(('::', port))
    time.sleep(1000)
LISTINGS = '-Ln|-L|-Ln --exact|-Ln --stats|-L --stats|-Ln --stats --exact'.split('|')
out = open('traffic.jsonl', 'w')
ipvsadm('-A -u 10.99.0.1:53 -s rr')
ipvsadm('-A -u [2001:db8:99::1]:53 -s rr')
ipvsadm('-A -u 10.99.0.1:5353 -s rr')
ipvsadm('-a -u 10.99.0.1:53 -r 10.2.0.11:53 -m')
ipvsadm('-a -u 10.99.0.1:53 -r 10.2.0.12:53 -m')
ipvsadm('-a -u [2001:db8:99::1]:53 -r [2001:db8:2::11]:5353 -m')
ipvsadm('-a -u 10.99.0.1:5353 -r 10.2.0.13:5353 -m')


def send(src, sport, dst, dport, count, size):
    enter('c')
    s = socket.socket(socket.AF_INET6 if ':' in dst else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((src, sport))
    s.connect((dst, dport))
    for i in range(count):
        s.send(bytes(size))
        if i == 0 and count > 1:
            time.sleep(0.5)  # neighbours are asked for: more than three such packets would not wait


send('172.16.0.1', 2001, '10.99.0.1', 53, 3, 100)
send('172.16.0.1', 2002, '10.99.0.1', 53, 1700, 60000)
send('2001:db8:16::1', 2003, '2001:db8:99::1', 53, 1666, 60000)
send('172.16.0.1', 2004, '10.99.0.1', 5353, 18000, 60000)
time.sleep(5)
out.write(json.dumps({line: ipvsadm(line)[1] for line in LISTINGS}) + '\n')
ipvsadm('-Z')
out.write(json.dumps({line: ipvsadm(line)[1] for line in LISTINGS}) + '\n')
ipvsadm('-C')
mtu(1500)

server('r', [80, 8080])
time.sleep(0.2)
ipvsadm('-A -t 10.99.0.1:80 -s rr')
ipvsadm('-A -t [2001:db8:99::1]:80 -s rr')
ipvsadm('-A -t 10.99.0.2:8080 -s rr')
ipvsadm('-A -u 10.99.0.1:53 -s rr')
ipvsadm('-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m')
ipvsadm('-a -t 10.99.0.1:80 -r 10.2.0.12:8080 -m')
ipvsadm('-a -t 10.99.0.1:80 -r 10.2.0.13:80 -m')
ipvsadm('-a -t [2001:db8:99::1]:80 -r [2001:db8:2::11]:8080 -m')
ipvsadm('-a -t 10.99.0.2:8080 -r 10.2.0.200:8080 -m')
ipvsadm('-a -u 10.99.0.1:53 -r 10.2.0.11:53 -m')
held = [tcp('172.16.0.%d' % i, 3000 + i, '10.99.0.1', 80)[0] for i in range(1, 8)]
held.append(tcp('2001:db8:16::1', 4000, '2001:db8:99::1', 80)[0])
held.append(tcp('2001:db8:16:1111:2222:3333:4444:5555', 4001, '2001:db8:99::1', 80)[0])
fin(held[0])
held[2].shutdown(1)
tcp('172.16.0.9', 3009, '10.99.0.2', 8080, timeout=0.2)
send('172.16.0.9', 53, '10.99.0.1', 53, 1, 10)
reset = time.monotonic()
rst(held[1])
enter('d')
while True:
    before = proc('d', 'ip_vs_conn')
    line = {'proc': before, **{line: ipvsadm(line)[1] for line in ['-Ln', '-L', '-Lnc', '-Lc']}}
    if proc('d', 'ip_vs_conn') == before:
        break
if time.monotonic() - reset > 9:
    sys.exit(75)  # too slow a machine: after 10 s the kernel forgets what was reset
out.write(json.dumps(line) + '\n')
