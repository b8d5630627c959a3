# Rule files.
r = Recorder('restore')
S, D = '-A -t 10.99.0.1:80 -s rr\n', '-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m -w 1\n'
FILES = ['', '\n', '\n\n', ' \n', '\t\n', S, S + D, S.strip(), (S + D).strip(), S + D + D, S + S + D, D + S,
    S + '\n' + D, S + '   \n' + D, '# comment\n' + S, S + '# comment\n' + D, S + '#\n', '#' + S, S.strip() + ' # comment\n' + D,
    'ipvsadm ' + S + 'ipvsadm ' + D, '/sbin/ipvsadm ' + S, 'ipvsadm\n', 'ipvsadm ipvsadm ' + S, 'ipvsadm ipvsadm ipvsadm ' + S, 'ipvsadm -A ipvsadm -t 10.99.0.1:80\n', '-A ipvsadm -t 10.99.0.1:80\n', 'ipvsadmx\n', 'ipvsadm\n' + S, 'x\n', 'ipvsadm word ' + S, 'xipvsadm ' + S, 'xlvs adm ' + S, './ipvsadm -L\n', S.replace(' ', '\v'), S.replace(' ', '\f'), S.replace(' ', '\r'), S.replace(' ', '\xa0'),
    '  ' + S + '\t' + D, S.replace(' ', '  ') + D.replace(' ', '\t'), S.replace('\n', '\r\n') + D.replace('\n', '\r\n'), S.replace('\n', ' \r\n'),
    S + 'bad\n' + D, S + '-q\n' + D, S + '-A\n' + D, S + '-a -t 10.99.0.1:80\n' + D, S + '-A -t 10.99.0.1:70000\n' + D, S + '-a -t 10.99.0.1:80 -r 10.2.0.12 -w -1\n' + D,
    S + '-A -t 10.99.0.2:80 -s nosuch\n' + D, S + '-D -t 10.99.0.9:80\n' + D, S + '-D -t 10.99.0.9:80\n-q\n' + D,
    S + D + '-D -t 10.99.0.9:80\n', S + S, S + '-a -t 10.99.0.9:80 -r 10.2.0.11:80\n-d -t 10.99.0.1:80 -r 10.2.0.77:80\n-D -t 10.99.0.8:80\n' + D,
    S + '-L\n' + D, S + '-Ln\n' + D + '-Ln\n', S + D + '-S -n\n', S + '-Ln --timeout\n', S + '-lnc\n' + D, S + '-C\n' + D, S + D + '-Z\n', S + '-R\n' + D, S + '-h\n' + D, S + '-v\n' + D, S + '-Ln -t 10.99.0.9:80\n' + D,
    S + '--set 1 2 3\n-L --timeout\n--set 900 120 300\n' + D, S + '--set 1\n' + D,
    '"-A" -t 10.99.0.1:80\n', "'-A' -t 10.99.0.1:80 -s rr\n", '-A -t "10.99.0.1:80" -s rr\n', '-A -t 10.99.0.1:80 -s \\\nrr\n',
    '-A -t vip.example:http -s rr\n-a -t vip.example:http -r rs1.example:http -m -w 1\n', '-A -t nosuch.example:http -s rr\n' + S,
    '-A -t [2001:db8:99::1]:80 -s wrr\n-a -t [2001:db8:99::1]:80 -r [2001:db8:2::11]:80 -m -w 2\n',
    '-A -t 10.99.0.1:80 -s rr -A\n' + D, '-A -t 10.99.0.1:80 -t 10.99.0.1:80\n' + D, '--\n' + S, '-\n' + S, '\0\n' + S, S + '\0' + D, S + 'a\0b\n' + D, S[:5] + '\0' + S[5:] + D,
    '\xef\xbb\xbf' + S + D, '\xff\xfe\n' + S, 'caf\xc3\xa9\n' + S, '-A -t caf\xe9:80\n' + S, ',' + S, ';' + S, '-A,-t,10.99.0.1:80\n', '=\n', '{"a":1}\n',
    '-A ' + 'x ' * 500 + '\n' + S, 'x' * 5000 + '\n' + S, '-A -t 10.99.0.1:80 -s ' + 'x' * 2000 + '\n' + S, ' ' * 5000 + S + D, S.strip() + ' ' * 5000 + '\n' + D]
for file in FILES:
    r('-R', file)
    r('-C')
r('-R', '\xde\xad\xbe\xef garbage ', 700000)
r('-R', '-A -t \x00\x01\xfe\n', 1000000)
r('-R', '# nothing\n', 1000000)
r('-R', '\n', 1000)
r('-R', S + D, 100)
r('-S -n')
r('-R', r.run('-Sn').stdout.decode())
r('-C')
r('--restore', S + D)
r('-R -R', S)
r('-Rn', S)
