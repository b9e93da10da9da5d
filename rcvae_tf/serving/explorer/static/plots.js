// One plot a signal: draws, band, measured, expected; one zoom, one cursor, one legend for all.

import { colour } from "./theme.js";

const MARGIN = { l: 64, r: 10, t: 22, b: 44 };
const DECIMALS = { voltage_v: 3, current_c_rate: 2, temperature_degc: 1, charge_capacity_ah: 3 };
const KINDS = [
  ["draws", "draws"],
  ["band", "90 % of draws"],
  ["measured", "nearest measured"],
  ["expected", "expected (z = 0)"],
];
const SECONDS_PER_MINUTE = 60;
const FAR = 10;
const Plotly = window.Plotly;

export class Plots {
  constructor(container, legend, announce) {
    this.container = container;
    this.announce = announce;
    this.graphs = [];
    this.boxes = {};
    this.hidden = new Set();
    this.view = null;
    this.isFollowing = false;
    // Whether lines are shown as what they differ by from the expected charge, point by point.
    this.isDifference = false;
    this.#makeLegend(legend);
  }

  build(about) {
    this.graphs.forEach(({ div }) => Plotly.purge(div));
    this.hasTime = about.has_time;
    this.graphs = about.signals.map((signal) => this.#makeGraph(signal));
    this.container.replaceChildren(...this.graphs.map(({ section }) => section));
    this.view = null;
  }

  show(view) {
    this.view = view;
    this.expectedX = this.#abscissa(view.curves.expected);
    this.drawsX = this.#drawsAbscissa(view.curves.draws);
    this.measuredX = view.measured ? this.#abscissa(view.measured.curves) : [];
    this.boxes.measured.closest("label").hidden = !view.measured;
    this.setCursor(null);
    return this.paint();
  }

  async paint() {
    if (!this.view) return;
    const colours = Object.fromEntries(
      ["expected", "draws", "band", "measured", "text", "muted", "grid", "edge", "panel"].map(
        (name) => [name, colour(name)],
      ),
    );
    await Promise.all(this.graphs.map((graph) => this.#paintGraph(graph, colours)));
  }

  resetZoom() {
    const all = { "xaxis.autorange": true, "yaxis.autorange": true };
    this.#together(() => this.graphs.map(({ div }) => Plotly.relayout(div, all)));
  }

  // The place where all plots are read; null takes it away.
  setCursor(x) {
    this.cursor = x;
    for (const graph of this.graphs) this.#placeCursor(graph);
  }

  #makeLegend(legend) {
    for (const [kind, title] of KINDS) {
      const swatch = Object.assign(document.createElement("span"), { className: `swatch ${kind}` });
      const box = (this.boxes[kind] = addBox(legend, [swatch, title], (isOn) => {
        isOn ? this.hidden.delete(kind) : this.hidden.add(kind);
        this.paint();
      }));
      box.dataset.kind = kind;
      box.checked = true;
    }
    const difference = addBox(legend, ["minus expected"], (isOn) => {
      this.isDifference = isOn;
      this.paint();
    });
    difference.id = "difference";
    difference.parentElement.className = "apart";
    difference.parentElement.title = "show what each line differs by from the expected charge";
    const reset = Object.assign(document.createElement("button"), {
      type: "button",
      textContent: "Reset zoom",
    });
    reset.addEventListener("click", () => this.resetZoom());
    legend.append(reset);
  }

  #makeGraph({ name, label, unit }) {
    const section = Object.assign(document.createElement("section"), { className: "plot" });
    section.innerHTML =
      '<header><h3></h3><p class="readout"></p></header>' +
      '<div class="graph" tabindex="0" role="group"></div>';
    const [title, readout, div] = ["h3", ".readout", ".graph"].map((s) => section.querySelector(s));
    title.textContent = label[0].toUpperCase() + label.slice(1);
    div.dataset.signal = name;
    div.addEventListener("keydown", (event) => this.#onKey(event));
    const line = Object.assign(document.createElement("div"), { className: "cursor", hidden: true });
    return { name, label, unit, section, readout, div, line };
  }

  async #paintGraph(graph, colours) {
    const isFirst = !graph.div.data;
    await Plotly.react(graph.div, this.#traces(graph.name, colours), this.#layout(graph, colours), {
      displaylogo: false,
      responsive: true,
      // Without these two, a button of the plot sends its data to a server of Plotly.
      showSendToCloud: false,
      plotlyServerURL: "",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
      toImageButtonOptions: { filename: `synthetic_${graph.name}`, scale: 2 },
    });
    graph.div.setAttribute("aria-label", this.#summary(graph));
    if (!isFirst) return;
    graph.div.append(graph.line);
    graph.div.on("plotly_hover", (event) => this.setCursor(event.xvals[0]));
    graph.div.on("plotly_unhover", () => this.setCursor(null));
    graph.div.on("plotly_relayout", (change) => this.#followZoom(graph, change));
  }

  #traces(name, colours) {
    const { curves, measured } = this.view;
    const x = this.expectedX;
    const { low, high, expected, draws } = curves;
    const less = (y) => (this.isDifference ? y.map((value, k) => value - expected[name][k]) : y);
    const [upper, lower] = [less(high[name]), less(low[name]).toReversed()];
    const band = { x: [...x, ...x.toReversed()], y: [...upper, ...lower] };
    const drawsX = this.isDifference ? joined(draws[name].map(() => x)) : this.drawsX;
    const measuredX = this.isDifference ? x : this.measuredX;
    const drawsY = joined(draws[name].map(less));
    const lines = {
      draws: { x: drawsX, y: drawsY, width: 1, opacity: 0.45, hoverinfo: "skip" },
      band: { ...band, width: 0, fill: "toself", fillcolor: colours.band, hoverinfo: "skip" },
      measured: { x: measuredX, y: less(measured?.curves[name] ?? []), width: 2 },
      expected: { x, y: less(expected[name]), width: 2, dash: "6px,3px" },
    };
    return KINDS.map(([kind]) => {
      const { width, dash, ...data } = lines[kind];
      return {
        type: "scatter",
        mode: "lines",
        name: kind,
        hoverinfo: "none",
        showlegend: false,
        visible: !this.hidden.has(kind),
        line: { color: colours[kind], width, dash },
        ...data,
      };
    });
  }

  #layout({ unit }, colours) {
    const axis = {
      gridcolor: colours.grid,
      linecolor: colours.edge,
      tickcolor: colours.edge,
      showline: true,
      zeroline: false,
      ticks: "outside",
      ticklen: 4,
      automargin: false,
    };
    return {
      uirevision: "kept",
      margin: MARGIN,
      paper_bgcolor: colours.panel,
      plot_bgcolor: colours.panel,
      font: { family: "system-ui, sans-serif", size: 12, color: colours.muted },
      hovermode: "x",
      hoverdistance: -1,
      // With a finger one scrolls; the buttons of the plot zoom.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colours.muted, activecolor: colours.text },
      xaxis: { ...axis, title: { text: this.hasTime ? "time / min" : "point", standoff: 8 } },
      yaxis: {
        ...axis,
        title: { text: this.isDifference ? `${unit} minus expected` : unit, standoff: 6 },
        // A zoom into values says nothing of differences.
        uirevision: this.isDifference,
      },
    };
  }

  #abscissa({ time_s: time, voltage_v: some }) {
    if (!this.hasTime) return some.map((_, k) => k);
    return (time ?? []).map((seconds) => seconds / SECONDS_PER_MINUTE);
  }

  #drawsAbscissa({ time_s: time, voltage_v: some }) {
    return joined(some.map((_, k) => this.#abscissa({ time_s: time?.[k], voltage_v: some[k] })));
  }

  #followZoom({ div }, change) {
    if (this.isFollowing) return;
    const range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    const isRange = range.every((end) => end !== undefined);
    if (!isRange && !change["xaxis.autorange"]) return;
    const follow = isRange ? { "xaxis.range": range } : { "xaxis.autorange": true };
    const others = this.graphs.filter((other) => other.div !== div);
    this.#together(() => others.map((other) => Plotly.relayout(other.div, follow)));
  }

  // Plots that are zoomed by this page tell no other plot to follow.
  async #together(start) {
    this.isFollowing = true;
    await Promise.all(start());
    this.isFollowing = false;
    this.setCursor(this.cursor);
  }

  #placeCursor({ name, unit, div, line, readout }) {
    const range = div.layout?.xaxis.range;
    const share = range ? (this.cursor - range[0]) / (range[1] - range[0]) : -1;
    line.hidden = this.cursor === null || share < 0 || share > 1;
    const width = div.clientWidth - MARGIN.l - MARGIN.r;
    line.style.left = `${MARGIN.l + share * width}px`;
    line.style.top = `${MARGIN.t}px`;
    line.style.bottom = `${MARGIN.b}px`;
    readout.classList.toggle("muted", this.cursor === null);
    readout.textContent = this.cursor === null ? this.#ends(name, unit) : this.#read(name, unit);
  }

  // What stands there while nothing is read.
  #ends(name, unit) {
    const y = this.view?.curves.expected[name] ?? [];
    const [low, high] = [Math.min(...y), Math.max(...y)].map((v) => number(v, DECIMALS[name]));
    return y.length ? `expected ${low} to ${high} ${unit}` : "";
  }

  #read(name, unit) {
    const { curves, measured } = this.view;
    const at = (x, y) => number(interpolated(x, y ?? [], this.cursor), DECIMALS[name]);
    const [expected, low, high] = ["expected", "low", "high"].map((kind) =>
      at(this.expectedX, curves[kind][name]),
    );
    const beside = measured ? `, measured ${at(this.measuredX, measured.curves[name])}` : "";
    const place = this.hasTime ? `${this.cursor.toFixed(1)} min` : `point ${this.cursor.toFixed(0)}`;
    return `${place}: ${expected} ${unit} (${low} to ${high})${beside}`;
  }

  #summary({ name, label, unit }) {
    const y = this.view.curves.expected[name];
    const [first, last] = [y[0], y.at(-1)].map((value) => number(value, DECIMALS[name]));
    return (
      `${label} over ${this.hasTime ? "time" : "points"}: expected ${first} ${unit} at the start, ` +
      `${last} ${unit} at the end. Arrow keys read along the curve.`
    );
  }

  #onKey(event) {
    if (!this.view) return;
    const last = this.expectedX.length - 1;
    const here = this.cursor === null ? -1 : nearestIndex(this.expectedX, this.cursor);
    const step = event.shiftKey ? FAR : 1;
    const places = { ArrowLeft: here - step, ArrowRight: here + step, Home: 0, End: last };
    if (event.key === "Escape") this.setCursor(null);
    if (!(event.key in places)) return;
    event.preventDefault();
    this.setCursor(this.expectedX[Math.min(Math.max(places[event.key], 0), last)]);
    const signal = event.currentTarget.dataset.signal;
    const graph = this.graphs.find(({ name }) => name === signal);
    this.announce(`${graph.label}, ${graph.readout.textContent}`);
  }
}

function addBox(legend, content, onChange) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox" });
  box.addEventListener("change", () => onChange(box.checked));
  const label = document.createElement("label");
  label.append(box, ...content);
  legend.append(label);
  return box;
}

// Many lines as one, gaps between them: one element to draw in place of fifty.
function joined(lines) {
  return lines.flatMap((line) => [...line, null]).slice(0, -1);
}

function nearestIndex(x, value) {
  const apart = x.map((other) => Math.abs(other - value));
  return apart.indexOf(Math.min(...apart));
}

function interpolated(x, y, at) {
  const k = x.findIndex((value) => value >= at);
  if (k < 0 || y.length === 0 || at < x[0]) return null;
  if (k === 0 || x[k] === at) return y[k];
  const share = (at - x[k - 1]) / (x[k] - x[k - 1]);
  return y[k - 1] + share * (y[k] - y[k - 1]);
}

function number(value, decimals) {
  return value === null || value === undefined ? "–" : value.toFixed(decimals);
}
