// One pass of ONNX Runtime through an exported graph.
import * as ort from 'onnxruntime-web';
import type { GPTConfig } from '../../src/model/config.ts';

/** One pass of the graph. `past`: what the one before returned. */
export async function pass(
  session: ort.InferenceSession,
  { nHead, headSize }: GPTConfig,
  given: { ids: number[][]; mask: number[][]; positions: number[][] },
  past?: ort.InferenceSession.ReturnType,
): Promise<ort.InferenceSession.ReturnType> {
  const B = given.ids.length;
  const int64 = (rows: number[][]): ort.Tensor =>
    new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [B, rows[0].length]);
  const all: Record<string, ort.Tensor> = {
    input_ids: int64(given.ids),
    attention_mask: int64(given.mask),
    position_ids: int64(given.positions),
  };
  for (const name of session.inputNames.filter((one) => one.startsWith('past_key_values.'))) {
    const empty = new ort.Tensor('float32', new Float32Array(0), [B, nHead, 0, headSize]);
    all[name] = past?.[name.replace('past_key_values', 'present')] ?? empty;
  }
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, all[name]]));
  return session.run(feeds, { logSeverityLevel: 4 }); // errors are thrown
}
