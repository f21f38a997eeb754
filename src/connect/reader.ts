import type { DeclarationKind } from '../recordings/recording.js';
import type { Environment } from '../settings.js';
import type { CallBudget } from './call-budget.js';
import type { Draft, Finding } from './draft.js';

/**
 * A reader of one kind of system. `readers.ts` chooses it by the form of the target; `connect.ts` calls `look`, then `measure`
 * with the chosen candidate.
 */
export interface SystemReader {
  /**
   * Reads the description or the catalogue, and lists the ways to find one person. The best candidate is
   * first.
   */
  look(): Promise<Look>;
  /** Measures the system, and drafts the source. Throws an InvalidInputError with the reason if the system is refused. */
  measure(candidate: Candidate): Promise<Measured>;
  close(): Promise<void>;
}

export interface Look {
  candidates: readonly Candidate[];
  findings: readonly Finding[];
}

/** A way to find one person. */
export interface Candidate {
  /** A text that is stable and safe to print, such as `GET /v1/customers?email={key}` or `public.customers`. `--by` names it. */
  name: string;
  /** Why it can find one person, and where the key is, in one line. */
  evidence: string;
}

export interface Measured {
  draft: Draft;
  findings: readonly Finding[];
  /**
   * The values of the variables of the draft, as far as the target has them: the address, and the credentials. They are used
   * in this process and never written or printed.
   */
  values: Environment;
}

/** The system as the command line names it. */
export interface Target {
  /** The argument. It may contain a password, so it is never printed. */
  what: string;
  /** Of an http(s) address or a database address, parsed. */
  url?: URL;
  /** Of a file or a folder, the absolute path. */
  path?: string;
  isFolder?: boolean;
  /** The text of standard input, of the file, or of the address if its form did not decide the kind. */
  text?: string;
}

export interface ReaderOptions {
  /** The name of the source. */
  source: string;
  target: Target;
  /** For credentials: the variables that the draft names, such as WARRANTY_TOKEN. */
  environment: Environment;
  budget: CallBudget;
  questions: Questions;
}

/** The questions of a reader. Each has a flag. Only on a terminal, a person can answer it. */
export interface Questions {
  /**
   * Keys of persons that the system knows, by kind such as `email`, from `--key email=...`. Without that flag, they are
   * requested on a terminal; otherwise the list is empty.
   */
  keys(kind: string, why: string): Promise<readonly string[]>;
}

/** The entry of a kind of system in `readers.ts`. */
export interface ReaderKind {
  kind: DeclarationKind;
  /** The text for such a target in `--help` and messages, such as "an OpenAPI 2 or 3 file or address". */
  label: string;
  /** Whether the target has the form of this kind. Never calls the system. */
  recognises(target: Target): boolean;
  open(options: ReaderOptions): Promise<SystemReader>;
}
