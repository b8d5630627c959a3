# Values: addresses, ports and weights, as a service, as a destination.
r = Recorder('values')
ADDRESSES = '''10.99.0.5|10.99.5|10.99|10|0x0a630005|174325765|010.99.0.5|10.99.0.5.|10.99.0.256|10.99.0.-1|256.1.1.1|1.2.3.4.5
0.0.0.0|255.255.255.255|224.0.0.1|127.0.0.1|240.0.0.1|vip.example|VIP.Example|vip.example.|nosuch.example|localhost|-|.|*|no such|vip_example
[2001:db8:99::5]|2001:db8:99::5|[2001:DB8:0099:0000:0:0:0:5]|[2001:db8:99::5|2001:db8:99::5]|[[2001:db8:99::5]]|[]|[|]|[10.99.0.5]|[::ffff:10.99.0.5]
[::]|[::1]|[ff02::1]|[fe80::1]|[fe80::1%lo]|[2001:db8:99::5/64]|[2001:db8:99:::5]|[2001:db8:99::g]|[1:2:3:4:5:6:7:8:9]|[vip6.example]|vip6.example| 10.99.0.5|10.99.0.5 |10.99.0.5/32'''.replace('\n', '|').split('|')
PORTS = '80|080|0x50|+80| 80|80 |8e1|80.0|0|00|-0|-1|65535|65536|70000|4294967376|99999999999|http|HTTP|domain|webcache|nosuchport|80x|x80|80:80|:80||*|ftp-data|discard'.split('|')
WEIGHTS = '0|1|5|100|65535|65536|2147483647|2147483648|4294967295|4294967296|99999999999999999999|-1|-0|+5|005|0x10|1.5|5x|x| 5|5 ||1e3|--'.split('|')


def service(text, proto='-t'):
    before = list(r.rules)
    r(['-A', proto, text, '-s', 'rr'])
    if r.rules != before:
        r(['-D', proto, text])
    if r.rules != before:
        r('-C')


for address in ADDRESSES:
    service(address + ':80')
    r(['-A', '-t', address, '-s', 'rr'])
for port in PORTS:
    service('10.99.0.5:' + port)
for port in '80|0|65536|http|domain|webcache|ftp-data|discard|x'.split('|'):
    service('10.99.0.5:' + port, '-u')
for port in '80|080|0|65536|http|x||80 '.split('|'):
    service('[2001:db8:99::5]:' + port)
for text in '10.99.0.5,80|10.99.0.5 80|[2001:db8:99::5]80|[2001:db8:99::5] :80|[2001:db8:99::5]::80|2001:db8:99::5:80|:|::|::1|1:2|a:b:c|[vip.example]:80|[80]:99|[10]:80|+10|65536|010| 10|10.0x1|0x:80|08.1.1.1:80|1.2.3.:80|4294967295:80|4294967296:80|1.16777216:80|0x0A.0X63.0.5:80'.split('|'):
    service(text)

r('-A -t 10.99.0.1:80 -s rr')
r('-A -t [2001:db8:99::1]:80 -s rr')
base = list(r.rules)


def destination(text, vip='10.99.0.1:80', *more):
    r(['-a', '-t', vip, '-r', text, *more])
    if r.rules != base:
        r(['-d', '-t', vip, '-r', text])


for address in ADDRESSES:
    destination(address, '10.99.0.1:80', '-m')
    destination(address + ':8080', '10.99.0.1:80', '-m')
    if ':' in address:
        destination(address, '[2001:db8:99::1]:80', '-m')
        destination(address + ':8080', '[2001:db8:99::1]:80', '-m')
for port in PORTS:
    destination('10.2.0.11:' + port, '10.99.0.1:80', '-m')
for port in '80|8080|0|-0|65536|domain|x|'.split('|'):
    destination('10.2.0.11:' + port, '10.99.0.1:80', '-g')
    if r.rules != base:
        r('-d -t 10.99.0.1:80 -r 10.2.0.11:80')
for weight in WEIGHTS:
    destination('10.2.0.11:80', '10.99.0.1:80', '-m', '-w', weight)
r('-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m')
for weight in '0|5|2147483647|2147483648|-1|x'.split('|'):
    r(['-e', '-t', '10.99.0.1:80', '-r', '10.2.0.11:80', '-m', '-w', weight])
