# What ipvsadm 1.31 answers on a kernel IPVS, one JSON object a command line:
#
#   {"args": [...], "stdin": "...", "times": n, "stdout": "...", "stderr": "...", "status": n, "listing": "..."}
#
# stdin, repeated `times` times, is there for -R only; the listing (of -Ln) only where the rules are
# no longer those of the line before. Texts are bytes, one character each. A scenario is this file
# followed by one of its neighbours, and begins with no rules at all.
import json, shlex, subprocess


class Recorder:
    """Runs command lines one after another and writes down their answers."""

    def __init__(self, name):
        self.file = open(name + '.jsonl', 'w')
        self.run('-C')
        self.rules = self.now()

    def now(self):
        with open('/proc/thread-self/net/ip_vs') as file:
            # The counts of connections come and go by themselves.
            return [line.split()[:4] for line in file]

    def run(self, args, stdin='', times=1):
        """args: a list, or one text in the shell's quoting. Returns the process."""
        args = shlex.split(args) if isinstance(args, str) else args
        return subprocess.run(['ipvsadm', *args], input=(stdin * times).encode('latin-1'),
                              capture_output=True, close_fds=False)

    def __call__(self, args, stdin=None, times=1):
        args = shlex.split(args) if isinstance(args, str) else args
        done = self.run(args, stdin or '', times)
        line = {'args': args}
        if stdin is not None:
            line['stdin'] = stdin
        if times > 1:
            line['times'] = times
        line['stdout'] = done.stdout.decode('latin-1')
        line['stderr'] = done.stderr.decode('latin-1')
        line['status'] = done.returncode
        rules = self.now()
        if rules != self.rules:
            line['listing'] = self.run('-Ln').stdout.decode()
            self.rules = rules
        self.file.write(json.dumps(line) + '\n')

    def each(self, lines):
        """Records a text of command lines; empty lines part groups, # opens a comment."""
        for line in lines.strip().splitlines():
            if line and not line.startswith('#'):
                self(line)


# Names: the guest's own, one too long for its column, and two of IPv6.
with open('/run/hosts', 'a') as hosts:
    hosts.write('''10.2.0.13 rs3.a-rather-long-name-that-will-not-fit.example
2001:db8:99::1 vip6.example
2001:db8:2::11 rs6.example
''')

# What the names and ports above mean, for the replay.
with open('/etc/hosts') as hosts, open('hosts', 'w') as copy:
    copy.write(hosts.read())
USED = 'discard', 'domain', 'ftp-data', 'http', 'http-alt', 'https', 'mdns'
with open('/etc/services') as services, open('services', 'w') as copy:
    copy.writelines(line for line in services if line.split() and line.split()[0] in USED)

