import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Keyring } from '../../core/access/keyring.ts';
import { createKeyring, overlapMsDefault } from '../../core/access/keyring.ts';
import { nextProject } from '../../core/access/project.ts';
import { TachographError } from '../../core/error.ts';
import { toProblem } from '../problem.ts';
import type { Route } from '../route.ts';
import { defineRoute, toJson } from '../route.ts';
import type { Surroundings } from '../surroundings.ts';
import type { WireAccess } from '../wire.ts';
import { access, apiKey, keyInput, newKey, project, projectInput, rotation } from './schema.ts';
import { ticketToCookie } from './session.ts';

const keyPath = z.strictObject({ keyId: z.string().max(200) });

function refuseKeyless(): Response {
  return toProblem('not-offered', 'This server holds no secret to make and check keys with.');
}

/** Keys of this server; `null` where it has no secret to check them with. */
function keyringOf({ access: control, store, clock }: Surroundings): Keyring | null {
  if (control === null) return null;
  return createKeyring({ directory: store.directory, pepper: control.pepper, nowMs: () => clock.nowMs(), randomBytes });
}

const me = defineRoute({
  method: 'GET',
  path: '/api/v1/access',
  scope: null,
  summary: 'Says who is asking and what they may do; without a key, whether one is needed.',
  answer: access,
  async handle({ request }, around): Promise<WireAccess> {
    const gate = around.access?.gate ?? null;
    const isKeyRequired = gate !== null && (await gate.isClosed());
    const found = gate === null ? null : await gate.admit({ headers: request.headers, remote: around.remote });
    if (found instanceof Response)
      return { isSignedIn: false, isKeyRequired, projectId: null, keyId: null, scopes: [] };
    const { projectId, keyId, scopes } = found ?? {
      projectId: around.projectId,
      keyId: null,
      scopes: ['admin' as const],
    };
    return { isSignedIn: true, isKeyRequired, projectId, keyId, scopes: [...scopes] };
  },
});

const signIn = defineRoute({
  method: 'POST',
  path: '/api/v1/sign-in',
  scope: null,
  summary: 'Signs a page in with a key that may read: answers with a cookie that no script can read, for twelve hours.',
  body: z.strictObject({ key: z.string().max(200) }),
  answer: access,
  async handle({ body, request }, around) {
    if (around.access === null) return refuseKeyless();
    const signed = await around.access.gate.signIn(body.key.trim(), {
      headers: request.headers,
      remote: around.remote,
    });
    if (signed instanceof Response) return signed;
    const { projectId, keyId, scopes } = signed.access;
    const answer = toJson(JSON.stringify({ isSignedIn: true, isKeyRequired: true, projectId, keyId, scopes }));
    answer.headers.set('set-cookie', signed.cookie);
    return answer;
  },
});

const signOut = defineRoute({
  method: 'POST',
  path: '/api/v1/sign-out',
  scope: null,
  summary:
    'Ends the session of a signed-in page: its cookie is taken back and refused from then on, by other servers within a second.',
  answer: z.strictObject({ isSignedIn: z.literal(false) }),
  async handle({ request }, around) {
    await around.access?.gate.signOut(request.headers);
    const answer = toJson(JSON.stringify({ isSignedIn: false }));
    answer.headers.set('set-cookie', ticketToCookie('', { maxAgeSeconds: 0, isSecure: false }));
    return answer;
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/keys',
  scope: 'admin',
  summary: 'Lists the keys of the project, oldest first, with those that are revoked or expired.',
  answer: z.array(apiKey),
  handle: async (_input, around) => around.store.directory.listKeys(around.projectId),
});

const create = defineRoute({
  method: 'POST',
  path: '/api/v1/keys',
  scope: 'admin',
  summary: 'Makes a key of the project. Its text is in this answer and never shown again.',
  body: keyInput,
  status: 201,
  answer: newKey,
  handle: async ({ body }, around) =>
    keyringOf(around)?.create({ ...body, projectId: around.projectId }) ?? refuseKeyless(),
});

const rotate = defineRoute({
  method: 'POST',
  path: '/api/v1/keys/{keyId}/rotate',
  scope: 'admin',
  summary: 'Makes a key with the same name and scopes; the old one works for `overlapSeconds` more, a day unless said.',
  params: keyPath,
  body: rotation,
  status: 201,
  answer: newKey,
  handle: async ({ params, body }, around) =>
    keyringOf(around)?.rotate(
      around.projectId,
      params.keyId,
      body.overlapSeconds === undefined ? overlapMsDefault : body.overlapSeconds * 1000,
    ) ?? refuseKeyless(),
});

const revoke = defineRoute({
  method: 'DELETE',
  path: '/api/v1/keys/{keyId}',
  scope: 'admin',
  summary: 'Revokes a key: refused everywhere within a second. Revoking again changes nothing.',
  params: keyPath,
  answer: apiKey,
  handle: async ({ params }, around) => keyringOf(around)?.revoke(around.projectId, params.keyId) ?? refuseKeyless(),
});

async function ownProject(around: Surroundings) {
  const found = await around.store.directory.getProject(around.projectId);
  if (found !== null) return found;
  throw new TachographError('project-not-found', 'There is no such project.');
}

const listProjects = defineRoute({
  method: 'GET',
  path: '/api/v1/projects',
  scope: 'read',
  summary:
    'Lists the projects that the caller may see: its own. Others are made and listed on the server, by `tachograph projects`.',
  answer: z.array(project),
  handle: async (_input, around) => [await ownProject(around)],
});

const getProject = defineRoute({
  method: 'GET',
  path: '/api/v1/projects/{projectId}',
  scope: 'read',
  summary: 'Reads the caller’s own project.',
  params: z.strictObject({ projectId: z.string().max(100) }),
  answer: project,
  async handle({ params }, around) {
    if (params.projectId !== around.projectId)
      throw new TachographError('project-not-found', 'There is no such project.');
    return ownProject(around);
  },
});

const changeProject = defineRoute({
  method: 'PUT',
  path: '/api/v1/projects/{projectId}',
  scope: 'admin',
  summary: 'Changes the caller’s own project: name, mode, retention. What is left out stays.',
  params: z.strictObject({ projectId: z.string().max(100) }),
  body: projectInput,
  answer: project,
  async handle({ params, body }, around) {
    if (params.projectId !== around.projectId)
      throw new TachographError('project-not-found', 'There is no such project.');
    const changed = nextProject(await ownProject(around), body);
    await around.store.directory.putProject(changed);
    return changed;
  },
});

/** Routes of keys, sign-in and projects. */
export const accessRoutes: readonly Route[] = [
  me,
  signIn,
  signOut,
  list,
  create,
  rotate,
  revoke,
  listProjects,
  getProject,
  changeProject,
];
