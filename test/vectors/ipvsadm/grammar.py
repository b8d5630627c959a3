# The grammar: popt's habits, and every option with every command.
r = Recorder('grammar')
BASE = '''
-C
-A -t 10.99.0.1:80 -s rr
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m
'''
r.each(BASE)
OPTIONS = '''-n|-c|-t 10.99.0.1:80|-u 10.99.0.1:80|-s rr|-r 10.2.0.11:80|-g|-m|-w 1|--timeout|--stats|--sort|--nosort
--exact|--numeric|--connection|-h|-v|extra'''.replace('\n', '|').split('|')
COMMANDS = '-C|-R|-S|-L|-Z|-A -t 10.99.0.1:80|-E -t 10.99.0.1:80|-D -t 10.99.0.1:80|' \
    '-a -t 10.99.0.1:80 -r 10.2.0.12:80|-d -t 10.99.0.1:80 -r 10.2.0.11:80|' \
    '-e -t 10.99.0.1:80 -r 10.2.0.11:80|-L -t 10.99.0.1:80|--set 1 2 3'
base = list(r.rules)
for command in COMMANDS.split('|'):
    for option in [''] + OPTIONS:
        r('%s %s' % (command, option))
        if r.rules != base:
            r.each(BASE)
r.each('''
-A
-E
-D
-a
-d
-e
-l
--set
-a -t 10.99.0.1:80 -m
-a -r 10.2.0.11:80 -m
-Z -t 10.99.0.1:80 -s rr
-A -L
-L -L
-l -L
-L -A -t 10.99.0.5:80
-h -L
-L -h
-v -L
-L -v
-n -L
-n
-t 10.99.0.1:80 -L
-t 10.99.0.1:80
--
-- -L
-L --
-L -- -n
-L -
-
word
-L word
word -L
"" -L
-L ""
-q
-L -q
--nosuch
-L --nosuch
-L --nosuch=5
-L --num
-L --numeric=1
-L --numeric=
-L -n=1
-L --stats=
-L --Stats
-Lq
-Lnq
-Lnt
-Lnt10.99.0.1:80
-Lnt=10.99.0.1:80
-Lnt= 10.99.0.1:80
-lnc
-lcn
-nlc
-Lnn
-Ln -n
-Lc -c
-L --stats --stats
-L --exact --exact
-L --nosort --nosort
-L --sort --sort
-L --timeout --timeout
-Ln -c -t 10.99.0.1:80
-Ln -c --timeout
-Ln --timeout -t 10.99.0.1:80
-Ln -c --stats
-Ln -c --nosort
-Ln -c --exact
-Ln -c --sort
-Ln --timeout --stats
-Ln --timeout --nosort
-Ln --timeout --exact
-Ln --exact -t 10.99.0.1:80
-nL
-Sc
-SnL
-Cn
-C -C
-CC
-C extra
-R extra
-S extra
-Z extra
-hx
-vx
-?
--usage
--help
--help=1
--version
--help -L
-h
-v
-A
-A -t
-A -t -s
-A -t -s rr
-A -s
-A -s rr
-A --tcp-service
-A --tcp-service=
-A --tcp-service= 10.99.0.5:80
-A -t=10.99.0.5:80 -s=rr
-D -t 10.99.0.5:80
-At10.99.0.5:80 -srr
-Dt10.99.0.5:80
-A -t "" -s rr
-A -t 10.99.0.5:81 -t 10.99.0.6:81
-A -t 10.99.0.5:81 -u 10.99.0.6:81
-A -u 10.99.0.5:81 -u 10.99.0.6:81
-A -t 10.99.0.5:81 -s rr -s wrr
-A -t 10.99.0.5:81 -s rr extra
-A -t 10.99.0.5:81 -s rr -r 10.2.0.1:80
-A -t 10.99.0.5:81 -- -s rr
-A -t 10.99.0.5:81 -w 5
-A -t 10.99.0.5:81 -m
-a -t 10.99.0.1:80
-a -r 10.2.0.12:80
-a -t 10.99.0.1:80 -r
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m -m
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m -g
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -g -g
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -gm
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -w 1 -w 2
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -r 10.2.0.13:80
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -s rr
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -w
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m=1
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -mw3
-d -t 10.99.0.1:80 -r 10.2.0.12:80
-amw3 -t 10.99.0.1:80 -r10.2.0.12:80
-dt10.99.0.1:80 -r10.2.0.12:80
-d -t 10.99.0.1:80
-d -r 10.2.0.12:80
-d -t 10.99.0.1:80 -r 10.2.0.11:80 -m
-e -t 10.99.0.1:80
-D
-E
-E -s rr
-Z -u
--set=1 2 3
--set 1 2 3 -L
-add-service
--add
--add-service=1
-A -t 10.99.0.5:81 -s rr --help
-A -t 10.99.0.5:81 -s rr -h
-A -t 10.99.0.5:81 -s rr -v
-L -t 10.99.0.1:80 -u 10.99.0.1:80
-L -t 10.99.0.1:80 -t 10.99.0.1:80
-L -t bad.example:80
-L -s rr
-L -r 10.2.0.11:80
-L -w 1
-L -m
-L -A
-S -t 10.99.0.1:80
-S --exact
-S --nosort
-S --sort
-R -n
-Z -n
-a -r rs2.example:http -t 10.99.0.1:80 -m
-d -r 10.2.0.12:80 -t 10.99.0.1:80
-a -r 10.2.0.12 -t 10.99.0.1:80 -m
-d -r 10.2.0.12 -t 10.99.0.1:80
-a -r 10.2.0.12:domain -u 10.99.0.1:53
-a -r 10.2.0.12:webcache -u 10.99.0.1:53
-a -r 10.2.0.12:discard -t 10.99.0.1:80 -g
-d -r 10.2.0.12:discard -t 10.99.0.1:80
-d -r 10.2.0.12 -t 10.99.0.1:80
-a -r [2001:db8:2::11]:80 -t 10.99.0.1:80 -m
-d -r [2001:db8:2::11]:80 -t 10.99.0.1:80
-a -m -w 5 -r [10.2.0.12]:80 -t 10.99.0.1:80
-d -r [10.2.0.12]:80 -t 10.99.0.1:80
-d -r 10.2.0.12 -t 10.99.0.1:80
-a -t 10.99.0.1:80 -r 10.2.0.12:99 -g
-d -t 10.99.0.1:80 -r 10.2.0.12:99
-e -t 10.99.0.1:80 -r 10.2.0.12:99 -m
-e -t 10.99.0.1:80 -r 10.2.0.12:99
-d -t 10.99.0.1:80 -r 10.2.0.12
--set -L
--set 1 -q 2 3
-c -L
-w 5
-s
--scheduler
-Z -t 10.99.0.1:80 -n
''')
r([])
r(['-L', '-\xe9'])
r(['-L', '--caf\xe9'])
r(['-A', '-t', 'caf\xe9.example:80'])
r(['-L', '-n\n'])
r(['-L', ' -n'])
r(['-A', '-t', '10.99.0.5:81', '-s', 'r r'])
r(['-A', '-t', '10.99.0.5:81', '-s', 'rr '])
r(['-A', '-t', '10.99.0.5:81', '-s', 'rr/../x'])
r(['-A', '-t', '10.99.0.5:81', '-s', 'x' * 3000])
r(['-A', '-t', '1' * 3000])
r(['-A', '-t', '10.99.0.5:' + '8' * 300])
r(['-L', '-' + 'n' * 300])
r(['-L'] + ['word'] * 300)
