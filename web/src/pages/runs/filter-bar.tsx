import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { reads } from '../../api/reads.ts';
import { changeRunSearch, isNarrowed, runStatuses } from '../../model/run-search.ts';
import type { RunSearch } from '../../model/run-search.ts';

type Change = { readonly [K in keyof RunSearch]?: string };

const times = [
  ['', 'Any time'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const;

/** A field that tells of its value after a pause, or at once with Enter. */
function TextField(props: {
  name: string;
  label: string;
  value: string;
  onCommit: (value: string) => void;
  list?: string;
  placeholder?: string;
}) {
  const [text, setText] = useState(props.value);
  const committed = useRef(props.value);
  useEffect(() => {
    if (props.value !== committed.current) setText(props.value);
    committed.current = props.value;
  }, [props.value]);
  const commit = (value: string): void => {
    if (value.trim() === committed.current) return;
    committed.current = value.trim();
    props.onCommit(value.trim());
  };
  useEffect(() => {
    const timer = setTimeout(() => commit(text), 350);
    return () => clearTimeout(timer);
  });
  return (
    <input
      className={props.name === 'q' ? 'field search-field' : 'field'}
      type="search"
      name={props.name}
      aria-label={props.label}
      placeholder={props.placeholder ?? props.label}
      list={props.list}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit(text);
        if (event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}

function Toggle({
  label,
  title,
  on,
  onChange,
}: {
  label: string;
  title: string;
  on: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <label className="toggle" title={title}>
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

function TimeField({ search, change }: { search: RunSearch; change: (change: Change) => void }) {
  const value = search.since ?? '';
  const isListed = search.until === undefined && times.some(([time]) => time === value);
  return (
    <select
      className="field"
      aria-label="Started"
      value={isListed ? value : 'range'}
      onChange={(event) => change({ since: event.target.value, until: '' })}
    >
      {times.map(([time, label]) => (
        <option key={time} value={time}>
          {label}
        </option>
      ))}
      {isListed ? null : (
        <option value="range">
          {`${search.since ?? '…'} to ${search.until ?? 'now'}`.replaceAll(/:\d\d(\.\d+)?Z/g, 'Z')}
        </option>
      )}
    </select>
  );
}

/** Full-text search and filters. The address holds their state; this only changes it. */
export function FilterBar({ search, onSearch }: { search: RunSearch; onSearch: (search: RunSearch) => void }) {
  const [isOpen, setOpen] = useState(false);
  const agents = useQuery(reads.agents());
  const change = (values: Change): void => onSearch(changeRunSearch(search, values));
  const narrowed = Object.keys(search).filter((field) => field !== 'q').length;
  return (
    <search className="filters" aria-label="Filter runs">
      <div className="filters-main">
        <TextField
          name="q"
          label="Search in what was said"
          placeholder="Search in what was said   /"
          value={search.q ?? ''}
          onCommit={(q) => change({ q })}
        />
        <button type="button" className="button narrow-only" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Filters{narrowed > 0 ? ` (${narrowed})` : ''}
        </button>
      </div>
      <div className={isOpen ? 'filters-more open' : 'filters-more'}>
        <select
          className="field"
          aria-label="Status"
          value={search.status ?? ''}
          onChange={(event) => change({ status: event.target.value })}
        >
          <option value="">Any status</option>
          {runStatuses.map((status) => (
            <option key={status} value={status}>
              {status.replaceAll('_', ' ')}
            </option>
          ))}
          {search.status !== undefined && !runStatuses.some((status) => status === search.status) ? (
            <option value={search.status}>{search.status}</option>
          ) : null}
        </select>
        <TextField
          name="agent"
          label="Agent"
          list="agents"
          value={search.agent ?? ''}
          onCommit={(agent) => change({ agent })}
        />
        <datalist id="agents">
          {agents.data?.map((agent) => (
            <option key={agent.agentId} value={agent.agentId} />
          ))}
        </datalist>
        <TextField name="model" label="Model" value={search.model ?? ''} onCommit={(model) => change({ model })} />
        <TextField name="caller" label="Caller" value={search.caller ?? ''} onCommit={(caller) => change({ caller })} />
        <TextField
          name="session"
          label="Session"
          value={search.session ?? ''}
          onCommit={(session) => change({ session })}
        />
        <TextField
          name="label"
          label="Label"
          placeholder="Label key=value"
          value={search.label ?? ''}
          onCommit={(label) => change({ label })}
        />
        <TimeField search={search} change={change} />
        <Toggle
          label="Errors"
          title="Only runs with a step that ended in error"
          on={search.error === '1'}
          onChange={(on) => change({ error: on ? '1' : '' })}
        />
        <Toggle
          label="Nested"
          title="Runs that another run started, too"
          on={search.nested === '1'}
          onChange={(on) => change({ nested: on ? '1' : '' })}
        />
        <Toggle
          label="Dry runs"
          title="Sandbox try-outs, too"
          on={search.dry === '1'}
          onChange={(on) => change({ dry: on ? '1' : '' })}
        />
        {isNarrowed(search) ? (
          <button type="button" className="link-button" onClick={() => onSearch({})}>
            Clear
          </button>
        ) : null}
      </div>
    </search>
  );
}
