import type { Command } from 'commander';

/**
 * xlvs: the first word chooses the part of the program, and only that part is loaded, so that
 * `xlvs adm` in a script is not slowed down by what it does not use. XLVS_DEBUG shows where an
 * error that nobody expected came from.
 */

interface Part {
  readonly about: string;
  readonly load: () => Promise<Command>;
}

const parts: Readonly<Record<string, Part>> = {
  daemon: {
    about: 'run the director',
    load: async () => (await import('../daemon/main.ts')).daemonCommand(),
  },
  status: {
    about: 'what the director is attached to, and how much it holds',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  stats: {
    about: 'packets by verdict',
    load: async () => (await import('./status.ts')).statisticsCommand(),
  },
  capture: {
    about: 'copies of packets, before and after the rewrite',
    load: async () => (await import('./capture.ts')).captureCommand(),
  },
  get: {
    about: 'settings and their values',
    load: async () => (await import('./settings.ts')).getCommand(),
  },
  set: {
    about: 'change settings; they outlive the daemon',
    load: async () => (await import('./settings.ts')).setCommand(),
  },
  mark: {
    about: 'rules of firewall marks',
    load: async () => (await import('./mark.ts')).markCommand(),
  },
  simulate: {
    about: 'what the director decides, without one',
    load: async () => (await import('../simulate/main.ts')).simulateCommand(),
  },
  doctor: {
    about: 'what this machine offers, and what to do about the rest',
    load: async () => (await import('../doctor/main.ts')).doctorCommand(),
  },
  lab: {
    about: 'worked examples in network namespaces',
    load: async () => (await import('../lab/main.ts')).labCommand(),
  },
};

async function main([word = '', ...rest]: readonly string[]): Promise<void> {
  if (word === 'adm') {
    const { admMain } = await import('./adm_main.ts');
    process.exitCode = await admMain(rest);
    return;
  }
  const { Command } = await import('commander');
  const program = new Command('xlvs').description('a Linux Virtual Server director on XDP');
  program.addCommand(new Command('adm').description('rules and listings, as ipvsadm'));
  for (const [name, part] of Object.entries(parts)) {
    const command = name === word ? await part.load() : new Command(name).description(part.about);
    program.addCommand(command);
  }
  await program.parseAsync([word, ...rest].filter(Boolean), { from: 'user' });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, stack } = error as Error;
  process.stderr.write(`xlvs: ${process.env.XLVS_DEBUG ? stack : message.split('\n')[0]}\n`);
  process.exitCode = 1;
}
