import process from 'node:process';
import { proxyPath, toClientVariables } from '../../capture/proxy/index.ts';
import type { Answering } from '../../server/index.ts';
import { createServer } from '../../server/index.ts';
import { parseRevision, readEnvironment, readRevision } from '../environment.ts';
import type { OpenedHome } from '../open.ts';
import { createHomeProxy, readUpstreams } from './proxy-recorder.ts';

/** What a command's proxy is told of the command. */
export interface ProxiedCommand {
  readonly command: readonly string[];
  readonly sessionId: string;
  readonly upstreams: readonly string[] | undefined;
  readonly isPowerSafe: boolean;
  readonly note: (text: string) => void;
  readonly onError: (error: unknown) => void;
}

/** A proxy for one command, on a port of its own. */
export interface CommandProxy {
  /** What the command's environment gets. */
  readonly variables: Readonly<Record<string, string>>;
  /** Cuts what is still under way and closes the record. */
  close(): Promise<void>;
}

const nothingElse: Answering = Object.assign(
  async () => new Response('Only /proxy/<provider>/ is served here.\n', { status: 404 }),
  { close: () => undefined },
);

/** The environment of the command, as far as its parent knows it. */
function commandEnvironment(command: readonly string[]): Readonly<Record<string, unknown>> {
  const { commit, dirty, cwd, host } = readEnvironment(readRevisionOnce());
  return { commit, dirty, cwd, host, argv: command };
}

function readRevisionOnce(): ReturnType<typeof readRevision> {
  const handed = parseRevision(process.env['TACHOGRAPH_REVISION']);
  return handed.commit === null ? readRevision() : handed;
}

/**
 * Starts the recording proxy of a command on a free loopback port. Throws `bad-argument` for an upstream that is none, before
 * anything is started.
 */
export async function openCommandProxy(opened: OpenedHome, given: ProxiedCommand): Promise<CommandProxy> {
  const named = readUpstreams(given.upstreams);
  // The upstreams that the variables bring are known before the port that the variables will name.
  const before = toClientVariables('', process.env, named);
  const proxy = createHomeProxy(opened, {
    upstreams: [...named, ...before.upstreams],
    defaults: { sessionId: given.sessionId },
    environment: commandEnvironment(given.command),
    durability: given.isPowerSafe ? 'power' : 'process',
    onError: given.onError,
  });
  const server = await createServer({
    handler: nothingElse,
    mount: { path: proxyPath, handle: proxy.handle },
    port: 0,
  });
  const { variables, left } = toClientVariables(`${server.url}${proxyPath.slice(0, -1)}`, process.env, named);
  for (const name of left) given.note(`tachograph: ${name} holds no base URL to forward to and is left as it is.`);
  return {
    variables,
    async close() {
      await server.close({ timeoutMs: 0 });
      await proxy.close();
    },
  };
}
