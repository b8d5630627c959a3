# Tunnels: of each kind, over either family, as they are added, edited, listed and saved.
tunnels = Recorder('tunnels')
tunnels.each('''
-A -t 10.99.0.1:80 -s rr
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -i
-a -t 10.99.0.1:80 -r 10.2.0.12:8080 -i --tun-type gue --tun-port 6080
-a -t 10.99.0.1:80 -r 10.2.0.13 --ipip --tun-type gue --tun-port 6080 --tun-csum -w 3
-a -t 10.99.0.1:80 -r 10.2.0.14 -i --tun-type gue --tun-port 60801 --tun-remcsum
-a -t 10.99.0.1:80 -r 10.2.0.15 -i --tun-type gre
-a -t 10.99.0.1:80 -r 10.2.0.16 -i --tun-type gre --tun-csum
-a -t 10.99.0.1:80 -r 10.2.0.17 -i --tun-type gre --tun-nocsum -w 0
-a -t 10.99.0.1:80 -r 10.2.0.18 -i --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 10.99.0.1:80 -r 10.2.0.19:81 -g
-a -t 10.99.0.1:80 -r 10.2.0.20:81 -m
-a -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -i
-a -t 10.99.0.1:80 -r 2001:db8:2::12 -i --tun-type gue --tun-port 9
-a -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -i --tun-type gre
-a -t 10.99.0.1:80 -r [2001:db8:2::13]:80 -g
-a -t 10.99.0.1:80 -r [2001:db8:2::13]:80 -m
-a -t 10.99.0.1:80 -r [::ffff:1.2.3.4]:80 -i
-a -t 10.99.0.1:80 -r [fe80::1]:80 -i
-a -t 10.99.0.1:80 -r 224.0.0.1 -i
-A -t [2001:db8:99::1]:80 -s rr
-a -t [2001:db8:99::1]:80 -r 10.2.0.30:80 -i --tun-type gre
-a -t [2001:db8:99::1]:80 -r [2001:db8:2::13]:80 -i --tun-type ipip
-a -t [2001:db8:99::1]:80 -r 10.2.0.31:80 -g
-A -u 10.99.0.1:53 -s rr
-a -u 10.99.0.1:53 -r 10.2.0.57:99 -i --tun-type gue --tun-port 53
-Ln
-Ln --tun-info
-Ln --tun-info --nosort -t 10.99.0.1:80
-L --tun-info
-Ln --tun-info --thresholds
-Ln --tun-info --stats
-Ln --tun-info --rate
-Ln --tun-info --exact
-Ln --tun-info -t 10.99.0.1:80
-Ln --tun-info -t 10.99.0.9:80
-Ln -c --tun-info
-Ln --timeout --tun-info
-Sn
-S
-e -t 10.99.0.1:80 -r 10.2.0.12 -i
-e -t 10.99.0.1:80 -r 10.2.0.11 -i --tun-type gue --tun-port 77
-e -t 10.99.0.1:80 -r 10.2.0.13 -m
-e -t 10.99.0.1:80 -r 10.2.0.14 -g
-e -t 10.99.0.1:80 -r 10.2.0.19 -i --tun-type gre --tun-csum
-Ln --tun-info
-e -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -g
-e -t 10.99.0.1:80 -r [2001:db8:2::11]:80 -i --tun-type gre
-d -t 10.99.0.1:80 -r [2001:db8:2::11]:80
-d -t 10.99.0.1:80 -r 2001:db8:2::12
-a -t 10.99.0.1:80 -r 10.2.0.55 -i --tun-csum
-a -t 10.99.0.1:80 -r 10.2.0.55 -i --tun-type gre --tun-csum --tun-nocsum
-a -t 10.99.0.1:80 -r 10.2.0.55 -i --tun-type gue --tun-port 65536
''')
saved = tunnels.run('-Sn').stdout.decode()
tunnels('-C')
tunnels('-R', saved)
tunnels('-Sn')
