// Rows of a table as text for other programs.

/** Cells as CSV; a text that a spreadsheet would compute begins with an apostrophe. @type {(rows: string[][]) => string} */
export function csv(rows) {
  /** @type {(cell: string) => string} */
  const written = (cell) => {
    const text = /^[=+\-@\t\r]/.test(cell) && !/^-?\d+$/.test(cell) ? `'${cell}` : cell;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(written).join(",")).join("\n")}\n`;
}

/** Cells as a Markdown table; `isNumber` says which columns are to the right. @type {(rows: string[][], isNumber: boolean[]) => string} */
export function markdown(rows, isNumber) {
  /** @type {(row: string[]) => string} */
  const line = (row) => `| ${row.join(" | ")} |`;
  const written = rows.map((row) => row.map((cell) => cell.replace(/[|\\<>&*_`[\]~#]/g, "\\$&").replace(/\s+/g, " ")));
  const rule = isNumber.map((each) => (each ? "---:" : ":---"));
  return `${[written[0], rule, ...written.slice(1)].map(line).join("\n")}\n`;
}
