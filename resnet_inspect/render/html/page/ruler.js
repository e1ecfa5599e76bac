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

/** The text, its end cut off where it is wider than `room`. @type {(text: string, room: number, size: number, weight?: number) => string} */
export function fitted(text, room, size, weight = 400) {
  const letters = [...text.slice(0, 400)];
  if (letters.join("") === text && widthOf(text, size, weight) <= room) return text;
  let [fits, over] = [0, letters.length];
  while (fits + 1 < over) {
    const middle = (fits + over) >> 1;
    if (widthOf(`${letters.slice(0, middle).join("")}…`, size, weight) <= room) fits = middle;
    else over = middle;
  }
  return `${letters.slice(0, fits).join("")}…`;
}
