# Options of later issues: their grammar counts already, what they do does not.
BASE = '''
-C
-A -t 10.99.0.1:80 -s rr
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m
'''
COMMANDS = '-C|-L|-A -t 10.99.0.1:80|-D -t 10.99.0.1:80|--stop-daemon master|' \
    '-a -t 10.99.0.1:80 -r 10.2.0.12:80|-d -t 10.99.0.1:80 -r 10.2.0.11:80'
LATER_OPTIONS = '''-f 1|-p|-p 60|-M 255.255.255.0|-b sh-port|-o|--pe sip|-i|-6|--sctp-service 10.99.0.1:80
--persistent-conn|--tun-info|--daemon|--syncid 1|--sync-maxlen 100|--mcast-interface lo
--mcast-group 224.0.0.1|--mcast-port 1|--mcast-ttl 1|--tun-type gue|--tun-port 5|--tun-nocsum|--tun-csum
--tun-remcsum'''.replace('\n', '|').split('|')
later = Recorder('later')
later.each(BASE)
base = list(later.rules)
for command in COMMANDS.split('|'):
    for option in LATER_OPTIONS:
        later('%s %s' % (command, option))
        if later.rules != base:
            later.each(BASE)
later.each('''
-A -f 0
-A -f -1
-A -f x
-A -f 99999999999
-A -f
-A -f 1 -6 -6
-A -6 -f 1
-A -t 10.99.0.5:80 -p 0
-A -t 10.99.0.5:80 -p x
-A -t 10.99.0.5:80 -p -1
-A -t 10.99.0.5:80 -p 2678401
-A -t 10.99.0.5:80 -px
-A -t 10.99.0.5:80 -p -M 300.0.0.0
-A -t 10.99.0.5:80 -p -M x
-A -t [2001:db8:99::5]:80 -p -M 129
-A -t [2001:db8:99::5]:80 -p -M 0
-A -t 10.99.0.5:80 -b nosuch
-A -t 10.99.0.5:80 -s rr -b sh-port
-A -t 10.99.0.5:80 -b sh-port -s rr
-A -t 10.99.0.5:80 -s sh -b mh-port
-A -t 10.99.0.5:80 -b ""
-A -t 10.99.0.5:80 -o
-A -t 10.99.0.5:80 -s rr -o -o
-A -t 10.99.0.5:80 -p -p
-A -t 10.99.0.5:80 -p 5 -p 6
-A -t 10.99.0.5:80 -M 1.1.1.1 -M 1.1.1.1
-A -t 10.99.0.5:80 --pe
-A -t 10.99.0.5:80 --pe sip --pe sip
-A -t 10.99.0.5 -p 0
-A --sctp-service 10.99.0.5
-A --sctp-service x
-A --sctp-service 10.99.0.5:80 -t 10.99.0.5:80
-A --sctp-service
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i -i
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i -m
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type x
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue --tun-port 0
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue --tun-port 65536
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue --tun-port x
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue --tun-port 5 --tun-csum --tun-remcsum
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gre --tun-port 5
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gre --tun-remcsum
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gre --tun-csum
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type ipip --tun-csum
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type ipip --tun-port 5
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-port 5
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -i --tun-type gue --tun-type gue
-a -t 10.99.0.1:80 -r 10.2.0.12:80 -m --tun-type ipip
-a -t 10.99.0.1:80 -r 10.2.0.12:80 --tun-type gue --tun-port 5
-a -t [2001:db8:99::1]:80 -r 10.2.0.12:80 -i
-a -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -i
-a -f 1 -r 10.2.0.12
-a -f 1 -r [2001:db8:2::11]:80
-L -f 1
-Ln -f 1 -c
-L --stats --persistent-conn
-L --thresholds --persistent-conn
-L -c --persistent-conn
-L --daemon --timeout
-L --daemon -c
-L --daemon -t 10.99.0.1:80
-L --daemon
-L --syncid 1
--start-daemon
--start-daemon master --syncid 256
--start-daemon master --syncid -1
--start-daemon master --syncid x
--start-daemon master --mcast-port 0
--start-daemon master --mcast-port 65536
--start-daemon master --mcast-ttl 0
--start-daemon master --mcast-ttl 256
--start-daemon master --sync-maxlen 0
--start-daemon master --sync-maxlen 65508
--start-daemon master --mcast-group 1.2.3.4
--start-daemon master --mcast-group x
--start-daemon master --mcast-group fe80::1
--start-daemon master -n
--start-daemon=backup --mcast-interface
--stop-daemon
--stop-daemon backup
--stop-daemon=backup
--stop-daemon master extra

-a -f 1 -i
-6 -A
-A -p
-a -i
--start-daemon x
--start-daemon x -q
--stop-daemon x
--start-daemon master -L
-A -t 10.99.0.5:80 -pq
-A -t 10.99.0.5:80 -p=60 -M
-A -t 10.99.0.5:80 -b sh-port,nosuch -s sh
-A -t 10.99.0.5:80 -b nosuch -b nosuch
-A -t 10.99.0.5:80 -s sh -b flag-1,flag-2
-A -t 10.99.0.5:80 -b flag-1
-A -u 10.99.0.5:80 -o -s nosuch
-A -f 1 -o -s nosuch
-A -f 1 -t 10.99.0.1:80
-A -t 10.99.0.1:80 -f 1
-L -c -t 10.99.0.1:80 --stats
-L --daemon --stats
-L --daemon --exact
-L --daemon --nosort
-A -t 10.99.0.5:80 -b sh-port -s sh
-A -t 10.99.0.5:80 -b sh-port -s
-A -t 10.99.0.5:80 -b sh-port extra
-A -b sh-port
-A -t 10.99.0.5:80 -p -M 0.0.0.0
-A -t 10.99.0.5:80 -p -M 24
-a -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -m --tun-type gue
''')
