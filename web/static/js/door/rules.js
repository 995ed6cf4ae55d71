// The order of a visit, by the table that the server gives (`door.table()`); the server judges by the same one.

export const START = { stage: "before", whom: null, told: false, outcome: null };

const next = (table, stage, deed) => table.order.find(([from, done]) => from === stage && done === deed)?.[2];

function fault(table, door, done) {
  if (next(table, door.stage, done.deed) === undefined) {
    const speaks = done.deed === "told" && ["introduced", "neutral"].includes(door.stage);
    return speaks ? "not_entitled" : "out_of_order";
  }
  if (done.deed === "who") {
    if (!done.whom) return "out_of_order";
    const named = (done.name ?? "").trim() && (done.capacity ?? "").trim();
    if (table.named.includes(done.whom) && !named) return "company_unnamed";
  }
  if (done.deed === "outcome") {
    const at = table.given_at[done.outcome];
    if (!at) return "out_of_order";
    if (!at.includes(door.stage)) return at.length === 1 && at[0] === "speaking" ? "not_entitled" : "out_of_order";
    if (table.after_told.includes(done.outcome) && !door.told) return "not_told";
  }
  return null;
}

// Where a visit stands after a deed; with a fault it stands where it stood.
export function after(table, door, done) {
  const wrong = fault(table, door, done);
  if (wrong) return { door, fault: wrong };
  const stage = next(table, door.stage, done.deed);
  if (done.deed === "who") {
    const entitled = table.entitled.includes(done.whom);
    return { door: { stage: entitled ? "speaking" : "neutral", whom: done.whom, told: false, outcome: null }, fault: null };
  }
  const outcome = done.deed === "unsafe" ? "unsafe" : done.outcome ?? door.outcome;
  return { door: { stage, whom: door.whom, told: door.told || done.deed === "told", outcome }, fault: null };
}

export const judged = (table, deeds) => deeds.reduce((door, done) => after(table, door, done).door, START);

export const may = (table, door, deed) => next(table, door.stage, deed) !== undefined;

// The outcomes that may be given where a visit stands; those that need the reasons told wait for it.
export const outcomes = (table, door) => Object.keys(table.given_at).filter(
  (one) => table.given_at[one].includes(door.stage) && (door.told || !table.after_told.includes(one)),
);

// Whether anything of a debt may be shown.
export const showsDebt = (table, door) =>
  door.stage === "speaking" || (door.stage === "done" && table.entitled.includes(door.whom));
