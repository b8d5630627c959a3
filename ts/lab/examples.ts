import { s195, s197, s204, s206, s208, s211 } from './topologies.ts';
import type { Topology } from './topology.ts';

/**
 * The worked examples of the LVS documents: rules as printed there, requests, and what the
 * answers have to look like.
 */
export interface Example {
  readonly id: string;
  readonly topology: Topology;
  readonly url: string;
  readonly stages: readonly Stage[];
}

/** Commands on the director, then so many requests by the client, one after the other. */
export interface Stage {
  readonly commands: readonly string[];
  readonly requests: number;
  readonly expected: Expectation;
}

/** What the names of those who answered, in order, have to fulfil. */
export interface Expectation {
  readonly says: string;
  holds(answers: readonly string[]): boolean;
}

export const examples: readonly Example[] = [
  {
    id: 'S195',
    topology: s195,
    url: 'http://172.16.100.8/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 172.16.100.8:80 -s wlc',
          'ipvsadm -a -t 172.16.100.8:80 -r 192.168.12.11:80 -m -w 1',
          'ipvsadm -a -t 172.16.100.8:80 -r 192.168.12.12:80 -m -w 3',
        ],
        requests: 49,
        // Newest first, as LVS keeps them: the first of the list wins a tie.
        expected: wlcFormula([
          { name: 'RS2', weight: 3 },
          { name: 'RS1', weight: 1 },
        ]),
      },
    ],
  },
  {
    id: 'S197',
    topology: s197,
    url: 'http://172.16.100.8/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 172.16.100.8:80 -s rr',
          'ipvsadm -a -t 172.16.100.8:80 -r 192.168.12.11 -g',
          'ipvsadm -a -t 172.16.100.8:80 -r 192.168.12.12 -g',
        ],
        requests: 20,
        expected: alternation(),
      },
    ],
  },
  {
    id: 'S204, S205',
    topology: s204,
    url: 'http://172.16.253.63/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 172.16.253.63:80 -s rr',
          'ipvsadm -a -t 172.16.253.63:80 -r 192.168.166.129:80 -m',
          'ipvsadm -a -t 172.16.253.63:80 -r 192.168.166.131:80 -m',
        ],
        requests: 120,
        expected: counts({ RS1: 60, RS2: 60 }),
      },
      {
        commands: [
          'ipvsadm -E -t 172.16.253.63:80 -s wrr',
          'ipvsadm -e -t 172.16.253.63:80 -r 192.168.166.129:80 -m -w 2',
        ],
        requests: 120,
        expected: counts({ RS1: 80, RS2: 40 }),
      },
    ],
  },
  {
    id: 'S206',
    topology: s206,
    url: 'http://172.16.253.63/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 172.16.253.63:80 -s wrr',
          'ipvsadm -a -t 172.16.253.63:80 -r 192.168.166.129 -g -w 2',
          'ipvsadm -a -t 172.16.253.63:80 -r 192.168.166.131 -g -w 6',
        ],
        requests: 40,
        expected: counts({ RS1: 10, RS2: 30 }),
      },
    ],
  },
  {
    id: 'S208',
    topology: s208,
    url: 'http://192.168.0.10/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 192.168.0.10:80 -s rr',
          'ipvsadm -a -t 192.168.0.10:80 -r 192.168.100.7 -m',
          'ipvsadm -a -t 192.168.0.10:80 -r 192.168.100.9 -m',
          'ipvsadm -L',
        ],
        requests: 20,
        expected: alternation(),
      },
      {
        commands: [
          'ipvsadm -E -t 192.168.0.10:80 -s wrr',
          'ipvsadm -e -t 192.168.0.10:80 -r 192.168.100.7 -m -w 3',
        ],
        requests: 40,
        expected: counts({ RS1: 30, RS2: 10 }),
      },
    ],
  },
  {
    id: 'S211',
    topology: s211,
    url: 'http://192.168.51.11/',
    stages: [
      {
        commands: [
          'ipvsadm -A -t 192.168.51.11:80 -s rr',
          'ipvsadm -a -t 192.168.51.11:80 -r 192.168.118.11 -g',
          'ipvsadm -a -t 192.168.51.11:80 -r 192.168.118.12 -g',
        ],
        requests: 20,
        expected: alternation(),
      },
    ],
  },
];

function counts(wanted: Readonly<Record<string, number>>): Expectation {
  const entries = Object.entries(wanted);
  return {
    says: entries.map(([name, count]) => `${name} exactly ${count}`).join(', '),
    holds: (answers) =>
      entries.every(([name, count]) => answers.filter((one) => one === name).length === count),
  };
}

function alternation(): Expectation {
  return {
    says: 'RS1 and RS2 in turn',
    holds: (answers) =>
      new Set(answers).size === 2 && answers.every((name, i) => i < 2 || name === answers[i - 2]),
  };
}

/**
 * Weighted least connections over short connections, each closed before the next is opened: the
 * one chosen has the least inactive/weight. LVS documents show 22 to 27 for weights 1 and 3; the
 * formula gives one to three until connections expire.
 */
function wlcFormula(destinations: readonly { name: string; weight: number }[]): Expectation {
  const predict = (requests: number) => {
    const loads = destinations.map((one) => ({ ...one, inactive: 0 }));
    return Array.from({ length: requests }, () => {
      const least = loads.reduce((best, one) =>
        one.inactive * best.weight < best.inactive * one.weight ? one : best,
      );
      least.inactive += 1;
      return least.name;
    });
  };
  return {
    says: 'each to the least connections/weight, in the very order of the wlc formula',
    holds: (answers) => predict(answers.length).every((name, i) => name === answers[i]),
  };
}
