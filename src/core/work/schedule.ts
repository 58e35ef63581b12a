/** When runs are created by themselves. */
export interface Schedule {
  readonly projectId: string;
  readonly id: string;
  readonly agentId: string;
  /** Five or six fields, or a name as `@hourly`. */
  readonly cron: string;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** What every run of it is created with besides, encrypted. */
  readonly sealed: Uint8Array;
  readonly isPaused: boolean;
  /** The tick that comes next; `null`: none ever. */
  readonly nextAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly createdAtMs: number;
}
