// How wide a text is in the page's font, and as much of it as fits.

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;
let family = "";

/** The width of a text in pixels. @type {(text: string, size: number, weight?: number) => number} */
export function widthOf(text, size, weight = 400) {
  if (!ruler) {
    ruler = document.createElement("canvas").getContext("2d");
    family = getComputedStyle(document.body).fontFamily;
  }
  if (!ruler) return text.length * size * 0.6;
  ruler.font = `${weight} ${size}px ${family}`;
  return ruler.measureText(text).width;
}

/**
 * As much of a text as `room` has place for. Of a name its beginning and its end, which tells it from its neighbours.
 * @type {(text: string, room: number, size: number, weight?: number, isName?: boolean) => string}
 */
export function fitted(text, room, size, weight = 400, isName = false) {
  const [letters, ends] = [[...text.slice(0, 400)], [...text.slice(-400)]];
  if (text.length <= 400 && widthOf(text, size, weight) <= room) return text;
  /** @type {(count: number) => string} */
  const cut = (count) => {
    const behind = isName ? count >> 1 : 0;
    return `${letters.slice(0, count - behind).join("")}…${behind ? ends.slice(-behind).join("") : ""}`;
  };
  let [fits, over] = [0, letters.length];
  while (fits + 1 < over) {
    const middle = (fits + over) >> 1;
    if (widthOf(cut(middle), size, weight) <= room) fits = middle;
    else over = middle;
  }
  return cut(fits);
}
