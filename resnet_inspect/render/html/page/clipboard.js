// What a page gives to other programs: texts in the clipboard, and files.

import {html} from "./element.js";

/** Copies a text, and tells in `said` whether that went well. @type {(text: string, said: HTMLElement) => Promise<void>} */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "copied";
  } catch {
    said.textContent = "the browser doesn't let a page copy";
  }
}

/** Gives a file to the browser, which keeps it where it keeps downloads. @type {(name: string, content: Blob) => void} */
export function download(name, content) {
  const address = URL.createObjectURL(content);
  html("a", {href: address, download: name}).click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
