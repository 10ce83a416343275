// Pickles are read as data: what they build, and that they run nothing.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PickleNames, readPickle } from '../../src/exchange/torch/pickle.ts';
import { Call, pickled, Tuple } from '../support/torch-file.ts';

const names: PickleNames = {
  makers: new Map<string, (args: readonly unknown[]) => unknown>([
    ['collections.OrderedDict', () => new Map()],
    ['builtins.set', ([values]) => new Set(values as unknown[])],
    ['__builtin__.set', ([values]) => new Set(values as unknown[])],
    ['_codecs.encode', ([text]) => Uint8Array.from(Buffer.from(text as string, 'latin1'))],
  ]),
  mentioned: new Set(['torch.FloatStorage']),
};
const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const read = (bytes: Uint8Array): unknown => readPickle(bytes, names).value;

describe('values', () => {
  test('as the writer of the tests has them', () => {
    const value = new Map<unknown, unknown>([
      ['a', [1, -2, 2 ** 31 - 1, -(2 ** 31), 0.5]],
      ['naïve', new Map([[7, Uint8Array.of(0, 255)]])],
      ['none', null],
      ['yes', true],
    ]);
    assert.deepEqual(read(pickled(value)), value);
    assert.deepEqual(read(pickled(new Tuple(1, new Tuple('b')))), [1, ['b']]);
  });

  /**
   * pickle.dumps({(101, 32): 256, 'k': [1, (2, 3, 4), b'\x00\xff', None, True, -1.5, 2**40, -2**31 - 1,
   * 2**100, 'é中', {5}, OrderedDict(a=1)]}, protocol) of Python 3.11, in base64.
   */
  const written = [
    'KGRwMAooSTEwMQpJMzIKdHAxCkkyNTYKc1ZrCnAyCihscDMKSTEKYShJMgpJMwpJNAp0cDQKYWNfY29kZWNzCmVuY29kZQpwNQooVlx1MDAwMP8KcDYKVmxhdGluMQpwNwp0cDgKUnA5CmFOYUkwMQphRi0xLjUKYUwxMDk5NTExNjI3Nzc2TAphTC0yMTQ3NDgzNjQ5TAphTDEyNjc2NTA2MDAyMjgyMjk0MDE0OTY3MDMyMDUzNzZMCmFW6Vx1NGUyZApwMTAKYWNfX2J1aWx0aW5fXwpzZXQKcDExCigobHAxMgpJNQphdHAxMwpScDE0CmFjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcDE1Cih0UnAxNgpWYQpwMTcKSTEKc2FzLg==',
    'fXEAKChLZUsgdHEBTQABWAEAAABrcQJdcQMoSwEoSwJLA0sEdHEEY19jb2RlY3MKZW5jb2RlCnEFKFgDAAAAAMO/cQZYBgAAAGxhdGluMXEHdHEIUnEJTkkwMQpHv/gAAAAAAABMMTA5OTUxMTYyNzc3NkwKTC0yMTQ3NDgzNjQ5TApMMTI2NzY1MDYwMDIyODIyOTQwMTQ5NjcwMzIwNTM3NkwKWAUAAADDqeS4rXEKY19fYnVpbHRpbl9fCnNldApxCyhdcQxLBWF0cQ1ScQ5jY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQ8pUnEQWAEAAABhcRFLAXNldS4=',
    'gAJ9cQAoS2VLIIZxAU0AAVgBAAAAa3ECXXEDKEsBSwJLA0sEh3EEY19jb2RlY3MKZW5jb2RlCnEFWAMAAAAAw79xBlgGAAAAbGF0aW4xcQeGcQhScQlOiEe/+AAAAAAAAIoGAAAAAAABigX///9//4oNAAAAAAAAAAAAAAAAEFgFAAAAw6nkuK1xCmNfX2J1aWx0aW5fXwpzZXQKcQtdcQxLBWGFcQ1ScQ5jY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQ8pUnEQWAEAAABhcRFLAXNldS4=',
    'gAN9cQAoS2VLIIZxAU0AAVgBAAAAa3ECXXEDKEsBSwJLA0sEh3EEQwIA/3EFTohHv/gAAAAAAACKBgAAAAAAAYoF////f/+KDQAAAAAAAAAAAAAAABBYBQAAAMOp5LitcQZjYnVpbHRpbnMKc2V0CnEHXXEISwVhhXEJUnEKY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnELKVJxDFgBAAAAYXENSwFzZXUu',
    'gASVhAAAAAAAAAB9lChLZUsghpRNAAGMAWuUXZQoSwFLAksDSwSHlEMCAP+UTohHv/gAAAAAAACKBgAAAAAAAYoF////f/+KDQAAAAAAAAAAAAAAABCMBcOp5LitlI+UKEsFkIwLY29sbGVjdGlvbnOUjAtPcmRlcmVkRGljdJSTlClSlIwBYZRLAXNldS4=',
    'gAWVhAAAAAAAAAB9lChLZUsghpRNAAGMAWuUXZQoSwFLAksDSwSHlEMCAP+UTohHv/gAAAAAAACKBgAAAAAAAYoF////f/+KDQAAAAAAAAAAAAAAABCMBcOp5LitlI+UKEsFkIwLY29sbGVjdGlvbnOUjAtPcmRlcmVkRGljdJSTlClSlIwBYZRLAXNldS4=',
  ];
  const keys = [[101, 32], 'k'];
  const values = [
    256,
    [
      ...[1, [2, 3, 4], Uint8Array.of(0, 255), null, true, -1.5, 2 ** 40, -(2 ** 31) - 1, 2n ** 100n, 'é中'],
      ...[new Set([5]), new Map([['a', 1]])],
    ],
  ];
  for (const [protocol, base64] of written.entries()) {
    test(`of protocol ${protocol}`, () => {
      const value = read(new Uint8Array(Buffer.from(base64, 'base64'))) as Map<unknown, unknown>;
      assert.deepEqual([...value.keys()], keys);
      assert.deepEqual([...value.values()], values);
    });
  }

  test('what is remembered is the same object again', () => {
    const value = read(latin1('\x80\x02]q\x00(h\x00h\x00e.')) as unknown[];
    assert.equal(value[0], value);
    assert.equal(value.length, 2);
  });

  test('several in one file follow each other', () => {
    const bytes = Uint8Array.of(...pickled('a'), ...pickled('b'));
    const { value, end } = readPickle(bytes, names);
    assert.deepEqual([value, readPickle(bytes, names, end).value], ['a', 'b']);
  });
});

describe('what a pickle may not do', () => {
  const refusal = (bytes: Uint8Array, expected: RegExp): void =>
    assert.throws(
      () => read(bytes),
      (error: Error) => expected.test(error.message) && !error.message.includes('\n'),
    );

  test('asking for a function is refused by its name, in every way to ask', () => {
    const asks =
      /the pickle asks Python for "builtins\.print" at byte \d+, which is no part of a model: nothing was run; save/;
    refusal(pickled(new Call('builtins', 'print', ['hello'])), asks);
    refusal(latin1('\x80\x04\x8c\x08builtins\x8c\x05print\x93\x8c\x05hello\x85R.'), asks);
    refusal(latin1('cbuiltins\nprint\n.'), asks);
    refusal(latin1('(S'), /an unknown instruction 0x53 at byte 1/);
    refusal(latin1('(ibuiltins\nprint\n.'), /makes an object of class "builtins\.print"/);
    refusal(latin1('(cbuiltins\nprint\no.'), asks);
    refusal(latin1('\x80\x02\x82\x01.'), /an unknown instruction 0x82/); // the registry of extensions
  });

  test('names that are mentioned are not called, and state is not set on anything', () => {
    refusal(pickled(new Call('torch', 'FloatStorage', [1])), /asks Python for "torch\.FloatStorage"/);
    refusal(latin1('\x80\x02]}b.'), /a state of something that has none at byte 4/);
    assert.deepEqual(
      read(latin1('\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb.')),
      new Map(),
    );
    refusal(latin1('\x80\x02NQ.'), /something stored outside of the pickle/);
    refusal(latin1('\x80\x02K\x01)R.'), /no call/);
  });

  test('names with control characters are shown harmlessly', () => {
    refusal(latin1('\x80\x02c\x1b[31mos\nx\n.'), /asks Python for "\\u001b\[31mos\.x"/);
  });

  test('what is cut off or damaged says where', () => {
    refusal(new Uint8Array(), /truncated: the pickle goes on after byte 0, the file holds 0 bytes/);
    refusal(
      pickled('text').subarray(0, 8),
      /truncated: the pickle goes on after byte 7, the file holds 8 bytes/,
    );
    refusal(latin1('\x80\x02X\xff\xff\xff\xffab'), /truncated/);
    refusal(latin1('\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffab'), /truncated/);
    refusal(latin1('\x80\x02.'), /nothing on the stack at byte 2/);
    refusal(latin1('\x80\x02t.'), /no mark at byte 2/);
    refusal(latin1('\x80\x02h\x07.'), /nothing remembered as 7/);
    refusal(latin1('\x80\x02K\x01K\x02a.'), /no list/);
    refusal(latin1('\x80\x02]K\x01K\x02s.'), /no dict/);
    refusal(latin1('Ix\n.'), /no integer/);
    refusal(latin1('\x80\x02\x8b\x00\x00\x00\x40'), /an integer of 1,073,741,824 bytes/);
  });

  test('more instructions than any vocabulary needs are refused', () => {
    const many = new Uint8Array(5e6).fill('2'.charCodeAt(0));
    many.set(latin1('\x80\x02N'));
    refusal(many, /more than 2,000,000 instructions/);
  });
});
