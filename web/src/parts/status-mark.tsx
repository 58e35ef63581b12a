import { statusToTone } from '../model/badges.ts';

/** A status as a dot and, unless `bare`, its word. A live one moves, where motion is not unwelcome. */
export function StatusMark({ status, bare = false }: { status: string; bare?: boolean }) {
  const words = status.replaceAll('_', ' ');
  return (
    <span className={`status tone-${statusToTone(status)}`} title={bare ? words : undefined}>
      <span className="status-dot" aria-hidden="true" />
      <span className={bare ? 'sr-only' : 'status-word'}>{words}</span>
    </span>
  );
}
