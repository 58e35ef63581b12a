/** What can be said of the bytes of a record. */
export type IntactVerdict = 'intact' | 'edited' | 'truncated' | 'missing' | 'bad-signature' | 'unsealed' | 'no-events';

/** Whether what is there is what was written. `writerId` and `n` name the first bad event, where one can be named. */
export interface Intact {
  readonly verdict: IntactVerdict;
  readonly writerId: string | null;
  readonly n: number | null;
  readonly message: string;
  /** Events whose words were erased; their place in the chain still verifies. */
  readonly erased: number;
}

/** Whether everything that happened is there: every begin has its end, nothing was lost, the run was closed. */
export interface Complete {
  readonly verdict: 'complete' | 'incomplete';
  readonly openSteps: number;
  readonly openAttempts: number;
  readonly gaps: number;
  /** Events known to be lost. */
  readonly lost: number;
  readonly closed: boolean;
  readonly message: string;
}

/** The two answers about one run, kept apart. */
export interface Verdict {
  readonly intact: Intact;
  readonly complete: Complete;
  readonly seals: number;
  readonly events: number;
  /** Key of the newest seal, 64 hex digits, or `null` when unsealed. */
  readonly publicKey: string | null;
}

/** A finding against a record: the verdict with its place, in words. */
export type Finding = Omit<Intact, 'erased'>;
