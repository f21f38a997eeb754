import { spinner } from '@clack/prompts';
import type { Progress } from '../connect/connect.js';

/** Outside of a terminal, a line is written after this many calls. */
const CALLS_OF_A_LINE = 5;

export interface CommandProgress extends Progress {
  /** A call to the system begins. */
  called(used: number, most: number): void;
  /** Ends the progress line, before other text. */
  pause: () => void;
  lines(lines: readonly string[]): void;
}

/**
 * Prints the steps. On a terminal, each has one line, which is updated during the step. Elsewhere, plain
 * lines are printed.
 */
export function printProgress(isTerminal: boolean): CommandProgress {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  let doing = '';
  let moving: ReturnType<typeof spinner> | undefined;
  const pause = (): void => {
    moving?.stop(doing);
    moving = undefined;
  };
  return {
    pause,
    begin: (step, text) => {
      pause();
      doing = `${step}: ${text}`;
      if (!isTerminal) {
        print(doing);
        return;
      }
      moving = spinner();
      moving.start(doing);
    },
    called: (used, most) => {
      if (isTerminal) moving?.message(`${doing} (call ${used} of ${most})`);
      else if (used % CALLS_OF_A_LINE === 0) print(`  call ${used} of ${most}`);
    },
    found: ({ text, isWarning = false }) => {
      pause();
      print(`  ${isWarning ? 'check: ' : ''}${text}`);
    },
    lines: (lines) => {
      pause();
      for (const line of lines) print(line);
    },
  };
}
