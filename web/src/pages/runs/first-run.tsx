import { CopyButton } from '../../parts/copy-button.tsx';

const command = 'npx tachograph run -- node agent.mjs';

/** What a new owner sees: how the first record is made. */
export function FirstRun() {
  return (
    <div className="notice first-run">
      <h2>Nothing is recorded yet</h2>
      <p>Put this before the command that starts your agent. Its code stays as it is.</p>
      <div className="command">
        <code>{command}</code>
        <CopyButton text={command} />
      </div>
      <p className="muted">
        The run shows up here while it is still going. Every model call, retry and tool call is kept, word for word, on
        this machine.
      </p>
    </div>
  );
}
