#!/bin/sh
//usr/bin/env true; exec /usr/bin/env node --max-semi-space-size=64 --no-allocation-site-pretenuring "$0" "$@"
import { runCommandLine } from './command-line.js';

await runCommandLine(process.argv.slice(2));
