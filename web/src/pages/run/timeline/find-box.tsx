import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { reads } from '../../../api/reads.ts';
import { stepKey } from '../../../model/step-rows.ts';
import { Snippet } from '../../runs/run-list-row.tsx';
import type { Selection } from '../use-selection.ts';

/** Full-text search in this run; a hit selects its step. */
export function FindBox({ runId, selection }: { runId: string; selection: Selection }) {
  const [text, setText] = useState(selection.q);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setText(selection.q), [selection.q]);
  useEffect(() => {
    if (text.trim() === selection.q) return undefined;
    const timer = setTimeout(() => selection.setQ(text.trim()), 300);
    return () => clearTimeout(timer);
  });
  const found = useQuery(reads.search(selection.q, runId));
  const hits = (found.data?.items ?? []).filter((hit) => hit.stepNumber !== null);
  const choose = (number: number): void => {
    selection.select(stepKey(runId, number));
    setOpen(false);
  };
  return (
    <div
      className="find"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <input
        className="field"
        type="search"
        name="find"
        aria-label="Search in this run"
        placeholder="Search in this run   /"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onFocus={() => setOpen(true)}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && hits[0]?.stepNumber != null) choose(hits[0].stepNumber);
        }}
      />
      {isOpen && selection.q !== '' ? (
        <ul className="find-hits" aria-label="Hits">
          {found.isSuccess && hits.length === 0 ? <li className="muted find-none">Nothing found</li> : null}
          {hits.slice(0, 50).map((hit, index) => (
            <li key={index}>
              <button type="button" onClick={() => choose(hit.stepNumber!)}>
                <span className="hit-where">
                  step {hit.stepNumber} · {hit.kind}
                </span>
                <Snippet snippet={hit.snippet} />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
