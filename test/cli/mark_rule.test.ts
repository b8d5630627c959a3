import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importMarkRules, splitWords } from '../../ts/cli/mark_import.ts';
import { MarkRuleError, parseMarkRule } from '../../ts/cli/mark_rule.ts';
import { markRuleText } from '../../ts/cli/mark_text.ts';
import { type Names, parseServices } from '../../ts/cli/names.ts';
import type { MarkRule } from '../../ts/lvs/marks/rule.ts';
import { anyMarkRule } from '../support/arbitrary_marks.ts';

const { ports } = parseServices('http 80/tcp\nhttps 443/tcp\n');
const names: Names = {
  address: async () => undefined,
  host: async () => undefined,
  port: (service, protocol) => ports.get(`${service}/${protocol}`),
  service: () => undefined,
};

const parse = (text: string): MarkRule => parseMarkRule(splitWords(text), names);

/** Rules that iptables has words for: ports need a protocol, and there is something to be done. */
const spelled = anyMarkRule.map((rule) => {
  const { sourcePorts, destinationPorts, ports: either, set, last } = rule;
  const hasPorts = sourcePorts ?? destinationPorts ?? either;
  return {
    ...rule,
    ...(hasPorts && { protocol: { is: 6 } }),
    ...(!set && !last && { last: true as const }),
  };
});

test('a rule is read as it was written', () => {
  fc.assert(
    fc.property(spelled, (rule) => {
      expect(parse(markRuleText(rule))).toEqual(rule);
    }),
    { numRuns: 300 },
  );
});

test('words that are no rule are refused, and nothing else happens', () => {
  const word = fc.oneof(
    fc.constantFrom(...'! -s -d -i -p -m -j -4 -6 --dport --sport --ports --mark'.split(' ')),
    fc.constantFrom(...'--set-mark --set-xmark MARK ACCEPT tcp 17 80 8/0xf eth0 ::/0'.split(' ')),
    fc.string({ maxLength: 8 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 10 }), (words) => {
      try {
        const rule = parseMarkRule(words, names);
        expect(parse(markRuleText(rule))).toEqual(rule);
      } catch (error) {
        expect(error).toBeInstanceOf(MarkRuleError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('iptables and its old spellings mean the same', () => {
  const rule = parse('-d 172.16.100.6/32 -i eth0 -p tcp -m tcp --dport 80 -j MARK --set-mark 8');
  expect(rule).toEqual({
    family: 4,
    destination: { is: '172.16.100.6/32' },
    interface: { is: 'eth0' },
    protocol: { is: 6 },
    destinationPorts: { is: [[80, 80]] },
    set: { value: 8, mask: 0xffff_ffff },
  });
  for (const text of [
    '--dst 172.16.100.6 -p tcp --dport http -i eth0 -j MARK --set-xmark 0x8/0xffffffff',
    '-jMARK --set-mark=010 --in-interface eth0 --protocol 6 --destination-port 80:80 ' +
      '--destination 172.16.100.6/255.255.255.255',
  ]) {
    expect(parse(text)).toEqual(rule);
  }
});

test.for([
  ['--set-mark 0x5/0xf', { value: 5, mask: 15 }],
  ['--set-mark 0x11/0xf', { value: 17, mask: 31 }],
  ['--set-xmark 0x11/0xf', { value: 17, mask: 15 }],
  ['--and-mark 0xf0', { value: 0, mask: 0xffff_ff0f }],
  ['--or-mark 0xf0', { value: 0xf0, mask: 0xf0 }],
  ['--xor-mark 0xf0', { value: 0xf0, mask: 0 }],
] as const)('%s', ([option, set]) => {
  expect(parse(`-j MARK ${option}`).set).toEqual(set);
});

describe('a ruleset', () => {
  const head = '*nat\n-A PREROUTING -j REDIRECT\nCOMMIT\n*mangle\n:PREROUTING ACCEPT [0:0]\n';
  const read = (text: string, ipv6 = false) => importMarkRules(text, { names, ipv6 });

  test('of iptables-save is read, but for what no virtual service meets', () => {
    const rules = read(
      `# by iptables-save\n${head}[3:4] -A PREROUTING ! -s 10.0.0.0/8 -p udp -m multiport ` +
        '--ports 53,100:200 -m mark ! --mark 0x1/0xff -m comment --comment "a \\"b\\" c" ' +
        '-j MARK --set-xmark 0x10/0x10\n-A POSTROUTING -j TCPMSS\n' +
        '-A PREROUTING -j ACCEPT\nCOMMIT\n',
    );
    expect(rules).toEqual([
      {
        family: 4,
        source: { is: '10.0.0.0/8', not: true },
        protocol: { is: 17 },
        ports: {
          is: [
            [53, 53],
            [100, 200],
          ],
        },
        mark: { is: { value: 1, mask: 255 }, not: true },
        set: { value: 16, mask: 16 },
      },
      { family: 4, last: true },
    ]);
    expect(read(`${head}-A PREROUTING -j MARK --set-mark 1\n`, true)[0]?.family).toBe(6);
  });

  test.for([
    ['-A PREROUTING -j TPROXY --on-port 1', 'line 6: -j TPROXY cannot be honoured'],
    ['-A PREROUTING -m state --state NEW -j ACCEPT', 'line 6: -m state cannot be honoured'],
    ['-A PREROUTING -j OWN', 'line 6: -j OWN cannot be honoured'],
    ['-A INPUT -j MARK --set-mark 1', 'line 6: marks of the chain INPUT cannot be honoured'],
    [':PREROUTING DROP [0:0]', 'line 6: the policy DROP cannot be honoured'],
    ['-A PREROUTING --dport 80 -j MARK --set-mark 1', 'line 6: ports need -p tcp or -p udp'],
    ['-A PREROUTING -s ::1 -j MARK --set-mark 1 -4', 'line 6: expected IPv4, received ::1/128'],
    ['-A PREROUTING -j MARK', 'line 6: expected --set-mark for -j MARK'],
  ] as const)('with %s is refused', ([line, complaint]) => {
    expect(() => read(`${head}${line}\n`)).toThrow(complaint);
  });

  test('of nft is read, and refused by the handle of a rule', () => {
    const text = readFileSync(join(import.meta.dirname, '../vectors/marks/ruleset.json'), 'utf8');
    expect(() => read(text)).toThrow(/^rule with handle 4: the address .* cannot be honoured$/);
    const rules = read(text.replace(/\{"set": \["192.0.2.2", "192.0.2.3"\]\}/, '"192.0.2.2"'));
    const both = (rule: string) => [rule, `-6 ${rule}`];
    expect(rules.map(markRuleText)).toEqual([
      '-d 192.0.2.1/32 -p tcp --dport 80 -j MARK --set-xmark 0x8/0xffffffff',
      '-d 192.0.2.2/32 -p tcp --dport 80 -j MARK --set-xmark 0x9/0xffffffff',
      '-6 -d 2001:db8::/64 -p udp -m multiport --dports 53,100:200 ' +
        '-j MARK --set-xmark 0x10/0xffffffff',
      '! -s 10.0.0.0/8 -i eth+ -j MARK --set-xmark 0x100/0x100 --last',
      ...both(
        '-p tcp ! --sport 1024:65535 -m mark --mark 0x8/0xff ' +
          '-j MARK --set-xmark 0xffffffff/0xffffffff',
      ),
      ...both('-p udp --dport 99 -j MARK --set-xmark 0x0/0xffffff0f'),
      ...both('-p tcp --dport 22 -j ACCEPT'),
    ]);
  });
});
