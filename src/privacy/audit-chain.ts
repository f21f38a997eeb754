import { createHash, type Hash } from 'node:crypto';
import { BEGINNING, readLine, type AuditLine, type Link, type Seal } from './audit-line.js';

/** The kinds of damage to a chain. */
export type AuditDamage = 'changed' | 'removed' | 'out of order' | 'duplicated' | 'unreadable' | 'truncated';

export interface AuditProblem {
  file: string;
  /** The number of the line in its file, from 1. */
  line: number;
  damage: AuditDamage;
  detail: string;
}

/** An unchanged line of the chain. */
export type AuditMilestone = Link & { time: string };

export interface ChainCheck {
  begin(file: string): void;
  /** Checks a line, without its line break. */
  line(bytes: Buffer): void;
  /** Ends a file. `rest` holds the bytes after the last line break; it may be empty. */
  end(rest: Buffer): void;
  /** The result after all files. */
  result(): ChainResult;
}

export interface ChainResult {
  /** Number of lines, including the lines that record torn lines after a crash. */
  lines: number;
  first: AuditMilestone | undefined;
  last: AuditMilestone | undefined;
  /** How often a crash left torn lines. The answers that these lines describe were never sent. */
  torn: number;
  /** The first 100 problems, sorted by file and line. */
  problems: AuditProblem[];
  problemsOmitted: number;
}

const MAX_PROBLEMS = 100;

interface Place {
  file: string;
  line: number;
}

/** Bytes that are not a line of the chain. If a crash left them, the line after them records it. */
interface Remains extends Place {
  bytes: number;
  digest: Hash;
}

export function createChainCheck(seal: Seal, fromBeginning: boolean, head: Link | undefined): ChainCheck {
  return new LineByLineCheck(seal, fromBeginning, head);
}

/** Checks a chain line by line. The head is the newest line that must be present. */
class LineByLineCheck implements ChainCheck {
  readonly #seal: Seal;
  readonly #head: Link | undefined;
  readonly #files: string[] = [];
  readonly #problems: AuditProblem[] = [];
  #problemsOmitted = 0;
  #lines = 0;
  #torn = 0;
  #first: AuditMilestone | undefined;
  #last: AuditMilestone | undefined;
  /** The expected predecessor of the next line; undefined while any predecessor is valid. */
  #before: Link | undefined;
  /** Number of lines since then that are reported as damaged. Their numbers are not also reported as missing. */
  #wrong = 0;
  /** Skipped numbers, and where. Their lines may still follow. */
  #missing: (Place & { from: number; to: number })[] = [];
  #remains: Remains | undefined;
  #place: Place = { file: '', line: 0 };

  constructor(seal: Seal, fromBeginning: boolean, head: Link | undefined) {
    this.#seal = seal;
    this.#head = head;
    this.#before = fromBeginning ? BEGINNING : undefined;
  }

  begin(file: string): void {
    this.#files.push(file);
    this.#place = { file, line: 0 };
  }

  line(bytes: Buffer): void {
    this.#read(bytes);
  }

  end(rest: Buffer): void {
    // Bytes after the last line break are from a crash, and nothing was written after them.
    if (rest.length > 0 && !this.#read(rest)) {
      this.#torn += 1;
      this.#remains = undefined;
    }
    this.#refuseRemains();
  }

  result(): ChainResult {
    const [problems, head] = [this.#problems, this.#head];
    this.#settleMissing();
    const reached = (this.#before?.seq ?? 0) + this.#wrong;
    if (head !== undefined && reached < head.seq)
      this.#report('truncated', `${numbered(reached + 1, head.seq)} missing at the end`);
    problems.sort((a, b) => this.#files.indexOf(a.file) - this.#files.indexOf(b.file) || a.line - b.line);
    return {
      lines: this.#lines,
      first: this.#first,
      last: this.#last,
      torn: this.#torn,
      problems,
      problemsOmitted: this.#problemsOmitted,
    };
  }

  /** Reads and checks bytes. Returns whether they are a line of the chain. */
  #read(bytes: Buffer): boolean {
    this.#place.line += 1;
    const line = readLine(bytes);
    if (line === undefined) this.#addRemains(bytes);
    else this.#check(line);
    return line !== undefined;
  }

  #check(line: AuditLine): void {
    this.#lines += 1;
    if (this.#seal(line.sealed) !== line.hash) {
      this.#refuseRemains();
      this.#report('changed', 'the line was changed after it was written');
      this.#wrong += 1;
      return;
    }
    if (line.repaired === undefined) this.#refuseRemains();
    else this.#checkRepair(line.repaired);
    if (this.#head?.seq === line.seq && this.#head.hash !== line.hash)
      this.#report('changed', `the head has a different line with number ${line.seq}`);
    if (this.#before !== undefined && line.seq <= this.#before.seq) {
      this.#placeEarlier(line.seq);
      return;
    }
    if (this.#before !== undefined) this.#checkStep(line, this.#before);
    this.#last = { seq: line.seq, hash: line.hash, time: line.time };
    this.#first ??= this.#last;
    this.#before = this.#last;
    this.#wrong = 0;
  }

  #checkStep(line: AuditLine, { seq, hash }: Link): void {
    const next = seq + 1;
    if (line.seq === next) {
      if (line.prev !== hash) this.#report('changed', 'its hash of the previous line does not match');
    } else if (line.seq > next + this.#wrong) {
      this.#missing.push({ ...this.#place, from: next + this.#wrong, to: line.seq - 1 });
      // Bounds the memory: the oldest gaps are reported now, although their lines could still follow.
      if (this.#missing.length > MAX_PROBLEMS) this.#settleMissing();
    }
  }

  /** Handles a line whose number is not higher than the previous one. */
  #placeEarlier(seq: number): void {
    const gap = this.#missing.find(({ from, to }) => from <= seq && seq <= to);
    if (gap === undefined) {
      const isBefore = this.#first !== undefined && seq < this.#first.seq;
      this.#report(
        isBefore ? 'out of order' : 'duplicated',
        `the line numbered ${seq} ${isBefore ? 'comes late' : 'is present already'}`,
      );
      return;
    }
    this.#report('out of order', `the line numbered ${seq} comes late`);
    this.#missing = this.#missing.flatMap((missing) =>
      missing === gap
        ? [
            { ...gap, to: seq - 1 },
            { ...gap, from: seq + 1 },
          ].filter(({ from, to }) => from <= to)
        : [missing],
    );
  }

  #settleMissing(): void {
    for (const { from, to, ...at } of this.#missing)
      this.#report('removed', `${numbered(from, to)} missing before it`, at);
    this.#missing = [];
  }

  #addRemains(bytes: Buffer): void {
    if (this.#remains === undefined) {
      const digest = createHash('sha256').update(bytes);
      this.#remains = { ...this.#place, bytes: bytes.length, digest };
    } else {
      this.#remains.bytes += 1 + bytes.length;
      this.#remains.digest.update('\n').update(bytes);
    }
  }

  #refuseRemains(): void {
    if (this.#remains === undefined) return;
    this.#report('unreadable', 'this is not an audit line, and no crash is recorded for it', this.#remains);
    this.#wrong += 1;
    this.#remains = undefined;
  }

  /** Compares the bytes before a repair line with the length and digest that it records. */
  #checkRepair({ bytes, sha256 }: { bytes: number; sha256: string }): void {
    const remains = this.#remains;
    if (remains === undefined)
      this.#report('removed', `the ${bytes} bytes before it that a crash left are missing`);
    else if (remains.bytes !== bytes || remains.digest.digest('hex') !== sha256)
      this.#report('changed', 'the bytes that a crash left were changed', remains);
    else this.#torn += 1;
    this.#remains = undefined;
  }

  #report(damage: AuditDamage, detail: string, at: Place = this.#place): void {
    if (this.#problems.length < MAX_PROBLEMS)
      this.#problems.push({ file: at.file, line: at.line, damage, detail });
    else this.#problemsOmitted += 1;
  }
}

function numbered(from: number, to: number): string {
  return from === to ? `the line numbered ${from} is` : `the lines numbered ${from} to ${to} are`;
}
