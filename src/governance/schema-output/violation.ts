/** One thing that is wrong with an answer. Never holds a value of the answer, only names of its properties. */
export interface SchemaViolation {
  /** JSON pointer to the place in the answer; empty for the answer as a whole. */
  readonly path: string;
  /**
   * The keyword of the schema that was broken, or what the answer broke before the schema was asked: `size`, `json`,
   * `alone`, `depth`, `number`, `name`; or why there is no verdict: `time`, `memory`, `check`.
   */
  readonly keyword: string;
  readonly message: string;
}

/** Most violations that are told of one answer. */
export const violationsMax = 20;

/** A violation of the answer as a whole. */
export function wholeViolation(keyword: string, message: string): SchemaViolation {
  return { path: '', keyword, message };
}

/** The violation in one line, as models and people read it. */
export function violationToText({ path, message }: SchemaViolation): string {
  return `${path === '' ? 'the answer' : path} ${message}`;
}
