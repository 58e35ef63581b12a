/** A column of a table: its heading and how its cells stand. */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

const visibleLength = (cell: string): number => Array.from(cell.replace(/\u001b\[\d+m/gu, '')).length;

function pad(cell: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - visibleLength(cell)));
  return align === 'right' ? space + cell : cell + space;
}

/** Lines of a table with two spaces between columns; the last column is not padded. */
export function toTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const widths = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => visibleLength(row[index] ?? ''))),
  );
  const toLine = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        index === columns.length - 1 && columns[index]!.align !== 'right'
          ? cell
          : pad(cell, widths[index]!, columns[index]!.align),
      )
      .join('  ')
      .trimEnd();
  return [toLine(columns.map(({ heading }) => heading)), ...rows.map(toLine)];
}
