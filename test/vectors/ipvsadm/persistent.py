# Persistent services: what -p and -M make of them, and every listing that shows it.
class Whole(Recorder):
    def now(self):
        with open('/proc/thread-self/net/ip_vs') as file:
            return file.read()


persistent = Whole('persistent')
persistent.each('''
-C
-A -t 10.99.0.1:80 -s rr -p
-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m
-A -t 10.99.0.1:443 -s wlc -p 600 -M 255.255.255.0
-a -t 10.99.0.1:443 -r 10.2.0.11:443 -g
-A -t 10.99.0.1:0 -p -s rr
-a -t 10.99.0.1:0 -r 10.2.0.11 -m -w 3
-a -t 10.99.0.1:0 -r 10.2.0.12:8080 -m
-A -u 10.99.0.1 -p 60
-a -u 10.99.0.1 -r 10.2.0.11 -g
-A -u 10.99.0.1:53 -M 255.255.0.0
-A -t [2001:db8:99::1]:80 -s rr -p 60 -M 64
-A -t [2001:db8:99::1]:81 -s rr -p 60 -M 128
-A -t [2001:db8:99::1]:82 -s rr -p 60
-A -t [2001:db8:99::1]:0 -s rr -p
-A -t [2001:db8:99::1]:83 -s rr -M 48
-A -t 10.99.0.1:81 -s sh -b sh-port -p 60 -M 255.0.0.0
-A -t 10.99.0.1:82 -p -M 24
-A -t 10.99.0.1:83 -p -M 0.0.0.0
-A -t 10.99.0.1:84 -p -M 255.255.255.255
-A -t 10.99.0.1:85 -p 2678400
-A -t 10.99.0.1:86 -p 1 -s rr
-A -t 10.99.0.1:87 -p 0x10
-A -t 10.99.0.1:92 -p +5
-A -t 10.99.0.1:89 -p60
-A -t 10.99.0.1:90 --persistent=70 --netmask=255.255.255.254
-A -t 10.99.0.1:91 --persistent 70 --netmask 255.128.0.0
-A -t 10.99.0.1:0
-A -t 10.99.0.2:0 -M 255.255.255.0
-A -t 10.99.0.1:80 -p
-E -t 10.99.0.1:443 -s wlc -p 300
-E -t 10.99.0.1:80 -s rr
-E -t 10.99.0.1:80 -s rr -p 5
-E -t 10.99.0.1:0 -s rr
-E -t 10.99.0.1:0 -s rr -p 9
-E -t [2001:db8:99::1]:80 -s rr -p
-E -t [2001:db8:99::1]:80 -s rr -p -M 1
-E -t 10.99.0.9:80 -p
-L
-Ln
-L -t 10.99.0.1:0
-Ln -t 10.99.0.1
-Ln -u 10.99.0.1:0
-Ln --stats
-Ln --rate
-Ln --thresholds
-L --persistent-conn
-Ln --persistent-conn
-Ln --persistent-conn --exact
-Ln --persistent-conn -t 10.99.0.1:443
-Ln --persistent-conn --thresholds
-Ln --persistent-conn --stats
-Ln --persistent-conn --rate
-Lc --persistent-conn
-Lnc --persistent-conn
-L --persistent-conn -t 10.99.0.9:1
-Sn
-S
-d -t 10.99.0.1:0 -r 10.2.0.11
-d -t 10.99.0.1:0 -r 10.2.0.12
-d -t 10.99.0.1:0 -r 10.2.0.12:8080
-D -t 10.99.0.1:0
-D -u 10.99.0.1
-Z -t 10.99.0.1:443
-Sn
''')
