import type { MarkRule, MaskedMark, PortRange, Wanted } from '../lvs/marks/rule.ts';

/** A rule of firewall marks as iptables-save writes it, behind the chain. */
export function markRuleText(rule: MarkRule): string {
  const { protocol, sourcePorts, destinationPorts, ports, mark } = rule;
  const words = [
    rule.family === 6 ? '-6' : '',
    option('-s', rule.source, String),
    option('-d', rule.destination, String),
    option('-i', rule.interface, String),
    option('-p', protocol, (is) => PROTOCOL_NAMES[is] ?? String(is)),
    portsOption('--sport', sourcePorts),
    portsOption('--dport', destinationPorts),
    portsOption('--port', ports),
    mark ? `-m mark ${option('--mark', mark, maskedText)}` : '',
    rule.set ? `-j MARK --set-xmark ${maskedText(rule.set)}` : '-j ACCEPT',
    rule.set && rule.last ? '--last' : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

function option<T>(name: string, wanted: Wanted<T> | undefined, text: (is: T) => string): string {
  if (wanted === undefined) return '';
  return `${wanted.not ? '! ' : ''}${name} ${text(wanted.is)}`;
}

/** One range is an option of the protocol's module, more of them are multiport's. */
function portsOption(name: string, wanted: Wanted<readonly PortRange[]> | undefined): string {
  if (wanted === undefined) return '';
  if (wanted.is.length === 1 && name !== '--port') return option(name, wanted, rangesText);
  return `-m multiport ${option(`${name}s`, wanted, rangesText)}`;
}

function rangesText(ranges: readonly PortRange[]): string {
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(',');
}

function maskedText({ value, mask }: MaskedMark): string {
  return `0x${value.toString(16)}/0x${mask.toString(16)}`;
}
