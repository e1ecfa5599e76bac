// Rows of a table as text for other programs, by the rules of csv.py and markdown.py. A test holds them against these.

/** A cell of CSV; a text that a spreadsheet would compute begins with an apostrophe. @type {(cell: string) => string} */
export function csvCell(cell) {
  const isFormula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/u.test(cell) && !/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/.test(cell);
  const text = isFormula ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Within HTML, Markdown's escapes are none. @type {Record<string, string>} */
const ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"};

/** A cell of Markdown, of which GitHub and GitLab make no link and no mention. @type {(cell: string) => string} */
export function markdownCell(cell) {
  const text = cell.replace(/[\\|`*_<>[\]&~$]/g, (char) => ENTITIES[char] ?? `\\${char}`);
  const references = /@(?=[\w-])|[#!%](?=\d)|gh(?=-\d)|(?:https?|ftp|mailto|xmpp)(?=:)|www(?=\.)/gi;
  return text.replace(references, "$&\u003c!-- -->");
}

/** Rows as CSV. @type {(rows: string[][]) => string} */
export function csv(rows) {
  return `${rows.map((row) => row.map(csvCell).join(",")).join("\n")}\n`;
}

/** Rows as a Markdown table; `isNumber` says which columns are to the right. @type {(rows: string[][], isNumber: boolean[]) => string} */
export function markdown(rows, isNumber) {
  const [titles, ...lines] = rows.map((row) => row.map(markdownCell));
  const rule = isNumber.map((each) => (each ? "---:" : ":---"));
  return `${[titles, rule, ...lines].map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`;
}
