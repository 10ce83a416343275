// How a kernel is written. A shader is a row: its buffers, its numbers, and WGSL whose `run` is called once
// per thread or once per lane of a group. The text around it is made here. Read next: elementwise.ts, the
// simplest kernels; queue.ts, which runs them.
//
//     const scaled = shader({
//       name: 'scale',
//       buffers: { out: '>vec4f', x: 'vec4f' },   // > written; ? may be null
//       numbers: { factor: 'f32' },
//       code: 'fn run(i: u32) { out[i] = u.factor * x[i]; }',
//     });
//     queue.run(scaled, { out, x }, { factor }, { count: quads(out.length) });
//
// - `run(i)` is called for i < count. With `per: 'group'` it is `run(group, lane)`, for every group < count
//   and every lane < 64. Groups may use `var<workgroup>` and barriers.
// - Numbers are fields of `u`. So are `u.count`, and `u.infinity`, since WGSL cannot write it.
// - A buffer that may be null comes with `has_NAME`. Null: it is an array of one element that nothing reads
//   if the code asks `has_NAME`.
// - `constants` of a call are constants of the text; each combination is compiled once. For choices that
//   change the work in its core; what an epilogue does is rather a number.
// - Functions beside `run` may stand in `code`, or in `helpers`.
// - The same buffer in two places, one of them written: the second name stands for the first. Both need
//   the same element type.
// - Every buffer ends at a multiple of 16 bytes: `vec4f` may reach beyond `length`, but not beyond `quads`.
//   What lies between belongs to nobody; a sum must leave it out.
// - WGSL as it really is: `x != x` may be false for NaN (use `is_nan` of wgsl.ts), tanh and exp overflow
//   (clamp first), max(NaN, x) is x, constant expressions that overflow do not compile, a variable declared
//   in a loop may keep its last value (initialise it). No atomics on floats: sums have one fixed order.

/** The type of a number of a shader. */
export type NumberType = 'u32' | 'i32' | 'f32';

/** An element type in WGSL, `>` before it if the shader writes the buffer, `?` after it if it may be null. */
export type BufferType = `${'>' | ''}${'f32' | 'u32' | 'i32' | 'vec4f' | 'vec4u'}${'?' | ''}`;

/** A shader, as documented above. */
export interface Shader<
  B extends Record<string, BufferType> = Record<string, BufferType>,
  N extends Record<string, NumberType> = Record<string, NumberType>,
> {
  readonly name: string;
  readonly buffers: B;
  readonly numbers: N;
  readonly per?: 'thread' | 'group';
  /** Functions that the code calls. In `code` they would be numbered where calls are joined. */
  readonly helpers?: string;
  readonly code: string;
}

/** Values of the constants of one variant. */
export type Constants = Readonly<Record<string, boolean | number>>;

/** Gives a row its type. */
export function shader<
  const B extends Record<string, BufferType>,
  const N extends Record<string, NumberType>,
>(row: Shader<B, N>): Shader<B, N> {
  return row;
}

/** Threads of a group. */
export const LANES = 64;

/** Words of the numbers before a shader's own: the first group, the count, infinity. */
export const HEADER_WORDS = 3;

/** Where each buffer of a call is bound: a number from 0 on, the name that it stands for, or null. */
export type Places = Readonly<Record<string, number | string | null>>;

export const isWritten = (type: BufferType): boolean => type.startsWith('>');
export const isNullable = (type: BufferType): boolean => type.endsWith('?');
const elementOf = (type: BufferType): string => type.replace(/[>?]/g, '');

/** The whole text of a shader in one variant. */
export function textOf(row: Shader, places: Places, constants: Constants): string {
  const lines: string[] = [];
  let body = row.code;
  let bound = 0;
  for (const [name, type] of Object.entries(row.buffers)) {
    const place = places[name];
    const element = elementOf(type);
    if (place === null) lines.push(`var<private> ${name}: array<${element}, 1>;`);
    else if (typeof place === 'string') {
      if (elementOf(row.buffers[place]) !== element)
        throw new Error(`${row.name}: ${name} and ${place} are one buffer, and of two types`);
      body = body.replace(new RegExp(`\\b${name}\\[`, 'g'), `${place}[`);
    } else {
      const access = isWritten(type) ? 'read_write' : 'read';
      lines.push(`@group(0) @binding(${place}) var<storage, ${access}> ${name}: array<${element}>;`);
      bound++;
    }
    if (isNullable(type)) lines.push(`const has_${name} = ${place !== null};`);
  }
  for (const [name, value] of Object.entries(constants)) lines.push(`const ${name} = ${value};`);
  const fields = Object.entries(row.numbers).map(([name, type]) => `${name}: ${type},`);
  return `struct Numbers { first_group: u32, count: u32, infinity: f32, ${fields.join(' ')} }
${lines.join('\n')}
@group(0) @binding(${bound}) var<uniform> u: Numbers;
${row.helpers ?? ''}
${body}
@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) all: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = u.first_group + id.x + id.y * all.x;
  ${
    row.per === 'group'
      ? 'if (group < u.count) { run(group, lane); }'
      : `let i = group * ${LANES}u + lane; if (i < u.count) { run(i); }`
  }
}
`;
}

/**
 * A shader that does `n` calls of `row` at once: `row` with its names numbered, out_0, out_1, ..., and one
 * `run` that passes each thread to its call: `count_k` of them to call k, whose last one is before `end_k`.
 */
export function joined(row: Shader, n: number): Shader {
  const buffers: Record<string, BufferType> = {};
  const numbers: Record<string, NumberType> = {};
  const parts: string[] = [];
  let begin = '0u';
  let choice = '';
  for (let k = 0; k < n; k++) {
    let code = row.code.replace(/\bfn run\(/, `fn run_${k}(`);
    for (const [name, type] of Object.entries(row.buffers)) {
      buffers[`${name}_${k}`] = type;
      code = code.replace(new RegExp(`\\b(has_)?${name}\\b(?=\\[|\\))`, 'g'), `$1${name}_${k}`);
    }
    for (const [name, type] of Object.entries(row.numbers)) {
      numbers[`${name}_${k}`] = type;
      code = code.replace(new RegExp(`\\bu\\.${name}\\b`, 'g'), `u.${name}_${k}`);
    }
    numbers[`count_${k}`] = 'u32';
    numbers[`end_${k}`] = 'u32';
    parts.push(code);
    const place = `i - ${begin}`;
    const call = `run_${k}(${place}${row.per === 'group' ? ', lane' : ''});`;
    choice += `if (i < u.end_${k}) { if (${place} < u.count_${k}) { ${call} } } else `;
    begin = `u.end_${k}`;
  }
  const lane = row.per === 'group' ? ', lane: u32' : '';
  const code = `${parts.join('\n')}\nfn run(i: u32${lane}) { ${choice}{} }`;
  const { per, helpers } = row;
  return { name: `${row.name} x ${n}`, buffers, numbers, per, helpers, code };
}
