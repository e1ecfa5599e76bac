// The graph as a picture of its own, SVG or PNG: as it is shown, in the colours of the page, with nothing to load.

import {svg} from "../page/element.js";

/** What the page's style sheets say of a drawing, and what is so without being said. @type {Record<string, string>} */
const STYLES = {
  fill: "rgb(0, 0, 0)",
  "fill-opacity": "1",
  stroke: "none",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  "text-anchor": "start",
  "font-size": "",
  "font-weight": "400",
};
/** Attributes for who looks at the page, not at a picture. */
const OWN = /^(aria-.*|data-.*|role|class|tabindex)$/;
/** So many pixels are as wide or high as a picture can be, and so many are in it at most, in today's browsers. */
const MOST_WIDE = 16_000;
const MOST_PIXELS = 120e6;

/** The drawing as a document. @type {(picture: SVGElement, title: string) => string} */
export function standalone(picture, title) {
  const [x, y, width, height] = (picture.getAttribute("viewBox") ?? "").split(" ");
  const page = getComputedStyle(document.body);
  const heads = [...document.querySelectorAll(".heads > defs")].map(styled);
  const whole = svg(
    "svg",
    {width, height, viewBox: `${x} ${y} ${width} ${height}`, "font-family": page.fontFamily},
    svg("title", {}, title),
    ...heads,
    svg("rect", {x, y, width, height, fill: page.backgroundColor}),
    ...[...picture.children].map(styled),
  );
  return new XMLSerializer().serializeToString(whole);
}

/** A copy of an element with the styles of all in it written down. @type {(element: Element) => Element} */
function styled(element) {
  const copy = /** @type {Element} */ (element.cloneNode(true));
  const originals = [element, ...element.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((each, at) => {
    for (const name of each.getAttributeNames()) if (OWN.test(name)) each.removeAttribute(name);
    if (["g", "defs", "marker"].includes(each.localName)) return;
    const style = getComputedStyle(originals[at]);
    const isText = each.localName === "text";
    for (const [name, usual] of Object.entries(STYLES)) {
      const said = style.getPropertyValue(name);
      if (said !== usual && (isText || !/^(font|text)-/.test(name))) each.setAttribute(name, said);
    }
  });
  return copy;
}

/** A document of `standalone` as pixels, two for each of its own where that isn't too many. @type {(text: string) => Promise<Blob>} */
export async function pixels(text) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const {width, height} = image;
  const scale = Math.min(2, MOST_WIDE / width, MOST_WIDE / height, Math.sqrt(MOST_PIXELS / (width * height)));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.floor(width * scale), Math.floor(height * scale)];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, failed) => {
    canvas.toBlob((made) => (made ? done(made) : failed(new Error("no picture"))), "image/png");
  });
}
