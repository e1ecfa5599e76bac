// Why a number is what it is: the rule's formula, and the same with the layer's numbers.

/** @typedef {import("./units.js").Amount} Amount */

/**
 * By layer and column: a formula's place in `texts`, and the numbers of its symbols in the order of their first use.
 * @typedef {{texts: string[], of: Record<string, Record<string, Amount[]>>}} Formulas
 */

const NAME = /[A-Za-z_]\w*/g;
const FUNCTIONS = new Set(["floor", "ceil", "min", "max"]);

/** `k_h*k_w*C_in*C_out/groups + bias = 3*3*128*128/1 + 0`; empty where no formula is known. @type {(formulas: Formulas, layer: number, key: string) => string} */
export function derived({texts, of}, layer, key) {
  const found = of[String(layer)]?.[key];
  if (!found) return "";
  const text = texts[Number(found[0])];
  const names = [...new Set(text.match(NAME))].filter((name) => !FUNCTIONS.has(name));
  const numbers = new Map(names.map((name, at) => [name, String(found[at + 1])]));
  return `${text} = ${text.replace(NAME, (name) => numbers.get(name) ?? name)}`;
}
