import { missingCapabilities } from './capabilities.ts';
import type { Facts, KernelFacts, ProcessFacts, ProductFacts, TableFacts } from './facts.ts';
import type { Finding } from './finding.ts';

/** BPF programs that run as a system call came with 5.14; 5.15 is the long-term kernel after it. */
const OLDEST_KERNEL = [5, 15] as const;

/** What one AF_XDP queue pins: 4096 frames of 2 KiB. */
const QUEUE_BYTES = 4096 * 2048;

/** Judges the kernel, this process and what was built; nothing about interfaces. */
export function checkMachine({ table, kernel, process, product }: Facts): readonly Finding[] {
  return [
    checkKernelVersion(kernel),
    ...checkKernelConfig(kernel),
    checkJit(kernel),
    checkUnprivilegedBpf(kernel),
    checkBpffs(kernel),
    ...checkCapabilities(process),
    checkMemlock(process),
    checkTable(table),
    checkLibraries(product),
    checkBuild(product),
    checkLoad(product),
  ];
}

function checkKernelVersion({ release }: KernelFacts): Finding {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  const enough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  if (enough) return { level: 'ok', subject: 'kernel', found: release };
  const advice = `run Linux ${OLDEST_KERNEL.join('.')} or newer`;
  return { level: 'problem', subject: 'kernel', found: release, advice };
}

const options = [
  ['CONFIG_BPF_SYSCALL', 'no BPF at all'],
  ['CONFIG_XDP_SOCKETS', 'no AF_XDP: new connections cannot be scheduled'],
] as const;

function checkKernelConfig({ config, btf }: KernelFacts): readonly Finding[] {
  if (!config) {
    return [
      {
        level: 'problem',
        subject: 'kernel config',
        found:
          'neither /boot/config-<release> nor /proc/config.gz can be read: the tick is unknown',
        advice: 'install the config beside the kernel, or `modprobe configs`',
      },
    ];
  }
  const absent = options.filter(([name]) => config.get(name) !== 'y');
  const findings = absent.map(
    ([name, effect]): Finding => ({
      level: 'problem',
      subject: 'kernel config',
      found: `${name} is not set: ${effect}`,
      advice: 'run a kernel that has it; those of the distributions do',
    }),
  );
  const seen = `BPF, AF_XDP, ${config.get('CONFIG_HZ') ?? '?'} ticks/s${btf ? ', BTF' : ''}`;
  return findings.length > 0 ? findings : [{ level: 'ok', subject: 'kernel config', found: seen }];
}

function checkJit({ jit, config }: KernelFacts): Finding {
  const subject = 'BPF JIT';
  if (jit || config?.get('CONFIG_BPF_JIT_ALWAYS_ON') === 'y') {
    return { level: 'ok', subject, found: 'on' };
  }
  if (jit === undefined) {
    const found = 'unknown: only root, and only in the first network namespace, can read it';
    return { level: 'note', subject, found };
  }
  const advice = 'sysctl -w net.core.bpf_jit_enable=1';
  return { level: 'warning', subject, found: 'off: every packet is interpreted', advice };
}

function checkUnprivilegedBpf({ unprivilegedBpfDisabled }: KernelFacts): Finding {
  const subject = 'unprivileged BPF';
  if (unprivilegedBpfDisabled !== 0) return { level: 'ok', subject, found: 'refused' };
  return {
    level: 'warning',
    subject,
    found: 'every user may load BPF programs',
    advice: 'sysctl -w kernel.unprivileged_bpf_disabled=2; xlvs does not need it',
  };
}

function checkBpffs({ bpffs }: KernelFacts): Finding {
  const subject = 'bpffs';
  if (bpffs) return { level: 'ok', subject, found: 'mounted at /sys/fs/bpf' };
  return {
    level: 'note',
    subject,
    found: 'not mounted: a restarted daemon finds its maps by the attached program',
    advice: 'for libxdp, which shares an interface: mount -t bpf bpf /sys/fs/bpf',
  };
}

function checkCapabilities({ capabilities }: ProcessFacts): readonly Finding[] {
  const subject = 'capabilities';
  const missing = missingCapabilities(capabilities);
  if (missing.length > 0) {
    return [
      {
        level: 'problem',
        subject,
        found: `missing ${missing.join(' ')}`,
        advice: 'run as root, or give them as ambient capabilities (systemd AmbientCapabilities=)',
      },
    ];
  }
  if (capabilities.includes('CAP_SYS_ADMIN')) {
    return [{ level: 'ok', subject, found: capabilities.join(' ') }];
  }
  return [
    {
      level: 'warning',
      subject,
      found: 'no CAP_SYS_ADMIN: a restarted daemon cannot find the maps of a living program',
      advice: 'give CAP_SYS_ADMIN, or keep a bpffs at /sys/fs/bpf for pins',
    },
  ];
}

function checkMemlock({ capabilities, memlockBytes }: ProcessFacts): Finding {
  const subject = 'locked memory';
  if (capabilities.includes('CAP_IPC_LOCK') || memlockBytes === Number.POSITIVE_INFINITY) {
    return { level: 'ok', subject, found: 'not limited for this process' };
  }
  const queues = Math.floor(memlockBytes / QUEUE_BYTES);
  return {
    level: queues === 0 ? 'problem' : 'warning',
    subject,
    found: `${memlockBytes} bytes, and each AF_XDP queue pins ${QUEUE_BYTES}: room for ${queues}`,
    advice: 'give CAP_IPC_LOCK, or raise the limit (ulimit -l, LimitMEMLOCK=)',
  };
}

function checkTable({ connections, table, total, availableBytes }: TableFacts): Finding {
  const subject = 'connection table';
  const found =
    `${connections} connections take ${mebibytes(table)} MiB ` +
    `(${Math.round(table / connections)} bytes each); ${mebibytes(total)} MiB with all else`;
  if (total <= availableBytes) return { level: 'ok', subject, found };
  return {
    level: 'warning',
    subject,
    found: `${found}; ${mebibytes(availableBytes)} MiB are free`,
    advice: 'xlvs daemon --connections <fewer>, or `connections` in /etc/xlvs/xlvs.yaml',
  };
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

function checkLibraries({ missingLibraries }: ProductFacts): Finding {
  const subject = 'libraries';
  if (missingLibraries.length === 0) return { level: 'ok', subject, found: 'libbpf, libxdp' };
  const advice = 'apt-get install libbpf1 libxdp1';
  return { level: 'problem', subject, found: `missing ${missingLibraries.join(' ')}`, advice };
}

function checkBuild({ addonBuilt, objectBuilt }: ProductFacts): Finding {
  const subject = 'build';
  if (addonBuilt && objectBuilt) return { level: 'ok', subject, found: 'addon and BPF object' };
  const missing = [!addonBuilt && 'the addon', !objectBuilt && 'the BPF object'].filter(Boolean);
  return {
    level: 'problem',
    subject,
    found: `missing ${missing.join(' and ')}`,
    advice: 'npm run setup',
  };
}

function checkLoad({ load }: ProductFacts): Finding {
  const subject = 'load';
  if (load.outcome === 'loaded') {
    return { level: 'ok', subject, found: 'the kernel accepts the BPF object' };
  }
  if (load.outcome === 'not tried') {
    return { level: 'note', subject, found: `not tried: ${load.reason}` };
  }
  const found = `the kernel refuses the BPF object: ${load.error.split('\n', 3).join(' / ')}`;
  const advice = 'see the problems above; with none, report this with the kernel release';
  return { level: 'problem', subject, found, advice };
}
