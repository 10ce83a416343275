// Every command, in the order of the help.
import type { CommandSpec } from '../command.ts';
import { bench } from './bench.ts';
import { buildNativeCommand } from './build-native.ts';
import { compareCommand } from './compare.ts';
import { dataFetch, dataList, dataShow } from './data.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { evalCommand } from './eval.ts';
import { generateCommand } from './generate.ts';
import { inspectCommands } from './inspect.ts';
import { quantizeCommand } from './quantize.ts';
import { report } from './report.ts';
import { summary } from './summary.ts';
import { tokenizerDecode, tokenizerEncode, tokenizerShow } from './tokenizer.ts';
import { tokenizerTrain } from './tokenizer-train.ts';
import { train } from './train.ts';

export const commands: readonly CommandSpec[] = [
  demo,
  dataList,
  dataFetch,
  dataShow,
  { ...dataList, name: 'data list' },
  tokenizerTrain,
  tokenizerEncode,
  tokenizerDecode,
  tokenizerShow,
  train,
  report,
  generateCommand,
  evalCommand,
  ...inspectCommands,
  summary,
  quantizeCommand,
  compareCommand,
  bench,
  doctor,
  buildNativeCommand,
];
