import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../ts/daemon/config.ts';

const path = '/etc/xlvs/xlvs.yaml';
const defaults = {
  connections: 524_288,
  destinations: 131_072,
  backlog: 256,
  macs: [],
  sending: {},
};

describe('a configuration', () => {
  test.each(['', '# nothing said\n', '{}'])('may be empty: %j', (text) => {
    expect(parseConfig(text, path)).toEqual(defaults);
  });

  test('names interfaces and sizes', () => {
    const text = `interfaces: [eth0, eth1]
connections: 1048576
destinations: 64
backlog: 64
macs: [02:00:5E:00:53:01]
sending: {eth0: tx}
`;
    expect(parseConfig(text, path)).toEqual({
      interfaces: ['eth0', 'eth1'],
      connections: 1_048_576,
      destinations: 64,
      backlog: 64,
      macs: ['02:00:5e:00:53:01'],
      sending: { eth0: 'tx' },
    });
  });

  test('names files of schedulers', () => {
    const schedulers = ['/etc/xlvs/canary.mjs'];
    expect(parseConfig(JSON.stringify({ schedulers }), path).schedulers).toEqual(schedulers);
  });

  test('says settings by numbers or words', () => {
    const text = 'settings:\n  syn_cookies: off\n  conn_reuse_mode: 0\n';
    expect(parseConfig(text, path).settings).toEqual({ syn_cookies: 0, conn_reuse_mode: 0 });
  });

  test.each([
    ['connections: many', 'connections: expected 1024 to 16777216, received "many"'],
    ['connections: 10', 'connections: expected 1024 to 16777216, received 10'],
    ['macs: [02:00]', 'macs[0]: expected a MAC address, received "02:00"'],
    ['backlog: 1.5', 'backlog: expected 1 to 4096, received 1.5'],
    ['interfaces: eth0', 'interfaces: expected array, received "eth0"'],
    ['interfaces: [eth0, 7]', 'interfaces[1]: expected string, received 7'],
    ['settings: {drop_entry: 4}', 'settings.drop_entry: expected 0 to 3, received 4'],
    ['settings: {syn_cookies: no}', 'settings.syn_cookies: expected off, auto, on, received "no"'],
    ['settings: {colour: red}', 'settings.colour: expected no such key, received "red"'],
    ['schedulers: [a.mjs]', 'schedulers[0]: expected an absolute path, received "a.mjs"'],
    ['interface: [eth0]', 'interface: expected no such key, received ["eth0"]'],
    ['- eth0', 'expected object, received ["eth0"]'],
  ])('is refused with path, expected and received: %s', (text, message) => {
    expect(() => parseConfig(text, path)).toThrow(`${path}: ${message}`);
  });

  test('that is no YAML is refused with the line', () => {
    expect(() => parseConfig('interfaces: [eth0\nconnections: 5', path)).toThrow(
      /xlvs\.yaml: expected YAML, received: .* at line 2/,
    );
  });

  test('that was named has to be there', () => {
    expect(() => loadConfig('/nonexistent/xlvs.yaml')).toThrow(
      /^expected a readable configuration file: ENOENT.*nonexistent/,
    );
  });
});
