#!/usr/bin/env node
// `inkhorn`: runs one command line. What the program is made of is in program.ts.
import { run } from './program.ts';

// A reader that has seen enough (`inkhorn ... | head`) ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await run(process.argv.slice(2));
