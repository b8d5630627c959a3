import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressBytes, addressText, endpointText, parseAddress } from '../../ts/net/address.ts';

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::1.2.3.4', '::1.2.3.4'],
  ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
])('%s is %s in canonical text', (text, canonical) => {
  expect(parseAddress(text)?.text).toBe(canonical);
});

test.each(['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4.5', 'fe80::1%eth0', '1::2::3', 'vip'])(
  '%j is no address',
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
  },
);

test('the text of any bytes leads back to the bytes', () => {
  const size = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(fc.oneof(size(4), size(16)), (bytes) => {
      const text = addressText(bytes);
      expect(addressBytes(text)).toEqual(bytes);
      expect(parseAddress(text)?.text).toBe(text);
    }),
  );
});

test('an endpoint has its IPv6 address in brackets', () => {
  expect(endpointText('10.0.0.1', 80)).toBe('10.0.0.1:80');
  expect(endpointText('2001:db8::1', 'http')).toBe('[2001:db8::1]:http');
});
