import { readFile, readdir, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Gives the viewer's files. */
export interface Viewer {
  /** The file or page at a path, or `null` when it has none. */
  serve(request: Request, path: string): Promise<Response | null>;
}

const typeByExtension: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const compressed = new Set(['.html', '.js', '.css', '.json', '.svg', '.txt', '.webmanifest']);
const toGzip = promisify(gzip);

interface File {
  readonly bytes: Buffer;
  readonly gzipped: Buffer | null;
  readonly type: string;
  readonly etag: string;
  readonly isHashed: boolean;
}

/** Built files carry a hash of their content in the name and never change under it. */
const isHashedName = (path: string): boolean => /^\/assets\/.*-[\w-]{8,}\.\w+$/.test(path);

const missingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tachograph</title>
<h1>The viewer is not built</h1>
<p>The server and its API are running, but the viewer's files are not where they are expected.
<p>In a clone of the source, build them with <code>npm run build</code> and load this page again.
<p>The API is described at <a href="/api/openapi.json">/api/openapi.json</a>; <a href="/api/v1/runs">/api/v1/runs</a> lists the runs.
`;

/** Paths of all files under a folder, as `/a/b.js`. Links are not followed, so nothing outside can be reached. */
async function listFiles(root: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Set(files.map((file) => file.slice(root.length).split(sep).join('/')));
}

const isPage = (path: string): boolean => !path.startsWith('/api/') && extname(path) === '';

function fileToResponse(file: File, request: Request): Response {
  const headers = new Headers({
    'content-type': file.type,
    'cache-control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: file.etag,
    vary: 'accept-encoding',
  });
  if (request.headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers });
  const isGzip = file.gzipped !== null && /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '');
  if (isGzip) headers.set('content-encoding', 'gzip');
  const body = isGzip ? file.gzipped! : file.bytes;
  return new Response(new Uint8Array(body), { headers });
}

/**
 * A viewer over a folder of built files. Only paths of the folder's own listing are read, so no path leads out of it;
 * every page is `index.html`, whose script reads the address. The listing is renewed when `index.html` changes.
 */
export function createViewer(webRoot: string | null): Viewer {
  let listedAtMs = Number.NaN;
  let listed: ReadonlySet<string> = new Set();
  let fileByPath = new Map<string, File>();

  const refresh = async (): Promise<boolean> => {
    if (webRoot === null) return false;
    const index = await stat(join(webRoot, 'index.html')).catch(() => null);
    if (index === null) return false;
    if (index.mtimeMs !== listedAtMs) {
      listed = await listFiles(webRoot);
      fileByPath = new Map();
      listedAtMs = index.mtimeMs;
    }
    return true;
  };

  const read = async (path: string): Promise<File> => {
    const known = fileByPath.get(path);
    if (known !== undefined) return known;
    const place = join(webRoot!, ...path.split('/'));
    const [bytes, { mtimeMs }] = await Promise.all([readFile(place), stat(place)]);
    const extension = extname(path);
    const file: File = {
      bytes,
      gzipped: compressed.has(extension) ? await toGzip(bytes) : null,
      type: typeByExtension[extension] ?? 'application/octet-stream',
      etag: `"${bytes.byteLength.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"`,
      isHashed: isHashedName(path),
    };
    fileByPath.set(path, file);
    return file;
  };

  return {
    async serve(request, path) {
      if (!(await refresh())) {
        if (!isPage(path)) return null;
        return new Response(missingPage, {
          status: path === '/' ? 200 : 404,
          headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
        });
      }
      if (listed.has(path)) return fileToResponse(await read(path), request);
      return isPage(path) ? fileToResponse(await read('/index.html'), request) : null;
    },
  };
}
