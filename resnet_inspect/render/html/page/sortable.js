// A table of a report, whose columns sort it.

import {button, html} from "./element.js";

/** @typedef {{columns: {title: string, number: boolean}[], rows: [string, number | string | null][][]}} Written */

/** `pick` hears of the row that somebody chose. @type {(written: Written, pick?: (row: number) => void) => HTMLElement} */
export function sortable(written, pick) {
  const order = written.rows.map((_, row) => row);
  let sorted = -1;
  let falling = true;
  const body = html("tbody");
  const rows = written.rows.map((cells, row) => {
    const made = html(
      "tr",
      {"data-row": row},
      ...cells.map(([text], place) =>
        html(
          "td",
          {class: written.columns[place].number ? "number" : null},
          place || !pick ? text : chooser(text, row),
        ),
      ),
    );
    return made;
  });
  /** @type {(text: string, row: number) => HTMLElement} */
  function chooser(text, row) {
    const made = html("button", {type: "button", class: "link"}, text);
    made.addEventListener("click", () => pick?.(row));
    return made;
  }
  const heads = written.columns.map((column, place) =>
    html(
      "th",
      {class: column.number ? "number" : null, "aria-sort": "none", scope: "col"},
      button(column.title, `Sort by ${column.title}`, () => {
        falling = sorted === place ? !falling : column.number;
        sorted = place;
        arrange();
      }),
    ),
  );
  const arrange = () => {
    if (sorted >= 0) {
      order.sort((a, b) => {
        const [one, two] = [written.rows[a][sorted][1], written.rows[b][sorted][1]];
        if (one === null || two === null) return Number(one === null) - Number(two === null) || a - b;
        const less =
          typeof one === "number" && typeof two === "number"
            ? one - two
            : String(one).localeCompare(String(two), undefined, {numeric: true});
        return (falling ? -less : less) || a - b;
      });
    }
    heads.forEach((head, place) => {
      head.setAttribute("aria-sort", place === sorted ? (falling ? "descending" : "ascending") : "none");
    });
    body.replaceChildren(...order.map((row) => rows[row]));
  };
  arrange();
  return html(
    "div",
    {class: "scroll", tabindex: 0, role: "region", "aria-label": "Rows"},
    html("table", {class: "plain"}, html("thead", {}, html("tr", {}, ...heads)), body),
  );
}
