import { expect, test } from 'vitest';
import type { OperationsRequest } from '../../ts/api/types.ts';
import { ask, memoryDirector } from './recordings.ts';

const service = '-A -t 10.99.0.1:80 -s rr\n';
const destination = '-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m\n';
const rules = async (director: ReturnType<typeof memoryDirector>) =>
  (await ask(director, { args: ['-Sn'] })).stdout;

test('under --atomic a line that cannot be read leaves everything as it was', async () => {
  const director = memoryDirector();
  const answer = await ask(director, { args: ['-R', '--atomic'], stdin: `${service}bad\n` });
  expect(answer).toEqual({
    stdout: '',
    stderr: "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n",
    status: 255,
  });
  expect(await rules(director)).toBe('');
});

test('under --atomic a refused rule leaves everything as it was', async () => {
  const director = memoryDirector();
  const stdin = `${service}${destination}${destination}-A -t 10.99.0.2:80\n`;
  const answer = await ask(director, { args: ['-R', '--atomic'], stdin });
  expect(answer).toEqual({ stdout: '', stderr: 'Destination already exists\n', status: 255 });
  expect(await rules(director)).toBe('');
});

test('under --atomic good rules are all there', async () => {
  const director = memoryDirector();
  const answer = await ask(director, { args: ['-R', '--atomic'], stdin: service + destination });
  expect(answer).toEqual({ stdout: '', stderr: '', status: 0 });
  expect(await rules(director)).toBe(
    '-A -t 10.99.0.1:80 -s rr\n-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m -w 1\n',
  );
});

test('a listing cannot be undone, so --atomic refuses it', async () => {
  const director = memoryDirector();
  const answer = await ask(director, { args: ['-R', '--atomic'], stdin: `${service}-L\n` });
  expect(answer.stderr).toBe('xlvs: only rules can be restored with --atomic\n');
  expect(answer.status).toBe(2);
  expect(await rules(director)).toBe('');
});

test('rules are sent together', async () => {
  const requests: OperationsRequest[] = [];
  const director = memoryDirector();
  const operations = (request: OperationsRequest) => {
    requests.push(request);
    return director.operations(request);
  };
  const stdin = `${service}${destination}`;
  await ask({ ...director, operations }, { args: ['-R'], stdin, times: 3 });
  expect(requests.map((request) => request.operations.length)).toEqual([6]);
});

test('a line without end is not read to its end', async () => {
  const director = memoryDirector();
  const stdin = `${service}${service.trimEnd()}${' '.repeat(70_000)}`;
  const answer = await ask(director, { args: ['-R'], stdin });
  expect(answer).toEqual({
    stdout: '',
    stderr: 'xlvs: expected lines of at most 65536 bytes\n',
    status: 2,
  });
  expect(await rules(director)).toBe(service);
});

test.for(['\xde\xad\xbe\xef garbage ', '-q\n', '\n', ' \t\n', '-A -t x:80\n'])(
  '10 MB of %j are read in seconds and change nothing',
  async (stdin) => {
    const director = memoryDirector();
    const times = Math.ceil(10_000_000 / stdin.length);
    const { status } = await ask(director, { args: ['-R'], stdin, times });
    expect(status === 0).toBe(stdin.trim() === '');
    expect(await rules(director)).toBe('');
  },
);
