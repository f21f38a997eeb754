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

export function createChainCheck(seal: Seal, fromBeginning: boolean, head: Link | undefined): ChainCheck {
  return new LineByLineCheck(seal, fromBeginning, head);
}

/** Goes along a chain, line by line. The head is the line that is known to be there. */
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
  /** What the next line comes after; undefined as long as that may be any. */
  #before: Link | undefined;
  /** Lines since then that are reported as wrong: their numbers are not reported as missing as well. */
  #wrong = 0;
  /** Numbers that were jumped over, and where. They may still come. */
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
    // What has no line break at its end was left by a crash, and nothing was written after it.
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

  /** Whether the bytes are a line of the chain. */
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
      this.#report('changed', 'it is not as it was written');
      this.#wrong += 1;
      return;
    }
    if (line.repaired === undefined) this.#refuseRemains();
    else this.#checkRepair(line.repaired);
    if (this.#head?.seq === line.seq && this.#head.hash !== line.hash)
      this.#report('changed', `the head knows another line as number ${line.seq}`);
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
      if (line.prev !== hash)
        this.#report('changed', 'it was written after another line than the one before it');
    } else if (line.seq > next + this.#wrong) {
      this.#missing.push({ ...this.#place, from: next + this.#wrong, to: line.seq - 1 });
      // Each is a problem in the end, but for those that still come.
      if (this.#missing.length > MAX_PROBLEMS) this.#settleMissing();
    }
  }

  /** A line with a number that lies behind. */
  #placeEarlier(seq: number): void {
    const gap = this.#missing.find(({ from, to }) => from <= seq && seq <= to);
    if (gap === undefined) {
      const isBefore = this.#first !== undefined && seq < this.#first.seq;
      this.#report(
        isBefore ? 'out of order' : 'duplicated',
        `the line numbered ${seq} ${isBefore ? 'comes late' : 'was there already'}`,
      );
      return;
    }
    this.#report('out of order', `the line numbered ${seq} comes late`);
    this.#missing = this.#missing.flatMap((one) =>
      one === gap
        ? [
            { ...gap, to: seq - 1 },
            { ...gap, from: seq + 1 },
          ].filter(({ from, to }) => from <= to)
        : [one],
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
    this.#report('unreadable', 'this is no audit line, and no crash left it', this.#remains);
    this.#wrong += 1;
    this.#remains = undefined;
  }

  /** A line says what a crash left before it. */
  #checkRepair({ bytes, sha256 }: { bytes: number; sha256: string }): void {
    const remains = this.#remains;
    if (remains === undefined)
      this.#report('removed', `the ${bytes} bytes before it that a crash left are missing`);
    else if (remains.bytes !== bytes || remains.digest.digest('hex') !== sha256)
      this.#report('changed', 'what a crash left is not as it was', remains);
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
