# Thresholds, and what a listing tells: with every command, together, well and badly spelled.
r = Recorder('figures')
BASE = '''
-C
-A -t 10.99.0.1:80 -s rr
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m -x 10 -y 4
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m
'''
r.each(BASE)
OPTIONS = '-x 5|-y 5|--rate|--thresholds|--stats|--exact'.split('|')
COMMANDS = '-C|-R|-S|-L|-Z|-A -t 10.99.0.1:80|-E -t 10.99.0.1:80|-D -t 10.99.0.1:80|' \
    '-a -t 10.99.0.1:80 -r 10.2.0.13:80|-d -t 10.99.0.1:80 -r 10.2.0.11:80|' \
    '-e -t 10.99.0.1:80 -r 10.2.0.11:80|-L -t 10.99.0.1:80|-Lc|-L --timeout|--set 1 2 3'
base = list(r.rules)
for command in COMMANDS.split('|'):
    for option in OPTIONS:
        r('%s %s' % (command, option))
        r('-Ln --thresholds')
        if r.rules != base:
            r.each(BASE)
for one in OPTIONS[2:]:
    for other in OPTIONS[2:]:
        r('-L %s %s' % (one, other))
        r('-Ln -t 10.99.0.1:80 %s %s' % (one, other))
r('-Ln --rate --stats --thresholds --exact')
r('-Ln --thresholds --nosort')
r('-Ln --rate --nosort')
for value in '0|-0|1|+5|007| 5|5 ||x|5x|1.5|1e3|0x10|-1|65535|65536|2147483647|2147483648|4294967296'.split('|'):
    for option in '-x', '-y', '--u-threshold', '--l-threshold':
        r(['-e', '-t', '10.99.0.1:80', '-r', '10.2.0.11:80', '-m', option, value])
        r('-Ln --thresholds')
r.each('''
-e -t 10.99.0.1:80 -r 10.2.0.11:80 -m -x 8 -y 8
-Ln --thresholds
-e -t 10.99.0.1:80 -r 10.2.0.11:80 -m -x 8 -y 9
-Ln --thresholds
-e -t 10.99.0.1:80 -r 10.2.0.11:80 -m
-Ln --thresholds
-e -t 10.99.0.1:80 -r 10.2.0.11:80 -m -y 1
-e -t 10.99.0.1:80 -r 10.2.0.11:80 -m -x 2147483647 -y 2147483647
-Ln --thresholds
-e -t 10.99.0.1:80 -r 10.2.0.19:80 -m -y 1
-e -t 10.99.0.9:80 -r 10.2.0.11:80 -m -y 1
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m -y 1
-a -t 10.99.0.1:80 -r 224.0.0.1:80 -m -y 1
-a -t 10.99.0.1:80 -r 10.2.0.13:80 -m -x 1 -x 2
-a -t 10.99.0.1:80 -r 10.2.0.13:80 -m -y 1 -y 2
-a -t 10.99.0.1:80 -r 10.2.0.13:80 -x
-d -t 10.99.0.1:80 -r 10.2.0.11:80
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m
-Ln --thresholds
-A -t [2001:db8:99::1]:80
-a -t [2001:db8:99::1]:80 -r [2001:db8:2:1111:2222:3333:4444:5555]:80 -m -x 123456789 -y 1
-L --thresholds
-Ln --thresholds
-Ln --rate
''')
