# Rates as ipvsadm lists them, tick after tick of the kernel's estimator. Lines of rates.jsonl:
#
#   {"do": "-Z", "listings": {args: stdout, ...}}
#
# what was done after the tick before, and listings after this one. --stats are what the estimator
# has read at the tick, so two lines tell what was counted between them. A trickle to a service of
# its own, never listed alone, makes every tick visible: /proc/net/ip_vs_stats changes.
import json, os, socket, sys, time
from labnet import *
ends()
director()
server('r', [80])
LISTINGS = '-Ln --stats --exact|-Ln --rate|-Ln --rate --exact|-Ln --rate -t 10.99.0.1:80'.split('|')
ipvsadm('-A -u 10.99.0.9:9 -s rr')
ipvsadm('-a -u 10.99.0.9:9 -r 10.2.0.19:9 -m')
ipvsadm('-A -t 10.99.0.1:80 -s rr')
ipvsadm('-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m')
ipvsadm('-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m')
ipvsadm('-A -u [2001:db8:99::1]:53 -s wlc')
ipvsadm('-a -u [2001:db8:99::1]:53 -r [2001:db8:2::11]:53 -m')
if os.fork() == 0:
    enter('c')
    libc.prctl(1, 9)
    trickle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    trickle.bind(('172.16.9.9', 9))
    trickle.connect(('10.99.0.9', 9))
    while True:
        try:
            trickle.send(b'tick')
        except OSError:
            pass  # nobody listens there
        time.sleep(0.1)

ports = iter(range(20000, 60000))


def connections(count, size=0):
    """One after the other, each sends so many bytes, gets them back and is closed."""
    for _ in range(count):
        s, who = tcp('172.16.0.1', next(ports), '10.99.0.1', 80)
        left = size
        while left > 0:
            s.send(bytes(min(left, 1400)))
            left -= len(s.recv(65536))
        fin(s)


def datagrams(count, size):
    enter('c')
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(('2001:db8:16::1', next(ports)))
    s.connect(('2001:db8:99::1', 53))
    for i in range(count):
        try:
            s.send(bytes(size))
        except OSError:
            pass
        if i == 0:
            time.sleep(0.2)


def rule(args):
    ipvsadm(args)


IDLE = [(None,)]
STEPS = [(connections, 1), *IDLE * 3, (connections, 40), (connections, 40), *IDLE * 2,
         (connections, 2, 50000), (datagrams, 1000, 1000), *IDLE * 2,
         (datagrams, 3000, 1400), (datagrams, 1, 0), *IDLE * 3,
         (rule, '-Z -t 10.99.0.1:80'), (connections, 7), (rule, '-Z'), (connections, 30),
         (rule, '-d -t 10.99.0.1:80 -r 10.2.0.11:80'), (connections, 20),
         (rule, '-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m'), *IDLE, (connections, 10),
         (rule, '-D -t 10.99.0.1:80'), (rule, '-A -t 10.99.0.1:80 -s rr'),
         (rule, '-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m -x 400 -y 300'), (connections, 4), *IDLE * 8]
last = proc('d', 'ip_vs_stats')
done = None


def on_time():
    if proc('d', 'ip_vs_stats') != last:
        sys.exit(75)  # too slow a machine: the next tick is over


with open('rates.jsonl', 'w') as out:
    for step in [(None,)] + STEPS + [(None,)]:
        while True:
            now = proc('d', 'ip_vs_stats')
            if now != last:
                break
            time.sleep(0.02)
        last = now
        line = {args: ipvsadm(args, check=False)[1] for args in LISTINGS}
        on_time()
        out.write(json.dumps({'do': done, 'listings': line}) + '\n')
        do, *args = step
        done = args[0] if do is rule else None
        if do:
            do(*args)
            if do is rule:
                last = proc('d', 'ip_vs_stats')  # -Z changes it, too
            on_time()
