#!/usr/bin/env node
// `inkhorn`: runs one command line. The program is defined in program.ts.
import { watchOutputs } from './interrupt.ts';
import { run } from './program.ts';

watchOutputs();
process.exitCode = await run(process.argv.slice(2));
