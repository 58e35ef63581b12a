/** What a turn tells while it is under way. */
export type Progress =
  | {
      /** A reference began, or ended in one of the ways. */
      readonly type: 'reference';
      readonly label: string;
      readonly status: 'begun' | 'completed' | 'failed' | 'skipped';
    }
  | {
      /** How many references have ended; `words` are the newest of one that streams. */
      readonly type: 'progress';
      readonly done: number;
      readonly count: number;
      readonly label: string | null;
      readonly words: string | null;
    }
  | { readonly type: 'aggregating'; readonly advice: AdviceSource };

/** Where the advice of an iteration comes from: asked now, used again, or nobody was to be asked. */
export type AdviceSource = 'miss' | 'hit' | 'none';

/** Told of a turn's progress. What it throws is told to `onError` and harms nothing. */
export type OnProgress = (progress: Progress) => void;
