// Many texts that grow at once, each from its own position: a step computes the next logits of all of them in
// one pass, which reads the weights once. Texts come and go between steps ("continuous batching", Yu et al.
// 2022). Read next: context.ts, which does the same for one text; ../model/kv-cache.ts.
import type { GPT } from '../model/gpt.ts';
import { KVCache } from '../model/kv-cache.ts';
import { isQuantizable } from '../model/names.ts';
import { slots } from '../nn/parameters.ts';
import { Int4Tensor, Int8Tensor, type Weight } from '../tensor/quantized.ts';
import { keep, scope } from '../tensor/scope.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import type { Overflow } from './context.ts';
import { once, type Pass, recordPass } from './pass.ts';

/**
 * Bytes of buffers that may wait for prompts of the same length as earlier ones: each length has sizes of its
 * own. Making them anew takes less time than can be measured beside the pass.
 */
const KEPT_BYTES = 2 ** 24;

/** A text in a batch. */
export interface BatchText {
  /** The tokens that its latest logits were computed from: at most the context window. */
  readonly visible: readonly number[];
}

/** What was read of a new text. */
export interface Reading {
  /** The text, where it is to grow. */
  text: BatchText | null;
  /** The logits after its last token [V]; with `all`, after each of them [T, V]. */
  logits: Float32Array;
}

/** Texts of one model that grow at once. Calls must not overlap: each waits for the one before. */
export interface Batch {
  /** How many more texts it has room for. */
  readonly room: number;
  /** Whether the next step of `text` moves the context window, which costs a pass over all of it. */
  isFull(text: BatchText): boolean;
  /**
   * Reads the beginning of a text, at least one token; only the last `blockSize` tokens are seen. It takes
   * one place of `room` if it is to grow.
   */
  read(ids: readonly number[], options: { grow: boolean; all: boolean }): Promise<Reading>;
  /**
   * Appends a token to each of these texts. Returns the logits [V] after it, in arrays that the next call may
   * overwrite: the same bits as those of a `Context` with this text alone.
   */
  step(next: ReadonlyMap<BatchText, number>): Promise<Map<BatchText, Float32Array>>;
  /** Ends a text, whose place becomes free. */
  end(text: BatchText): void;
  dispose(): void;
}

/** An empty batch with room for `size` texts. */
export function createBatch(model: GPT, size: number, overflow: Overflow = 'slide'): Batch {
  const { config, backend } = model;
  const { blockSize } = config;
  const rows = Math.min(size, mostRows(model));
  const groups: Group[] = [];
  const texts = new Map<BatchText, Member>();
  const staging = new KVCache(config, backend);
  let staged: { ids: readonly number[]; all: boolean; logits: Float32Array } | null = null;
  let window: Pass | null = null;

  /** The logits of `ids`, whose keys and values are in `staging` afterwards. */
  async function stage(ids: readonly number[], all: boolean): Promise<Float32Array> {
    const known = staged;
    if (known && known.all === all && known.ids.length === ids.length)
      if (known.ids.every((id, i) => id === ids[i])) return known.logits;
    staged = null;
    staging.clear();
    const logits = await once(model, ids, { cache: staging, logits: all ? 'all' : 'last' });
    if (backend.memory().pooledBytes > KEPT_BYTES) backend.trim();
    staged = { ids: [...ids], all, logits };
    return logits;
  }

  /** The next logits of a text whose window is full. */
  async function move(member: Member, id: number): Promise<Float32Array> {
    const kept = overflow === 'slide' ? blockSize : Math.ceil(blockSize / 2);
    member.visible = [...member.visible, id].slice(-kept);
    if (overflow === 'shift') {
      const logits = await stage(member.visible, false);
      if (member.place) copySlot(model, staging, 0, member.place.group.cache, member.place.slot);
      return logits;
    }
    leave(member);
    window ??= recordPass(model, blockSize, undefined);
    return (await window.run(member.visible, 0)).slice();
  }

  /** Gives the place of a text to the last one of its group, so that a pass is over the first places. */
  function leave(member: Member): void {
    if (!member.place) return;
    const { group, slot } = member.place;
    const last = group.members.pop();
    member.place = null;
    if (!last || last === member) return;
    copySlot(model, group.cache, group.members.length, group.cache, slot);
    group.members[slot] = last;
    last.place = { group, slot };
  }

  return {
    get room() {
      return size - texts.size;
    },
    isFull: (text) => text.visible.length === blockSize,
    async read(ids, { grow, all }) {
      const visible = ids.slice(-blockSize);
      const logits = await stage(visible, all);
      if (!grow) return { text: null, logits };
      const group = groups.find(({ members }) => members.length < rows) ?? createGroup(model, rows);
      if (!groups.includes(group)) groups.push(group);
      const member: Member = { visible, place: { group, slot: group.members.length } };
      group.members.push(member);
      copySlot(model, staging, 0, group.cache, group.members.length - 1);
      texts.set(member, member);
      return { text: member, logits };
    },
    async step(next) {
      const found = new Map<BatchText, Float32Array>();
      for (const [text, id] of next) {
        const member = memberOf(texts, text);
        if (member.visible.length === blockSize) found.set(text, await move(member, id));
      }
      for (const group of groups) await group.step(next, found);
      return found;
    },
    end(text) {
      leave(memberOf(texts, text));
      texts.delete(text);
    },
    dispose() {
      for (const group of groups) group.dispose();
      window?.dispose();
      staging.dispose();
    },
  };
}

/** A text, and its place; null once its window has moved and the cache is of no use. */
interface Member {
  visible: number[];
  place: { group: Group; slot: number } | null;
}

function memberOf(texts: ReadonlyMap<BatchText, Member>, text: BatchText): Member {
  const member = texts.get(text);
  if (!member) throw new Error('this text is not in the batch: it was ended');
  return member;
}

/** Texts that share a cache and are computed in one pass: member number i is in slot i. */
interface Group {
  readonly members: Member[];
  readonly cache: KVCache;
  /** Appends the tokens of its members, and adds their logits to `found`. */
  step(next: ReadonlyMap<BatchText, number>, found: Map<BatchText, Float32Array>): Promise<void>;
  dispose(): void;
}

function createGroup(model: GPT, rows: number): Group {
  const { vocabSize: V } = model.config;
  const members: Member[] = [];
  const cache = new KVCache(model.config, model.backend, rows);
  const passes = new Map<number, RowPass>();
  return {
    members,
    cache,
    async step(next, found) {
      const grown = members.filter((member) => next.has(member) && !found.has(member));
      if (grown.length === 0) return;
      const B = Math.min(rows, 2 ** Math.ceil(Math.log2(members.length)));
      const pass = passes.get(B) ?? recordRows(model, cache, B);
      passes.set(B, pass);
      // What a member without a token gets at its next position is written again before it is read.
      const logits = await pass.run(
        members.map((member) => next.get(member) ?? 0),
        members.map(({ visible }) => Math.min(visible.length, cache.capacity - 1)),
      );
      for (const member of grown) {
        member.visible.push(next.get(member) as number);
        const { slot } = member.place as { slot: number };
        found.set(member, logits.subarray(slot * V, (slot + 1) * V));
      }
    },
    dispose() {
      for (const pass of passes.values()) pass.dispose();
      cache.dispose();
    },
  };
}

/** A pass over one token of each of B sequences, recorded once. */
interface RowPass {
  /** Logits [B, V] after `ids`, which are at the positions `starts`: at most B of both. */
  run(ids: readonly number[], starts: readonly number[]): Promise<Float32Array>;
  dispose(): void;
}

function recordRows(model: GPT, cache: KVCache, B: number): RowPass {
  const { backend } = model;
  const [ids, starts] = [0, 1].map(() => keep(empty([B, 1], 'i32', backend)));
  const made: Tensor[] = [];
  const program = backend.record(() => {
    made.push(keep(scope(() => model.forward(ids, { cache, starts, logits: 'last' })))); // [B, 1, V]
  });
  const [logits] = made;
  const host = { ids: new Int32Array(B), starts: new Int32Array(B) };
  const out = new Float32Array(logits.size);
  return {
    run(tokens, positions) {
      host.ids.fill(0).set(tokens);
      host.starts.fill(0).set(positions);
      ids.write(host.ids);
      starts.write(host.starts);
      program.replay(0);
      return backend.readInto(out, logits.buffer);
    },
    dispose() {
      program.dispose();
      for (const tensor of [ids, starts, logits]) tensor.dispose();
    },
  };
}

/** Copies what the cache has of one sequence. */
function copySlot({ backend }: GPT, from: KVCache, slot: number, to: KVCache, place: number): void {
  const destinations = to.tensors;
  from.tensors.forEach((x, i) => {
    const [sequences] = x.shape;
    const size = x.size / sequences;
    backend.kernels.copy(destinations[i].buffer, x.buffer, place * size, slot * size, size);
  });
}

/**
 * The most rows of a pass with the bits of a single row. Engines sum long products of many rows in another
 * order (native/kernels.h has the numbers of rows from which on); sums of integers have none.
 */
function mostRows(model: GPT): number {
  const weights = slots(model).flatMap(({ name, value }) => (isQuantizable(name) ? [value] : []));
  return Math.min(...weights.map(rowsOf));
}

function rowsOf(weight: Weight): number {
  if (weight instanceof Int8Tensor && weight.activations === 'int8') return 16;
  return weight instanceof Int8Tensor || weight instanceof Int4Tensor ? 2 : 8;
}
