import type { LvsErrorCode } from '../lvs/error.ts';
import type { Operation } from '../lvs/operation.ts';

/** Statuses of ipvsadm: its own errors, those of popt and of the kernel, a listing that failed. */
export const status = { done: 0, noSuchService: 1, usage: 2, refused: 255 } as const;

const texts: Readonly<Record<LvsErrorCode, string>> = {
  SERVICE_EXISTS: 'Service already exists',
  NO_SUCH_SERVICE: 'No such service',
  SERVICE_NOT_DEFINED: 'Service not defined',
  DESTINATION_EXISTS: 'Destination already exists',
  NO_SUCH_DESTINATION: 'No such destination',
  NO_SUCH_MARK_RULE: 'No such rule',
  SCHEDULER_NOT_FOUND: 'Scheduler or persistence engine not found',
  INVALID: 'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  OUT_OF_RANGE: 'Numerical result out of range',
  TABLE_FULL: 'Memory allocation problem',
};

/** What ipvsadm prints when the director refuses an operation. */
export function refusalText(operation: Operation, code: LvsErrorCode): string {
  // A destination's service that is missing is "not defined", whatever the director calls it.
  const destination = 'destination' in operation;
  if (destination && code === 'NO_SUCH_SERVICE') return texts.SERVICE_NOT_DEFINED;
  return texts[code];
}

/** What a command line that opens with no command is told. */
export const tryHelp = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";

/** What -v prints. */
export const version = 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n';

/** What -h prints: the commands and options that xlvs has, in words of its own. */
export const help = `${version}Usage:
  ipvsadm -A|-E service [-s scheduler] [-b flags]
                                                 add or edit a virtual service
  ipvsadm -D service                             delete it with its destinations
  ipvsadm -C                                     delete every service
  ipvsadm -a|-e service -r destination [-g|-m|-i [tunnel]] [-w weight] [-x upper] [-y lower]
                                                 add or edit a destination
  ipvsadm -d service -r destination              delete a destination
  ipvsadm -L|-l [service] [-n] [--stats|--rate|--thresholds|--tun-info] [--exact] [--nosort]
                                                 list services and destinations
  ipvsadm -L|-l -c [-n]                          list connections
  ipvsadm -L|-l --timeout                        list the timeouts
  ipvsadm -Z [service]                           zero the counters
  ipvsadm -S [-n]                                print the rules as -R reads them
  ipvsadm -R [--atomic]                          carry out the lines of stdin
  ipvsadm --set tcp tcpfin udp                   set timeouts, in seconds; 0 keeps one
  ipvsadm -h | -v                                print this help, or the version

service: -t, --tcp-service host:port | -u, --udp-service host:port
       | -f, --fwmark-service mark [-6]        1 to 4294967295; -6, --ipv6 for IPv6
destination: -r, --real-server host[:port]
tunnel: --tun-type ipip | --tun-type gue --tun-port port [--tun-nocsum|--tun-csum|--tun-remcsum] |
        --tun-type gre [--tun-nocsum|--tun-csum]

Commands, long and short:
  --add-service -A   --edit-service -E   --delete-service -D   --clear -C
  --add-server -a    --edit-server -e    --delete-server -d    --zero -Z
  --list -L -l       --save -S           --restore -R          --set
  --help -h          --version -v

Options, long and short:
  --scheduler -s name       rr, wrr, lc or wlc; without it wlc
  --sched-flags -b exact    schedule no connection ahead (xlvs only)
  --gatewaying -g           direct routing, the default; the service's port is used
  --masquerading -m         network address translation
  --ipip -i                 tunnelling; the service's port is used, the family may be another
  --tun-type type           ipip, the default; gue, to UDP port --tun-port; gre
  --tun-nocsum              no checksum around the packet, the default
  --tun-csum, --tun-remcsum one; both are the same to packets that have their own already
  --weight -w number        0 to 2147483647; without it 1; 0 takes no new connections
  --u-threshold -x number   connections at which it takes no new ones; 0, the default: none
  --l-threshold -y number   connections below which it takes some again; 0: 3/4 of the upper
  --numeric -n              addresses and ports as numbers
  --connection -c           connections
  --stats                   counted connections, packets and bytes
  --rate                    connections, packets and bytes a second
  --thresholds              upper and lower thresholds
  --tun-info                tunnels
  --exact                   all digits of large numbers
  --nosort, --sort          newest destination first; by address and port, the default
  --atomic                  with -R: all of the lines, or none (xlvs only)
  --no-start                do not start the daemon when it is missing (xlvs only)
`;

/** A command line that is not carried out: what goes to stderr, and the exit status. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly status: number;

  constructor(message: string, exitStatus: number = status.usage) {
    super(message);
    this.status = exitStatus;
  }
}
