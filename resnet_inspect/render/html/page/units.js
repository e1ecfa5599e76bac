// Numbers to text, as units.py has it. A test holds the two against each other.

const SI = ["", "k", "M", "G", "T", "P", "E"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
export const NOT_AVAILABLE = "n/a";

/**
 * An amount: digits as text where a number would round; null is unknown.
 * @typedef {number | string | null} Amount
 */

/** @type {(amount: Amount) => string} */
export function exact(amount) {
  return amount === null ? NOT_AVAILABLE : String(amount).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @type {(amount: Amount) => string} */
export function si(amount) {
  return amount === null ? NOT_AVAILABLE : scaled(Number(amount), 1000, SI);
}

/** @type {(amount: Amount) => string} */
export function binary(amount) {
  return amount === null ? NOT_AVAILABLE : scaled(Number(amount), 1024, BINARY);
}

/** An amount in the words of its column. @type {(word: string, amount: Amount) => string} */
export function worded(word, amount) {
  return word === "si" ? si(amount) : word === "binary" ? binary(amount) : exact(amount);
}

/** A part of a whole in percent. @type {(part: number, whole: number) => string} */
export function share(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : NOT_AVAILABLE;
}

/** @type {(value: number, step: number, prefixes: string[]) => string} */
function scaled(value, step, prefixes) {
  let power = 0;
  while (Math.abs(value) >= (step - 0.5) * step ** power && power < prefixes.length - 1) power += 1;
  const number = value / step ** power;
  const size = Math.abs(number);
  const decimals = power === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${rounded(number, decimals)} ${prefixes[power]}`.trimEnd();
}

/** A number with so many decimals. Of two that are equally near it is the even one, as Python has it. @type {(number: number, decimals: number) => string} */
function rounded(number, decimals) {
  const scale = 10 ** decimals;
  const below = Math.floor(Math.abs(number) * scale);
  // Only eighths can be halves of hundredths, and are exact in binary.
  const isHalf = Number.isInteger(number * 2 ** (decimals + 1)) && Math.abs(number) * scale === below + 0.5;
  return isHalf && below % 2 === 0 ? ((Math.sign(number) * below) / scale).toFixed(decimals) : number.toFixed(decimals);
}
