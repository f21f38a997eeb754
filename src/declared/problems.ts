/** A mistake in a declaration: its place, what is wrong, and what would be right. */
export interface DeclarationProblem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** What is wrong, as a sentence. It never contains a secret. */
  problem: string;
  /** What would be right, as a sentence. */
  remedy: string;
}

/** The problem as one line, for messages. */
export function describeProblem({ file, line, column, problem, remedy }: DeclarationProblem): string {
  return `${file}:${line}:${column}: ${problem} ${remedy}`;
}

/** The members that lead to a place in a document. */
export type Place = readonly (string | number)[];

/** Reports a problem at a place of the declaration. */
export type Report = (place: Place, problem: string, remedy: string) => void;
