/*
 * A reading of journal files that owes nothing to the project's own: it trusts lengths, since it reads whole files only, and
 * says which records end where.
 */

/** One record of a journal file. */
export interface Frame {
  readonly startBytes: number;
  readonly endBytes: number;
  readonly runId: string;
  readonly writerId: string;
  readonly n: number;
  readonly type: string;
  readonly stepId: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  /** `null` once erased. */
  readonly payload: string | null;
  /** 64 hex digits. */
  readonly hash: string;
  /** Those whose words are there. */
  readonly contents: readonly { readonly id: string; readonly bytes: Buffer }[];
}

/** A whole journal file. */
export interface WholeFile {
  /** Where the first record begins. */
  readonly headBytes: number;
  readonly frames: readonly Frame[];
}

const fileHeadBytes = 20;
const frameHeadBytes = 13;
const contentHeadBytes = 54;

type Header = readonly [number, string, string, number, string, number, string | null, number | null, object | null];

function readContents(body: Buffer, from: number, count: number): Frame['contents'] {
  const contents: { id: string; bytes: Buffer }[] = [];
  let at = from;
  for (let index = 0; index < count; index += 1) {
    const end = at + contentHeadBytes + body.readUInt32LE(at + 50);
    const isErased = body.readUInt8(at + 49) === 1;
    if (!isErased) contents.push({ id: body.toString('hex', at, at + 32), bytes: body.subarray(at + 54, end) });
    at = end;
  }
  return contents;
}

function readFrame(bytes: Buffer, startBytes: number): Frame {
  const endBytes = startBytes + frameHeadBytes + bytes.readUInt32LE(startBytes + 4);
  const body = bytes.subarray(startBytes + frameHeadBytes, endBytes);
  const payloadAt = 101 + body.readUInt32LE(5);
  const payloadEnd = payloadAt + body.readUInt32LE(9);
  const header = JSON.parse(body.toString('utf8', 101, payloadAt)) as Header;
  const [, runId, writerId, n, type, , stepId, , facts] = header;
  return {
    ...{ startBytes, endBytes, runId, writerId, n, type, stepId },
    facts: (facts ?? {}) as Frame['facts'],
    payload: body.readUInt8(4) === 1 ? null : body.toString('utf8', payloadAt, payloadEnd),
    hash: body.toString('hex', 69, 101),
    contents: readContents(body, payloadEnd, body.readUInt32LE(13)),
  };
}

/** The records of a file that was written to its end. */
export function readWholeFile(bytes: Buffer): WholeFile {
  const headBytes = fileHeadBytes + bytes.readUInt32LE(12);
  const frames: Frame[] = [];
  for (let at = headBytes; at < bytes.length; at = frames.at(-1)!.endBytes) frames.push(readFrame(bytes, at));
  if (bytes.length !== (frames.at(-1)?.endBytes ?? headBytes)) throw new Error('the file was not written to its end');
  return { headBytes, frames };
}
