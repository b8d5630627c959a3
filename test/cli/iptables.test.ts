import { expect, test } from 'vitest';
import { iptables } from '../../ts/cli/iptables.ts';
import { splitWords } from '../../ts/cli/mark_import.ts';
import { markRuleText } from '../../ts/cli/mark_text.ts';
import { Director } from '../../ts/lvs/director.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';

/** iptables over a director in this process; what it lists then, or its complaint. */
function session() {
  const director = new Director(new MemoryDataplane());
  const run = async (text: string): Promise<string> => {
    await iptables(splitWords(text), {
      names: { address: async () => '', host: async () => '', port: () => 80, service: () => '' },
      present: async () => director.marks,
      change: async (operation) => director.apply(operation),
    });
    return director.marks.map((rule) => markRuleText(rule).split(' ').at(-1)).join(' ');
  };
  return { run, director };
}

test('rules are appended, inserted, checked, deleted and flushed', async () => {
  const { run } = session();
  const mark = (value: number) => `-j MARK --set-xmark ${value}/${value}`;
  await run(`-4 -t mangle -A PREROUTING ${mark(1)}`);
  expect(await run(`-t mangle -w -A PREROUTING ${mark(2)}`)).toBe('0x1/0x1 0x2/0x2');
  expect(await run(`-t mangle -I PREROUTING ${mark(3)}`)).toBe('0x3/0x3 0x1/0x1 0x2/0x2');
  expect(await run(`--table=mangle -I PREROUTING 2 ${mark(4)}`)).toBe(
    '0x3/0x3 0x4/0x4 0x1/0x1 0x2/0x2',
  );
  await run(`-t mangle -w 5 -C PREROUTING ${mark(4)}`);
  await expect(run(`-t mangle -C PREROUTING ${mark(5)}`)).rejects.toThrow('Bad rule');
  expect(await run(`-t mangle -D PREROUTING ${mark(4)}`)).toBe('0x3/0x3 0x1/0x1 0x2/0x2');
  await expect(run(`-t mangle -D PREROUTING ${mark(4)}`)).rejects.toThrow('existing mark rule');
  expect(await run(`-6 -t mangle -A PREROUTING ${mark(6)}`)).toBe(
    '0x3/0x3 0x1/0x1 0x2/0x2 0x6/0x6',
  );
  expect(await run('-4 -t mangle -F')).toBe('0x6/0x6');
});

test('rules outlive the director, in their order', () => {
  const { director } = session();
  const rule = (value: number) => ({ family: 4, set: { value, mask: 1 } }) as const;
  director.apply({ op: 'addMarks', rules: [rule(1), rule(2)] });
  director.apply({ op: 'addMarks', rules: [rule(3)], at: 2 });
  director.apply({ op: 'deleteMark', rule: 1 });
  expect(() => director.apply({ op: 'addMarks', rules: [rule(4)], at: 4 })).toThrow('1 to 3');
  const next = new Director(new MemoryDataplane());
  for (const entry of director.entries()) next.replay(entry);
  expect(next.marks).toEqual([rule(3), rule(2)]);
});
