// What a reader of the page has chosen; whoever shows it hears of a change.

/**
 * `open` are the unfolded nodes, `selected` and `pointed` are nodes or -1, `heat` is the key of a column or "", `said` is
 * what there is to tell of the last wish.
 * @typedef {{open: Set<number>, selected: number, pointed: number, heat: string, said: string}} State
 */

/** `ended` tells what hears of the whole page that this network isn't shown any more. */
/** @typedef {{ended: AbortSignal, state: State, set: (change: Partial<State>) => void, listen: (hear: (change: Partial<State>) => void) => void}} Store */

/** @type {(open: Set<number>, ended?: AbortSignal) => Store} */
export function store(open, ended = new AbortController().signal) {
  /** @type {((change: Partial<State>) => void)[]} */
  const hearers = [];
  const state = {open, selected: -1, pointed: -1, heat: "", said: ""};
  return {
    ended,
    state,
    set(change) {
      Object.assign(state, change);
      for (const hear of hearers) hear(change);
    },
    listen(hear) {
      hearers.push(hear);
    },
  };
}

/** Opens a closed node, or closes an open one. @type {(chosen: Store, node: number) => void} */
export function toggle(chosen, node) {
  const open = new Set(chosen.state.open);
  if (!open.delete(node)) open.add(node);
  chosen.set({open, selected: node});
}
