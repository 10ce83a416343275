#!/usr/bin/env node
// `inkhorn`: runs one command line. What the program is made of is in program.ts.
import { watchOutputs } from './interrupt.ts';
import { run } from './program.ts';

watchOutputs();
process.exitCode = await run(process.argv.slice(2));
