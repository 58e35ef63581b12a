import { useEffect, useRef } from 'react';

const groups: readonly { readonly title: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    title: 'Everywhere',
    keys: [
      ['j k ↓ ↑', 'next, previous'],
      ['Enter', 'open'],
      ['/', 'search'],
      ['Esc', 'close, leave a field'],
      ['?', 'this help'],
    ],
  },
  {
    title: 'Run',
    keys: [
      ['→ ←', 'unfold, fold; to the parent'],
      ['n N', 'next, previous error'],
      ['g G', 'first, last step'],
      ['1 … 6', 'tab of the inspector'],
      ['+ −', 'zoom in, out around the selected step'],
      ['0', 'time of the whole run'],
      ['v', 'time of the rows in view, or of the run'],
      ['u', 'up to the parent run or the list'],
    ],
  },
];

/** The keys, as a modal dialog of the browser's own: no foreign styles, focus kept inside. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="help-title"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="dialog-body">
        <div className="dialog-head">
          <h2 id="help-title">Keys</h2>
          <button type="button" className="small-button" onClick={onClose}>
            Close
          </button>
        </div>
        <div className="help-groups">
          {groups.map((group) => (
            <section key={group.title}>
              <h3>{group.title}</h3>
              <dl className="help-keys">
                {group.keys.map(([keys, what]) => (
                  <div key={keys}>
                    <dt>
                      {keys.split(' ').map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dt>
                    <dd>{what}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </div>
    </dialog>
  );
}
