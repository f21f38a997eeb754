import { createHash, type Hash } from 'node:crypto';
import { BEGINNING, readLine, type AuditLine, type Link, type Seal } from './audit-line.js';

/** What became of a line, or of those that should be there. */
export type AuditDamage = 'changed' | 'removed' | 'out of order' | 'duplicated' | 'unreadable' | 'truncated';

export interface AuditProblem {
  file: string;
  /** The number of the line in its file, from 1. */
  line: number;
  damage: AuditDamage;
  detail: string;
}

/** A line of the chain that is as it was written. */
export type AuditMilestone = Link & { time: string };

export interface ChainCheck {
  begin(file: string): void;
  /** A line, without its line break. */
  line(bytes: Buffer): void;
  /** The file is at its end; what came after the last line break is handed in, if only nothing. */
  end(rest: Buffer): void;
  /** What was found, when all files have been gone through. */
  result(): ChainResult;
}

export interface ChainResult {
  /** How many lines there are, those included that say that a crash tore others. */
  lines: number;
  first: AuditMilestone | undefined;
  last: AuditMilestone | undefined;
  /** How often a crash left torn lines. Nobody was given the answers that they were about. */
  torn: number;
  /** The first hundred, in the order of files and lines. */
  problems: AuditProblem[];
  problemsOmitted: number;
}

const MAX_PROBLEMS = 100;

interface Place {
  file: string;
  line: number;
}

/** Bytes that are no line of the chain. Whether a crash left them is what the line after them says. */
interface Remains extends Place {
  bytes: number;
  digest: Hash;
}

/** Goes along a chain, line by line. The head is the line that is known to be there. */
export function createChainCheck(seal: Seal, fromBeginning: boolean, head: Link | undefined): ChainCheck {
  const problems: AuditProblem[] = [];
  let [lines, torn, omitted] = [0, 0, 0];
  let first: AuditMilestone | undefined;
  let last: AuditMilestone | undefined;
  /** What the next line comes after; undefined as long as that may be any. */
  let before: Link | undefined = fromBeginning ? BEGINNING : undefined;
  /** Lines since then that are told to be wrong: numbers that they had are not told to be missing as well. */
  let wrong = 0;
  /** Numbers that were jumped over, and where. They may still come. */
  let missing: (Place & { from: number; to: number })[] = [];
  let remains: Remains | undefined;
  let place: Place = { file: '', line: 0 };
  const files: string[] = [];

  const report = (damage: AuditDamage, detail: string, at: Place = place): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ file: at.file, line: at.line, damage, detail });
    else omitted += 1;
  };

  const addRemains = (bytes: Buffer): void => {
    if (remains === undefined) {
      remains = { ...place, bytes: bytes.length, digest: createHash('sha256').update(bytes) };
    } else {
      remains.bytes += 1 + bytes.length;
      remains.digest.update('\n').update(bytes);
    }
  };

  const refuseRemains = (): void => {
    if (remains === undefined) return;
    report('unreadable', 'this is no audit line, and no crash left it', remains);
    wrong += 1;
    remains = undefined;
  };

  /** A line says what a crash left before it. */
  const checkRepair = ({ bytes, sha256 }: { bytes: number; sha256: string }): void => {
    if (remains === undefined)
      report('removed', `the ${bytes} bytes before it that a crash left are missing`);
    else if (remains.bytes !== bytes || remains.digest.digest('hex') !== sha256)
      report('changed', 'what a crash left is not as it was', remains);
    else torn += 1;
    remains = undefined;
  };

  const check = (line: AuditLine): void => {
    lines += 1;
    if (seal(line.sealed) !== line.hash) {
      refuseRemains();
      report('changed', 'it is not as it was written');
      wrong += 1;
      return;
    }
    if (line.repaired === undefined) refuseRemains();
    else checkRepair(line.repaired);
    if (head?.seq === line.seq && head.hash !== line.hash)
      report('changed', `the head knows another line as number ${line.seq}`);
    if (before !== undefined && line.seq <= before.seq) {
      placeEarlier(line.seq);
      return;
    }
    if (before !== undefined) checkStep(line, before);
    first ??= { seq: line.seq, hash: line.hash, time: line.time };
    last = { seq: line.seq, hash: line.hash, time: line.time };
    before = last;
    wrong = 0;
  };

  const checkStep = (line: AuditLine, { seq, hash }: Link): void => {
    if (line.seq === seq + 1) {
      if (line.prev !== hash) report('changed', 'it was written after another line than the one before it');
    } else if (line.seq > seq + 1 + wrong) {
      missing.push({ ...place, from: seq + 1 + wrong, to: line.seq - 1 });
      // Each is a problem in the end, but for those that still come.
      if (missing.length > MAX_PROBLEMS) settleMissing();
    }
  };

  /** A line with a number that lies behind. */
  const placeEarlier = (seq: number): void => {
    const gap = missing.find(({ from, to }) => from <= seq && seq <= to);
    if (gap === undefined) {
      const isBefore = first !== undefined && seq < first.seq;
      report(
        isBefore ? 'out of order' : 'duplicated',
        `the line numbered ${seq} ${isBefore ? 'comes late' : 'was there already'}`,
      );
      return;
    }
    report('out of order', `the line numbered ${seq} comes late`);
    missing = missing.flatMap((one) =>
      one === gap
        ? [
            { ...gap, to: seq - 1 },
            { ...gap, from: seq + 1 },
          ].filter(({ from, to }) => from <= to)
        : [one],
    );
  };

  const settleMissing = (): void => {
    for (const { from, to, ...at } of missing)
      report('removed', `${numbered(from, to)} missing before it`, at);
    missing = [];
  };

  const read = (bytes: Buffer): boolean => {
    place.line += 1;
    const line = readLine(bytes);
    if (line === undefined) addRemains(bytes);
    else check(line);
    return line !== undefined;
  };

  return {
    begin: (file) => {
      files.push(file);
      place = { file, line: 0 };
    },
    line: read,
    end: (rest) => {
      // What has no line break at its end was left by a crash, and nothing was written after it.
      if (rest.length > 0 && !read(rest)) {
        torn += 1;
        remains = undefined;
      }
      refuseRemains();
    },
    result: () => {
      settleMissing();
      const reached = (before?.seq ?? 0) + wrong;
      if (head !== undefined && reached < head.seq)
        report('truncated', `${numbered(reached + 1, head.seq)} missing at the end`);
      problems.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
      return { lines, first, last, torn, problems, problemsOmitted: omitted };
    },
  };
}

function numbered(from: number, to: number): string {
  return from === to ? `the line numbered ${from} is` : `the lines numbered ${from} to ${to} are`;
}
