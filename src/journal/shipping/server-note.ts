import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bumpGeneration } from '../home.ts';
import type { Delivery } from '../sink/delivery.ts';

/** What an outbox knows of its server, over restarts. */
export interface ServerNote {
  /** The server's own address, without a key or a path of the API. */
  readonly url: string;
  /** What the server said last; `null` before its first answer. */
  readonly generation: number | null;
  /** Public key of its receipts, by project. */
  readonly publicKeyByProject: Readonly<Record<string, string>>;
}

const noteFile = (outbox: string): string => join(outbox, 'server.json');

/** The note of an outbox; `null` when there is none that can be read. */
export function readServerNote(outbox: string): ServerNote | null {
  try {
    const note = JSON.parse(fs.readFileSync(noteFile(outbox), 'utf8')) as Partial<ServerNote> | null;
    if (typeof note?.url !== 'string') return null;
    const { url, generation = null, publicKeyByProject = {} } = note;
    return { url, generation, publicKeyByProject };
  } catch {
    // Not there yet, or cut off by a full disk: it is written anew with the next answer.
    return null;
  }
}

/** Writes the note, whole or not at all, mode 0600. */
function writeServerNote(outbox: string, note: ServerNote): void {
  const draft = `${noteFile(outbox)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  fs.writeFileSync(draft, `${JSON.stringify(note)}\n`, { mode: 0o600, flag: 'wx' });
  fs.renameSync(draft, noteFile(outbox));
}

/** What a shipper remembers of its server. */
export interface ServerMemory {
  /**
   * Notes how the server stands by its answer. Where it has erased since, or is another one than before, recorders of the outbox
   * must bring contents again: the outbox's generation is bumped. Throws what the disk throws.
   */
  note(answer: Pick<Extract<Delivery, { outcome: 'kept' }>, 'generation' | 'receipt'>): void;
}

/** A memory that begins with the note in the outbox; a new outbox gets one, so that it says where it goes. */
export function createServerMemory(of: {
  readonly outbox: string;
  readonly url: string;
  readonly onError: (error: unknown) => void;
}): ServerMemory {
  const { outbox, url, onError } = of;
  const found = readServerNote(outbox);
  let note: ServerNote = found ?? { url, generation: null, publicKeyByProject: {} };
  if (found === null) {
    try {
      writeServerNote(outbox, note);
    } catch (error) {
      // A full disk: the note is written with the first answer.
      onError(error);
    }
  }
  return {
    note({ generation, receipt }) {
      const signer = receipt === null || receipt === 'broken' ? null : receipt;
      const known = signer === null ? undefined : note.publicKeyByProject[signer.projectId];
      const isOther = signer !== null && known !== undefined && known !== signer.publicKey;
      if (isOther)
        onError(
          new Error(
            `${url} signs receipts of ${signer.projectId} with another key than before. If it is not a new server, ask who answers there.`,
          ),
        );
      const isNew = signer !== null && known !== signer.publicKey;
      if (note.generation === generation && !isNew) return;
      if (isOther || (note.generation !== null && note.generation !== generation)) bumpGeneration(outbox);
      const ours = signer === null ? {} : { [signer.projectId]: signer.publicKey };
      note = { url, generation, publicKeyByProject: { ...note.publicKeyByProject, ...ours } };
      writeServerNote(outbox, note);
    },
  };
}
