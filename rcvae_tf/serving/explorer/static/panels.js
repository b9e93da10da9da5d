// What stands around the plots: match, indicators, frames, downloads, the line above.

const ROUNDING = 1e-5;

const element = (id) => document.getElementById(id);

function make(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function showModel({ model }) {
  const policy = `preset ${model.preset}, ${model.conditions} training conditions`;
  const capacity = model.nominal_capacity_ah;
  const cell = capacity === null ? "" : `, 1 C = ${Number(capacity.toPrecision(4))} A`;
  element("model").textContent = `${model.name} version ${model.version}: ${policy}${cell}`;
  const { generator = {}, code_version: code = "" } = model.provenance;
  element("model").title = [...Object.entries(generator).map((pair) => pair.join(": ")), code].join("\n");
}

export function showPanels(view, about) {
  element("shown").textContent = describe(view.asked);
  element("caution").hidden = view.match.in_support;
  showMatch(view);
  showIndicators(view.indicators);
  showFrames(view.frames, about);
}

export function describe({ eol, ecl, draws, seed, last_seed: last, policy }) {
  const parts = [`EOL ${eol}`, `ECL ${ecl}`, ...(policy ? [policy] : [])];
  const seeds = draws === 1 ? `1 draw, seed ${seed}` : `${draws} draws, seeds ${seed} to ${last}`;
  return [...parts, seeds].join(" · ");
}

export function showDownloads(query, lacks) {
  setLink(element("csv"), `/explorer/download.csv?${query}`);
  const bdf = element("bdf");
  if (lacks) {
    bdf.title = `Battery Data Format needs ${lacks}, which this model does not have`;
    bdf.textContent = `BDF: needs ${lacks}`;
    bdf.removeAttribute("href"); // of a version that had it
    bdf.setAttribute("aria-disabled", "true");
    bdf.setAttribute("role", "link");
    return;
  }
  const isOne = new URLSearchParams(query).get("draws") === "1";
  bdf.textContent = isOne ? "BDF" : "BDF, zip";
  bdf.title = "Battery Data Format";
  setLink(bdf, `/explorer/download.bdf.csv?${query}`);
}

function setLink(link, address) {
  link.href = address;
  link.removeAttribute("aria-disabled");
  link.removeAttribute("role");
}

function showMatch({ match, measured }) {
  const rows = [
    ["trained on", `EOL ${match.eol}, ECL ${match.ecl}`],
    ["distance", `${match.distance} weighted cycles`],
    match.in_support
      ? ["support", "within the training data", "good"]
      : ["support", match.beyond.join("; ") || "beyond the training data", "warning"],
  ];
  if (match.policy) rows.push(policyRow(match.policy));
  rows.push(...measuredRows(measured));
  element("match").replaceChildren(
    ...rows.flatMap(([term, text, mark]) => [
      make("dt", term),
      make("dd", text, mark ? { class: mark } : {}),
    ]),
  );
}

function measuredRows(measured) {
  if (!measured) return [["measured", "none travels with this model"]];
  const { cell, eol, ecl, policy, distance } = measured;
  const row = ["measured", `cell ${cell}, EOL ${eol}, ECL ${ecl}; ${distance} weighted cycles away`];
  return policy ? [row, ["its policy", policy]] : [row];
}

function policyRow({ seen, nearest, c_rate_difference: apart }) {
  return seen
    ? ["policy", "in the training data", "good"]
    : ["policy", `not in the training data; nearest ${nearest}, ${apart} C apart`, "warning"];
}

function showIndicators(rows) {
  element("indicators").tBodies[0].replaceChildren(
    ...rows.map((row) => {
      const line = make("tr");
      const decimals = decimalsOf(row);
      const number = (value) => (value === null ? "–" : value.toFixed(decimals));
      const spread = row.spread === null ? "" : ` ± ${number(row.spread)}`;
      line.append(
        make("th", row.label, { scope: "row", title: row.meaning }),
        make("td", row.unit),
        make("td", `${number(row.mean)}${spread}`),
        make("td", number(row.measured)),
      );
      return line;
    }),
  );
}

// Two digits of the spread; four of a number that has none, or one of rounding alone.
function decimalsOf({ mean, spread, measured }) {
  const isSpread = spread > ROUNDING * Math.abs(mean);
  const value = Math.abs((isSpread && spread) || mean || measured || 1);
  const digits = (isSpread ? 1 : 3) - Math.floor(Math.log10(value));
  return Math.min(Math.max(digits, 0), 4);
}

function showFrames(frames, { colours }) {
  const kinds = [["colour", "RGB"], ["grey", "grey"]];
  const cells = [make("span"), ...kinds.map(([, title]) => make("span", title, { class: "head" }))];
  const titles = { generated: "expected", measured: "measured" };
  for (const [origin, frame] of Object.entries(frames).filter(([, frame]) => frame)) {
    cells.push(make("span", titles[origin], { class: "head" }));
    for (const [kind, title] of kinds) {
      const canvas = make("canvas", "", { role: "img", "aria-label": `${title} frame, ${titles[origin]}` });
      paint(canvas, frame[kind]);
      cells.push(canvas);
    }
  }
  element("frames").replaceChildren(...cells);
  element("frames-note").textContent =
    `RGB: ${colours}; grey: Qc. Rows of a frame follow one another in time; each signal from its ` +
    "least to its greatest training value.";
}

function paint(canvas, rows) {
  const [height, width] = [rows.length, rows[0].length];
  Object.assign(canvas, { width, height });
  const pixels = rows.flat().flatMap((value) => [...[value, value, value].flat().slice(0, 3), 255]);
  canvas.getContext("2d").putImageData(new ImageData(Uint8ClampedArray.from(pixels), width, height), 0, 0);
}
