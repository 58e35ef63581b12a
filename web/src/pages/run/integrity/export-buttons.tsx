import { useState } from 'react';
import type { ExportFormat } from '../../../api/download.ts';
import { downloadRun } from '../../../api/download.ts';
import { isOffline } from '../../../api/book.ts';
import { Words } from '../../../parts/recorded-text.tsx';

const formats: readonly { format: ExportFormat; label: string; title: string }[] = [
  { format: 'run-file', label: 'Run file', title: 'Events, contents and seals in one file that proves itself' },
  {
    format: 'html',
    label: 'Offline page',
    title: 'One HTML file with this viewer and the run inside; opens without a network',
  },
  { format: 'json', label: 'JSON', title: 'Plain JSON for programs; it proves nothing' },
];

/** Saves the run as a file, in each form that this place can give. */
export function ExportButtons({ runId }: { runId: string }) {
  const [busy, setBusy] = useState<ExportFormat | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async (format: ExportFormat): Promise<void> => {
    setBusy(format);
    setProblem(null);
    try {
      await downloadRun(runId, format);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(null);
  };
  return (
    <>
      <div className="export-buttons">
        {formats
          .filter(({ format }) => !isOffline || format === 'run-file')
          .map(({ format, label, title }) => (
            <button
              key={format}
              type="button"
              className="button"
              title={title}
              disabled={busy !== null}
              onClick={() => void save(format)}
            >
              {busy === format ? 'Writing …' : label}
            </button>
          ))}
      </div>
      {problem === null ? null : (
        <p className="bad" role="alert">
          <Words text={problem} charsMax={400} />
        </p>
      )}
    </>
  );
}
