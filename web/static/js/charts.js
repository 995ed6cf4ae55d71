// Draws each `figure.chart` from the table that it names: what is seen and what is read are the same figures.
// `data-ink` on a column's head says which it is drawn with; other columns are only read.

import uPlot from "/static/vendor/uplot/uPlot.esm.js";

const INKS = { main: "--blue", good: "--good", calm: "--calm", near: "--near", broken: "--broken", ink: "--ink" };
const DASHES = { calm: [6, 4], near: [2, 3], broken: [8, 3, 2, 3] }; // a colour is never alone
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];
const DAY_S = 86_400;
const LANGUAGE = document.documentElement.lang || "it";
const dark = matchMedia("(prefers-color-scheme: dark)");
const sample = document.createElement("span");
sample.hidden = true;
document.body.append(sample);

/** A token's colour in the look that the page has now: a canvas does not know `light-dark()`. */
function colour(name) {
  sample.style.color = `var(${name})`;
  return getComputedStyle(sample).color;
}

function ofTable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => {
    const told = cell.dataset.value ?? cell.textContent.trim();
    return told === "" || Number.isNaN(Number(told)) ? null : Number(told);
  };
  const columns = heads
    .map((head, place) => ({ head, place }))
    .filter(({ head }) => head.dataset.ink)
    .map(({ head, place }) => ({
      name: head.textContent.trim(),
      ink: head.dataset.ink,
      steps: head.hasAttribute("data-steps"),
      limit: head.dataset.limit && Number(head.dataset.limit),
      limitName: head.dataset.limitName,
      values: rows.map((row) => number(row.cells[place])),
    }));
  return { x: heads[0].textContent.trim(), labels: rows.map((row) => row.cells[0].textContent.trim()), columns };
}

function axes(values, wordOf) {
  const quiet = { stroke: () => colour("--quiet"), font: "12px 'Titillium Web', sans-serif", grid: { stroke: () => colour("--line"), width: 1 }, ticks: { stroke: () => colour("--line"), width: 1 } };
  return [{ ...quiet, ...(values && { values }), grid: { show: false } }, { ...quiet, size: 52, ...(wordOf ? { values: (_, all) => all.map(wordOf) } : { incrs: WHOLE }) }];
}

function size(figure) {
  return { width: Math.max(280, figure.clientWidth), height: figure.clientHeight - 40 };
}

function draw(figure, options, data) {
  const chart = new uPlot({ ...size(figure), cursor: { y: false }, ...options }, data, figure);
  new ResizeObserver(() => chart.setSize(size(figure))).observe(figure);
  dark.addEventListener("change", () => chart.redraw());
  return chart;
}

function series(column, shown, more = {}) {
  return { label: column.name, stroke: () => colour(INKS[column.ink]), width: 2, dash: DASHES[column.ink], points: { show: false }, value: (_, value) => (value === null ? "—" : shown(value)), ...(column.steps && { paths: uPlot.paths.stepped({ align: 1 }) }), ...more };
}

function drawTable(figure) {
  const { x, labels, columns } = ofTable(document.getElementById(figure.dataset.table));
  const isShare = figure.dataset.chart === "shares";
  const isBars = figure.dataset.chart === "bars";
  const decimals = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: isShare ? 0 : 1, style: isShare ? "percent" : "decimal" });
  const shown = (value) => decimals.format(value);
  const limits = columns.filter((one) => one.limit !== undefined).map((one) => ({ name: `${one.limitName} ${shown(one.limit)}`, ink: "ink", values: labels.map(() => one.limit) }));
  const bar = (place) => (isBars ? { paths: uPlot.paths.bars({ size: [0.8 / columns.length, 60], align: place * 2 - 1 }), fill: () => colour(INKS[columns[place].ink]), dash: undefined } : {});
  const xs = labels.map((_, place) => place);
  const wide = (_, min, max) => (min === null ? [0, 1] : isBars ? [min - 0.6, max + 0.6] : [min, max]);
  draw(
    figure,
    {
      scales: { x: { time: false, range: wide }, y: { range: (_, __, max) => [0, isShare ? 1 : Math.max(1, max * 1.08)] } },
      axes: axes((_, ticks) => ticks.map((tick) => labels[tick] ?? ""), isShare ? shown : undefined),
      series: [{ label: x, value: (_, value) => labels[value] ?? "—" }, ...columns.map((one, place) => series(one, shown, bar(place))), ...limits.map((one) => series(one, shown, { width: 1.5, dash: [3, 3] }))],
    },
    [xs, ...columns.map((one) => one.values), ...limits.map((one) => one.values)],
  );
}

async function drawYear(figure) {
  const answer = await fetch(figure.dataset.source);
  if (!answer.ok) throw new Error(answer.statusText);
  const { start, received, answered } = await answer.json();
  const began = performance.now();
  const xs = received.map((_, place) => start + place * 900);
  const [x, first, second] = figure.dataset.names.split("|");
  const whole = (value) => `${value}`;
  const chart = draw(
    figure,
    {
      // In milliseconds, for whoever measures; by the time it is ready the picture is there.
      hooks: { ready: [() => (figure.dataset.drawnIn = `${Math.round(performance.now() - began)}`)] },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Europe/Rome"),
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.08)] } },
      axes: axes(undefined, undefined).map((axis, place) => (place ? axis : { ...axis, values: (_, ticks, __, space, step) => ticks.map((tick) => when(tick, step)) })),
      series: [{ label: x, value: (_, value) => (value === null ? "—" : when(value, 0)) }, series({ name: first, ink: "main" }, whole, { width: 1 }), series({ name: second, ink: "good" }, whole, { width: 1 })],
    },
    [xs, received, answered],
  );
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      const last = xs.at(-1);
      chart.setScale("x", { min: Math.max(xs[0], last - Number(button.dataset.zoom) * DAY_S), max: last });
      for (const one of document.querySelectorAll("[data-zoom]")) one.setAttribute("aria-pressed", `${one === button}`);
    });
  }
}

function when(seconds, step) {
  const long = step >= DAY_S;
  const parts = step === 0 ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } : long ? { day: "numeric", month: "short" } : { weekday: "short", hour: "2-digit", minute: "2-digit" };
  return new Date(seconds * 1000).toLocaleString(LANGUAGE, { timeZone: "Europe/Rome", ...parts });
}

function failed(figure) {
  figure.textContent = figure.dataset.failed ?? "";
}

export function drawAll(within) {
  for (const figure of within.querySelectorAll("figure.chart:not([data-drawn])")) {
    figure.dataset.drawn = "";
    if (figure.dataset.source) drawYear(figure).catch(() => failed(figure));
    else drawTable(figure);
  }
}

drawAll(document);
document.addEventListener("htmx:after:swap", () => drawAll(document));

// A slider says its value while it is moved.
document.addEventListener("input", (event) => {
  const shown = event.target.dataset?.shown && document.getElementById(event.target.dataset.shown);
  if (shown) shown.textContent = event.target.value;
});
